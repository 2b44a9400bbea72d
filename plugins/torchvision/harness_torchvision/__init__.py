"""The paper's five networks, from torchvision."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec
from harness.hookspecs import hookimpl
from harness_torchvision.options import (
    DenseNet121Options,
    DenseNet201Options,
    MobileNetV2Options,
    ResNet18Options,
    ResNet152Options,
)

NETWORKS = (
    (MobileNetV2Options, "MobileNetV2, 1280 features"),
    (ResNet18Options, "ResNet-18, 512 features"),
    (ResNet152Options, "ResNet-152, 2048 features"),
    (DenseNet121Options, "DenseNet-121, 1024 features"),
    (DenseNet201Options, "DenseNet-201, 1920 features"),
)


@hookimpl
def harness_backbones() -> Iterable[ComponentSpec]:
    """The five networks of the paper."""
    for options, summary in NETWORKS:
        yield ComponentSpec(
            options.network,
            summary,
            options,
            f"harness_torchvision.backbones:{options.network}",
            requires=("torch", "torchvision"),
            install="pip install 'torch>=2.14' torchvision",
        )
