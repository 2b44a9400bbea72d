"""Device, threads, precision and memory format: as asked for, or found by a short probe and recorded."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import ConfigError

LONG_PASS = 0.5  # seconds
PROBE_IMAGES = 16  # enough to rank the candidates, a fraction of a step's cost


@dataclass(frozen=True)
class Arithmetic:
    """How the numbers are computed: float32, or bfloat16 autocast over float32 weights; either memory format."""

    device: torch.device
    bfloat16: bool
    channels_last: bool

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def place(self, network: nn.Module) -> nn.Module:
        """The network on the device, its weights in the memory format."""
        memory = torch.channels_last if self.channels_last else torch.contiguous_format
        return network.to(self.device, memory_format=memory)  # type: ignore[call-overload,no-any-return]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, for the record."""
        return {
            "device": str(self.device),
            "precision": "bfloat16" if self.bfloat16 else "float32",
            "channels_last": self.channels_last,
        }


def choose_device(name: str) -> torch.device:
    """The device of a name: auto (a GPU if there is one), cpu, cuda or cuda:N; ConfigError otherwise."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"training.device: {name!r} is not a device; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ConfigError(f"training.device: {name!r} is not there ({count} CUDA devices); use auto or cpu")
    return device


def candidates(precision: str, device: torch.device) -> list[Arithmetic]:
    """What a precision of auto, float32 or bfloat16 leaves open, to be told apart by a probe."""
    exact = [Arithmetic(device, False, False), Arithmetic(device, False, True)]
    half = [Arithmetic(device, True, True)]
    if precision == "auto":
        return exact + (half if _computes_bfloat16(device) else [])
    return half if precision == "bfloat16" else exact


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 runs on its own instructions; where it is emulated, even probing it takes long."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def fastest(
    network: nn.Module, choices: Sequence[Arithmetic], image_size: int, batch: int, *, training: bool
) -> tuple[Arithmetic, dict[str, float]]:
    """The fastest of the choices for this network, and the images/s of each; one choice is not timed.

    training: time a forward and backward pass, else a forward pass. The network and the random numbers of the
    caller are left as they were.
    """
    if len(choices) == 1:
        return choices[0], {}
    images = min(batch, PROBE_IMAGES)
    seconds: dict[Arithmetic, float] = {}
    with torch.random.fork_rng():
        for choice in choices:
            probe = choice.place(copy.deepcopy(network)).train(training)
            memory = torch.channels_last if choice.channels_last else torch.contiguous_format
            batch_of_noise = torch.rand(images, 3, image_size, image_size, device=choice.device)
            batch_of_noise = batch_of_noise.contiguous(memory_format=memory)
            warm = _seconds(probe, batch_of_noise, choice, training)  # the first pass also builds its kernels
            if seconds and warm > 6 * min(seconds.values()):
                seconds[choice] = warm
                continue
            passes = 1 if warm > LONG_PASS else 3  # a short pass is easily disturbed, a long one costs too much
            seconds[choice] = min(_seconds(probe, batch_of_noise, choice, training) for _ in range(passes))
    rates = {_name(choice): round(images / spent, 1) for choice, spent in seconds.items()}
    return min(seconds, key=lambda choice: seconds[choice]), rates


def _seconds(network: nn.Module, images: Tensor, choice: Arithmetic, training: bool) -> float:
    _finish(choice.device)
    begin = time.perf_counter()
    with choice.autocast(), torch.set_grad_enabled(training):
        total = network(images).float().sum()
    if training:
        total.backward()
        network.zero_grad(set_to_none=True)
    _finish(choice.device)
    return time.perf_counter() - begin


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(choice: Arithmetic) -> str:
    return f"{'bfloat16' if choice.bfloat16 else 'float32'}{' channels_last' if choice.channels_last else ''}"
