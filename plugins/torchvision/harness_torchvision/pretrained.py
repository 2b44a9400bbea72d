"""Which weights a network starts from, and reading them."""

from __future__ import annotations

import pickle
import re
from collections.abc import Set
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from harness import weights
from harness.errors import WeightsError, listed
from harness_torchvision.options import IMAGENET, BackboneOptions

HEADS = ("fc.", "classifier.")
# densenet's files are older than its code: norm.1, relu.1, conv.2 ... stand for norm1, relu1, conv2
OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


def pretrained(name: str, options: BackboneOptions, keys: Set[str]) -> tuple[dict[str, Tensor] | None, str]:
    """State dictionary to start from (None: random) and its description for the record.

    keys: those of the network without its head; the file must hold exactly these, a head in it aside.
    WeightsError if weights that were asked for cannot be had or do not fit.
    """
    published = IMAGENET[name]
    if isinstance(options.weights, Path):
        path = weights.find(published, options.weights, accept_any=True)
        return read(path, keys, name), f"{path.name} (sha256 {weights.sha256_of(path)[:16]})"
    if options.weights == "none":
        return None, "random"
    if options.weights == "auto" and not weights.available(published):
        return None, (
            f"random (ImageNet weights not available: {published.name} is not on this machine; "
            'weights = "imagenet" downloads it)'
        )
    return read(weights.find(published), keys, name), f"torchvision IMAGENET1K_V1 ({published.name})"


def read(path: Path, keys: Set[str], name: str) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or a torch file (read with weights_only), without a classifier."""
    state = {OLD_DENSE_LAYER.sub(r"\1\2.", key): value for key, value in _load(path).items()}
    state = {key: value for key, value in state.items() if not key.startswith(HEADS)}
    # files from before torch 0.4.1 do not count batches; the count is not used while momentum is set
    state |= {key: torch.tensor(0) for key in keys - set(state) if key.endswith("num_batches_tracked")}
    if odd := sorted(keys ^ set(state)):
        raise WeightsError(f"{path} does not hold the weights of {name}; missing or too many: {listed(odd, 4)}")
    return state


def _load(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read as weights: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} does not hold a state dictionary (names -> tensors)")
    return state
