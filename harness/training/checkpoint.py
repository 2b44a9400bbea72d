"""Trained networks on disk: tensors as safetensors, what is needed to rebuild them as JSON in the file's header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.errors import ConfigError, StoreError, listed
from harness.expressions import LabelSpace
from harness.training.network import Classifier, make_classifier
from harness.training.options import HeadOptions

if TYPE_CHECKING:
    from harness.plugins import Registry

FORMAT = "cer-harness-classifier-1"


@dataclass(frozen=True)
class Checkpoint:
    """What rebuilds a network: backbone component, head, label space, input (side, share of the crop), arithmetic."""

    backbone: Mapping[str, Any]
    head: HeadOptions
    label_space: LabelSpace
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    arithmetic: Mapping[str, Any]
    centre_crop: float = 1.0

    def as_json(self) -> str:
        """For the file's header."""
        return json.dumps(
            {
                "backbone": dict(self.backbone),
                "head": self.head.model_dump(),
                "label_space": self.label_space.as_dict(),
                "image_size": self.image_size,
                "centre_crop": self.centre_crop,
                "mean": list(self.mean),
                "std": list(self.std),
                "arithmetic": dict(self.arithmetic),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """The header that `as_json` wrote."""
        data = json.loads(text)
        return cls(
            data["backbone"],
            HeadOptions.model_validate(data["head"]),
            LabelSpace.from_dict(data["label_space"]),
            int(data["image_size"]),
            tuple(data["mean"]),
            tuple(data["std"]),
            data["arithmetic"],
            float(data["centre_crop"]),
        )


def save(path: Path, state: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    """Write a state dictionary and how to rebuild its network."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    save_file(tensors, path, metadata={"format": FORMAT, "checkpoint": checkpoint.as_json()})


def read(path: Path) -> Checkpoint:
    """The header alone; StoreError if the file is no checkpoint of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be read as a checkpoint: {error}") from error
    if metadata.get("format") != FORMAT:
        raise StoreError(f"{path} is not a checkpoint of this version (format {metadata.get('format')!r})")
    return Checkpoint.from_json(metadata["checkpoint"])


def load(path: Path, registry: Registry) -> tuple[Classifier, Checkpoint]:
    """The network as it was trained, every tensor of it from the file; StoreError if names or shapes differ."""
    checkpoint = read(path)
    backbone = registry.build("backbones", checkpoint.backbone["use"], _without_weights(checkpoint.backbone, registry))
    backbone.mean, backbone.std = checkpoint.mean, checkpoint.std
    network = make_classifier(backbone, checkpoint.head, len(checkpoint.label_space))
    load_state(network, path)
    return network, checkpoint


def load_state(network: Classifier, path: Path) -> None:
    """Fill a network from a checkpoint, strictly; StoreError names what differs."""
    state, expected = load_file(path), network.state_dict()
    odd = sorted(set(state) ^ set(expected))
    odd += sorted(key for key in set(state) & set(expected) if state[key].shape != expected[key].shape)
    if odd:
        raise StoreError(f"{path} does not fit its network, whose plugin may have changed; differing: {listed(odd, 4)}")
    network.load_state_dict(state, strict=True)


def _without_weights(backbone: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The backbone's options with weights = "none" where it knows that: the checkpoint holds every tensor."""
    options = dict(backbone.get("options", {}))
    try:
        registry.options("backbones", backbone["use"], options | {"weights": "none"})
    except ConfigError:
        return options
    return options | {"weights": "none"}
