"""Local labelers from Hugging Face transformers: torch and transformers are imported when one is built."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_transformers.options import ClipOptions, GenerateOptions, LikelihoodOptions

REQUIRES = ("torch", "torchvision", "transformers", "PIL")
INSTALL = "pip install cer-harness-transformers"


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """The labelers `transformers`, `transformers-generate` and `clip`."""
    yield ComponentSpec(
        "transformers",
        "a local vision-language model by likelihood: how probable it holds each class name as its answer",
        LikelihoodOptions,
        "harness_transformers.scorer:LikelihoodScorer",
        REQUIRES,
        INSTALL,
    )
    yield ComponentSpec(
        "transformers-generate",
        "a local vision-language model by generation: asked in words, answers in words, nothing leaves the machine",
        GenerateOptions,
        "harness_transformers.generator:LocalModel",
        REQUIRES,
        INSTALL,
    )
    yield ComponentSpec(
        "clip",
        "a local CLIP or SigLIP, zero-shot: similarity of the face to sentences about each class",
        ClipOptions,
        "harness_transformers.clip:ClipScorer",
        REQUIRES,
        INSTALL,
    )
