"""Any network of timm as a backbone."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_timm.options import TimmOptions


@hookimpl
def harness_backbones() -> Iterable[ComponentSpec]:
    """One backbone; its option `model` says which network."""
    yield ComponentSpec(
        "timm",
        "any network of timm, by name",
        TimmOptions,
        "harness_timm.backbone:TimmBackbone",
        requires=("torch", "timm"),
        install="pip install 'torch>=2.14' 'timm>=1.0.31'",
    )
