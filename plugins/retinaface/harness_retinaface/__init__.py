"""RetinaFace: announces the face detector `retinaface`; torch and the runtimes are imported when it is built."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_retinaface.options import RetinaFaceOptions


@hookimpl
def harness_face_detectors() -> Iterable[ComponentSpec]:
    """The detector; an exported graph runs without torch, making one needs it."""
    yield ComponentSpec(
        "retinaface",
        "RetinaFace (mobilenet0.25 or resnet50): boxes and five landmarks; OpenVINO, ONNX Runtime or torch",
        RetinaFaceOptions,
        "harness_retinaface.detector:RetinaFaceDetector",
        requires=("torch", "torchvision"),
        install='pip install "cer-harness-retinaface[fast]"',
    )
