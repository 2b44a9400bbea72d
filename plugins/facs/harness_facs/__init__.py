"""The labeler `facs`: compound expressions from facial geometry, without training and without a network."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_facs.options import FacsOptions


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """The labeler `facs`."""
    yield ComponentSpec(
        name="facs",
        summary="zero-shot and offline: Face Mesh landmarks -> action units -> FACS prototypes",
        options=FacsOptions,
        target="harness_facs.labeler:FacsLabeler",
        requires=("ai_edge_litert", "cv2"),
        install="pip install cer-harness-facs",
    )
