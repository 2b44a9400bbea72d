"""Ways to run the deployed graph. Each yields the maps of a few frames at a time, so that decoding them overlaps."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness_retinaface.options import Precision

if TYPE_CHECKING:
    from harness_retinaface.deployed import Deployed

Frames = NDArray[np.uint8]
Maps = tuple[NDArray[np.float32], ...]
DEFAULT_BATCH = 8
STATIC_AFTER = 8  # frames of one size before openvino compiles a graph for just that size (0.1 s, a third faster)
STATIC_GRAPHS = 4


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


class OpenVinoRunner:
    """The exported graph in OpenVINO on the CPU: one stream a thread, frames spread over the streams.

    A size that keeps coming gets a graph of its own; rare sizes share one with free sides.
    """

    def __init__(self, model: Path, threads: int | None, batch: int | None, precision: Precision) -> None:
        import openvino

        self._core = openvino.Core()
        self._model = str(model)
        self._batch = batch or 1
        self._threads = threads or cores()
        self._settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": self._threads if self._batch == 1 else 1,
        }
        self._free = self._requests(None)
        self._static: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()
        self._seen: Counter[tuple[int, ...]] = Counter()

    def run(self, frames: Frames) -> Iterator[Maps]:
        running: deque[Any] = deque()
        try:
            for start in range(0, len(frames), self._batch):
                chunk = frames[start : start + self._batch]
                ring = self._ring(chunk.shape, len(frames))
                while running and (len(running) == len(ring) or running[0] not in ring):
                    yield self._finished(running.popleft())
                request = next(one for one in ring if one not in running)
                request.start_async([chunk], share_inputs=True)
                running.append(request)
            while running:
                yield self._finished(running.popleft())
        finally:
            for request in running:  # the reader stopped early: requests must be idle before they start again
                request.wait()

    @staticmethod
    def _finished(request: Any) -> Maps:
        request.wait()
        return tuple(tensor.data for tensor in request.output_tensors)

    def _ring(self, shape: tuple[int, ...], coming: int) -> list[Any]:
        if shape in self._static:
            self._static.move_to_end(shape)
            return self._static[shape]
        self._seen[shape] += shape[0]
        if max(self._seen[shape], coming) < STATIC_AFTER:
            return self._free
        if len(self._static) >= STATIC_GRAPHS:
            self._static.popitem(last=False)
        self._static[shape] = self._requests(shape)
        return self._static[shape]

    def _requests(self, shape: tuple[int, ...] | None) -> list[Any]:
        """Infer requests of a graph compiled for a shape, or for any; one more than streams, so that none idles."""
        model = self._core.read_model(self._model)
        if shape is not None:
            model.reshape(list(shape))
        compiled = self._core.compile_model(model, "CPU", self._settings)
        return [compiled.create_infer_request() for _ in range(self._settings["NUM_STREAMS"] + 1)]
