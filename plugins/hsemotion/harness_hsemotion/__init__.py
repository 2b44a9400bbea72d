"""Labelers from networks of basic emotions, composed to the classes of a label space."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_hsemotion.options import BasicOnnxOptions, Fer2013Options, HSEmotionOptions


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """The labelers `hsemotion`, `fer2013` and `basic-onnx`."""
    yield ComponentSpec(
        name="hsemotion",
        summary="basic emotions of EmotiEffLib's networks (ONNX), composed to compound ones",
        options=HSEmotionOptions,
        target="harness_hsemotion.labeler:hsemotion",
        requires=("onnxruntime", "cv2"),
        install="pip install cer-harness-hsemotion",
    )
    yield ComponentSpec(
        name="fer2013",
        summary="basic emotions of a small network trained on FER2013 that installs offline, composed likewise",
        options=Fer2013Options,
        target="harness_hsemotion.labeler:fer2013",
        requires=("ai_edge_litert", "cv2"),
        install="pip install cer-harness-hsemotion",
    )
    yield ComponentSpec(
        name="basic-onnx",
        summary="basic emotions of an ONNX network of your own, composed likewise",
        options=BasicOnnxOptions,
        target="harness_hsemotion.labeler:basic_onnx",
        requires=("onnxruntime", "cv2"),
        install="pip install cer-harness-hsemotion",
    )
