"""A training that was cut off, on disk: what its next epoch needs to end as if nothing had happened.

One safetensors file, replaced in one step: networks, the optimizer's moments and the states of the random numbers as
tensors, the history as JSON in its header.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

FORMAT = "cer-harness-unfinished-1"
# Writing ResNet-152 with its moments takes seconds: trainings of less than this are not worth it, and of longer ones
# it may take a twentieth of the time.
SECONDS, SHARE = 10.0, 0.05


@dataclass(frozen=True)
class Progress:
    """tensors by name, parts before a slash; facts: whatever else, JSON-ready."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors under `name`/, without it."""
        return {key.removeprefix(f"{name}/"): one for key, one in self.tensors.items() if key.startswith(f"{name}/")}


class Unfinished:
    """The file of one training; path None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}  # what else to write down
        self._last = time.monotonic()
        self._took = 0.0

    def read(self) -> Progress | None:
        """What was written last, or None: nothing, or nothing that can be read (then the training begins anew)."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    return None
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dictionary
            return Progress(tensors, json.loads(metadata["facts"]))
        except (OSError, SafetensorError, ValueError, KeyError):
            return None

    def due(self) -> bool:
        """Whether enough time has passed to write again."""
        passed = time.monotonic() - self._last
        return self.path is not None and passed >= max(SECONDS, self._took / SHARE)

    def write(self, progress: Progress) -> None:
        """Replace the file; a disk that is full, or refuses, costs the safety and not the training."""
        if self.path is None:
            return
        begin = time.monotonic()
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        tensors = {key: one.detach().cpu().contiguous() for key, one in progress.tensors.items()}
        with contextlib.suppress(OSError, SafetensorError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                save_file(tensors, beside, metadata={"format": FORMAT, "facts": json.dumps(dict(progress.facts))})
                with beside.open("rb") as file:
                    os.fsync(file.fileno())
                beside.replace(self.path)
            finally:
                beside.unlink(missing_ok=True)
        self._last = time.monotonic()
        self._took = self._last - begin

    def remove(self) -> None:
        """The training is done."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's moments by parameter number and name: "3/exp_avg"."""
    state = optimizer.state_dict()["state"]
    return {f"{number}/{name}": value for number, values in state.items() for name, value in values.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put moments back, each in its parameter's memory format, which fused optimizers rely on."""
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        like = parameters[int(number)]
        if value.shape == like.shape:
            value = torch.empty_like(like).copy_(value)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def random_states(device: torch.device, generator: torch.Generator) -> dict[str, Tensor]:
    """The random numbers to come: of torch, of the training's own generator, of the GPU."""
    states = {"torch": torch.get_rng_state(), "own": generator.get_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def restore_random_states(states: Mapping[str, Tensor], device: torch.device, generator: torch.Generator) -> None:
    """Let the same random numbers come again."""
    torch.set_rng_state(states["torch"])
    generator.set_state(states["own"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
