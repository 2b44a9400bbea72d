"""Networks of image -> numbers, from an ONNX or a TFLite file, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, WeightsError
from harness_hsemotion.picture import Layout

# Images a pass where the file leaves it open: on a CPU more bring no speed, only memory.
BATCH = 8
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class Network(Protocol):
    """layout, side and channels of the input, the side None if any will do; called with images in that layout."""

    layout: Layout
    side: int | None
    channels: int

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """images (N, ...) as `layout` says -> outputs (N, K)."""


class OnnxNetwork:
    """A Network in ONNX Runtime. WeightsError for a file that is none, ConfigError for options that do not fit it."""

    def __init__(self, path: Path, threads: int = 1, *, output: str = "", layout: str = "auto") -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        settings.log_severity_level = 3  # its warnings are about graphs, not about anything the user can do
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors have no base class but this
            raise WeightsError(f"{path} is no network that ONNX Runtime can run: {_first_line(error)}") from error
        given = self._session.get_inputs()
        if len(given) != 1 or len(given[0].shape) != 4 or given[0].type not in TYPES:
            shapes = ", ".join(f"{one.name} {one.type} {one.shape}" for one in given)
            raise WeightsError(f"{path}: one input of images was expected, of four axes and floats; it has {shapes}")
        self._name, self._type = given[0].name, TYPES[given[0].type]
        batch = given[0].shape[0]
        self._batch: int | None = batch if isinstance(batch, int) else None
        self.layout, self.channels, self.side = _read_shape(path, given[0].shape[1:], layout)
        self._output = _chosen(path, [one.name for one in self._session.get_outputs()], output)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Network; a file with a fixed number of images is filled up with black ones."""
        step = self._batch or BATCH
        parts = [self._run(images[start : start + step]) for start in range(0, len(images), step)]
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        fed = images
        if self._batch and len(images) < self._batch:
            fed = np.concatenate([images, np.zeros((self._batch - len(images), *images.shape[1:]), np.float32)])
        try:
            (rows,) = self._session.run([self._output], {self._name: fed.astype(self._type, copy=False)})
        except Exception as error:  # as above
            raise ConfigError(f"the network refused images of shape {fed.shape}: {_first_line(error)}") from error
        return np.asarray(rows, np.float32).reshape(len(fed), -1)[: len(images)]


class LiteRtNetwork:
    """A Network in LiteRT, one image at a time. WeightsError for a file that is none."""

    layout: Layout = "nhwc"

    def __init__(self, path: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            entry, result = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
            _, height, _, channels = (int(length) for length in entry["shape"])
        except (ValueError, RuntimeError) as error:
            raise WeightsError(f"{path} is no network that LiteRT can run: {_first_line(error)}") from error
        self._input, self._output = entry["index"], result["index"]
        self.side: int | None = height
        self.channels = channels

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Network. A batch would be slower here."""
        rows = [self._run(images[number : number + 1]) for number in range(len(images))]
        return np.stack(rows) if rows else np.zeros((0, 0), np.float32)

    def _run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), np.float32).ravel()


def _read_shape(path: Path, axes: Sequence[Any], layout: str) -> tuple[Layout, int, int | None]:
    """Layout, channels and side (None: open) of an input whose axes after the first are given."""
    if layout == "auto":
        if axes[0] not in (1, 3) and axes[2] not in (1, 3):
            raise ConfigError(f"{path} does not say where its input {list(axes)} has the channels; set layout")
        layout = "nchw" if axes[0] in (1, 3) else "nhwc"
    channels, *sides = (axes[0], axes[1], axes[2]) if layout == "nchw" else (axes[2], axes[0], axes[1])
    if isinstance(channels, int) and channels not in (1, 3):
        raise ConfigError(f"{path} wants {channels} channels with layout {layout!r}, not 1 or 3; set the other layout")
    fixed = {side for side in sides if isinstance(side, int)}
    if len(fixed) > 1:
        raise WeightsError(f"{path} wants images of {sides[0]} x {sides[1]} pixels; only square ones can be given")
    return cast(Layout, layout), channels if isinstance(channels, int) else 3, fixed.pop() if fixed else None


def _chosen(path: Path, names: Sequence[str], wanted: str) -> str:
    if wanted and wanted not in names:
        raise ConfigError(f"{path} has no output {wanted!r}; it has {', '.join(names)}")
    return wanted or names[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
