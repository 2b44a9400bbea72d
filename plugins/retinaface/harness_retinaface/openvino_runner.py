"""The exported graph in OpenVINO."""

from __future__ import annotations

import importlib
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness_retinaface.options import Precision
from harness_retinaface.runners import Frames, Maps, cores

STATIC_FROM = (
    8  # frames of one size at once for which a graph is compiled for just that size (0.2 s, then a third faster)
)
STATIC_GRAPHS = 4
TELEMETRY = "openvino_telemetry"


def openvino() -> Any:
    """The package, imported so that it does not report its use: by itself it does, unasked, on import."""
    if "openvino" in sys.modules or TELEMETRY in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # its import fails; openvino then takes its own stub
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[TELEMETRY]


class OpenVinoRunner:
    """The exported graph in OpenVINO on the CPU: one stream a thread, frames spread over the streams.

    A size that comes in whole batches gets a graph of its own; others share one with free sides.
    """

    def __init__(self, model: Path, threads: int | None, batch: int | None, precision: Precision) -> None:
        self._core = openvino().Core()
        self._model = str(model)
        self._batch = batch or 1
        self._threads = threads or cores()
        self._streams = self._threads if self._batch == 1 else 1
        self._settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": self._streams,
        }
        self._free = self._requests(None)
        self._static: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()

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
        if coming < STATIC_FROM:
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
        return [compiled.create_infer_request() for _ in range(self._streams + 1)]
