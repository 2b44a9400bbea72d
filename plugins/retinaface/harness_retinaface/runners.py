"""Ways to run the deployed graph. Each yields the maps of a few frames at a time, so that decoding them overlaps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from harness_retinaface.options import Precision

if TYPE_CHECKING:
    from harness_retinaface.deployed import Deployed

Frames = NDArray[np.uint8]
Maps = tuple[NDArray[np.float32], ...]
DEFAULT_BATCH = 8


class Runner(Protocol):
    """frames (N, H, W, 3) RGB uint8 -> consecutive groups of (n, h, w, 30) maps of strides 8, 16, 32.

    A group is only valid until the next one is asked for: its memory is used again.
    """

    def run(self, frames: Frames) -> Iterator[Maps]: ...


def cores() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class TorchRunner:
    """The graph in torch, channels last; bfloat16 by autocast."""

    def __init__(
        self, graph: Deployed, device: str, threads: int | None, batch: int | None, precision: Precision
    ) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self._graph = graph.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._batch = batch or DEFAULT_BATCH
        self._low = precision == "bfloat16"
        if threads and self._device.type == "cpu":
            torch.set_num_threads(threads)

    def run(self, frames: Frames) -> Iterator[Maps]:
        torch = self._torch
        for start in range(0, len(frames), self._batch):
            chunk = frames[start : start + self._batch]
            images = torch.from_numpy(chunk if chunk.flags.writeable else chunk.copy()).to(self._device)
            with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._low):
                maps = self._graph(images)
            yield tuple(level.float().cpu().numpy() for level in maps)


class OnnxRunner:
    """The exported graph in ONNX Runtime on the CPU."""

    def __init__(self, model: Path, threads: int | None, batch: int | None) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads or cores()
        settings.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
        self._batch = batch or DEFAULT_BATCH

    def run(self, frames: Frames) -> Iterator[Maps]:
        for start in range(0, len(frames), self._batch):
            yield tuple(self._session.run(None, {"frames": frames[start : start + self._batch]}))
