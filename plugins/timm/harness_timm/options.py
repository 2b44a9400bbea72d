"""Options of the backbone, and where pretrained weights may lie already. Imports neither torch nor timm."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness import weights
from harness.components import Options

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
HUB_FILES = ("model.safetensors", "pytorch_model.bin")


class TimmOptions(Options):
    """Options of `timm`."""

    model: str = Field(
        pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$",
        description="name of the network as timm lists it; pretrained weights are named with their tag, as in "
        "'resnet18.a1_in1k': timm's default tags are not torchvision's weights, and change",
    )
    weights: Literal["auto", "pretrained", "none"] | Path = Field(
        default="auto",
        description="auto: those the tag names if they are on this machine, random with a notice otherwise; "
        "pretrained: downloaded if need be; none: random; or a file of this network (.safetensors, .pth)",
    )
    image_size: int | None = Field(
        default=None,
        ge=16,
        le=1024,
        description="side, pixels, that the network is built for, its weights fitted to it; none: that of its weights. "
        "For networks that take one size only; for others training.image_size is enough",
    )

    def facts(self) -> dict[str, Any]:
        """The name of the weights these options lead to, with the sha256 where it cannot change by a download."""
        if isinstance(self.weights, Path):
            return {}
        if self.weights == "none":
            return {"weights": "random"}
        found = placed(self.model) if self.weights == "pretrained" else local(self.model)
        if found is None:
            return {"weights": self.model if self.weights == "pretrained" else "random"}
        return {"weights": self.model, "sha256": weights.sha256_of(found)}

    def sources(self) -> Sequence[Path]:
        """The weight file, if the user names one."""
        return [self.weights] if isinstance(self.weights, Path) else []


def local(model: str) -> Path | None:
    """The file of a name's pretrained weights on this machine: in $HARNESS_WEIGHTS, or as the hub's client keeps it."""
    if "." not in model:  # without a tag it would be up to timm's version which weights are meant
        return None
    return placed(model) or next(_in_hub_cache(f"timm/{model}"), None)


def placed(model: str) -> Path | None:
    """The file that the user put into $HARNESS_WEIGHTS: the model's name with its tag, and a suffix."""
    names = [f"{model}{suffix}" for suffix in SUFFIXES]
    wanted = weights.Weights(names[0], "", aliases=tuple(names[1:]))
    return weights.find(wanted) if "." in model and weights.available(wanted) else None


def _in_hub_cache(repository: str) -> Iterator[Path]:
    folder = _hub_cache() / f"models--{repository.replace('/', '--')}"
    head = folder / "refs" / "main"
    if head.is_file():
        snapshot = folder / "snapshots" / head.read_text(encoding="utf-8").strip()
        yield from (snapshot / name for name in HUB_FILES if (snapshot / name).is_file())


def _hub_cache() -> Path:
    """Where huggingface_hub keeps downloads, by its environment variables."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".cache" / "huggingface") / "hub"
