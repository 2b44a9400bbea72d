"""The face detector: frames in, faces out; picks the runtime, and says when it was not the one hoped for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.components import Faces
from harness.errors import ConfigError, DataError, HarnessError, PluginError, WeightsError
from harness_retinaface import exports
from harness_retinaface.geometry import faces_of_batch, scaled, shrunk_size
from harness_retinaface.openvino_runner import OpenVinoRunner
from harness_retinaface.options import (
    Precision,
    RetinaFaceOptions,
    Runtime,
    candidates,
    has_gpu,
    require,
    wanted_precision,
)
from harness_retinaface.picture import drawn_face
from harness_retinaface.runners import OnnxRunner, Runner, TorchRunner

STRIDE, SMALL = 32, 320  # pixels: the coarsest stride; above this size padding costs more than it saves
MEAN_COLOUR = (123, 117, 104)
SAME_BOX, SAME_SCORE = 0.02, 0.01  # of the box's longest side; absolute


class RetinaFaceDetector:
    """components.FaceDetector. Boxes are the network's own: they may reach over the frame's edge.

    runtime, precision, device: what is really used; notices: lines about fallbacks, for the user.
    """

    def __init__(self, options: RetinaFaceOptions) -> None:
        self.options = options
        self.notices: list[str] = []
        self.device = _device(options, self.notices)
        checkpoint = options.find_weights()
        self.runtime, self.precision, self._runner = self._chosen(checkpoint)

    def detect(self, frames: NDArray[np.uint8]) -> list[Faces]:
        """frames (N, H, W, 3) RGB uint8 -> the faces of each, best score first."""
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or 0 in frames.shape[1:3]:
            raise DataError(f"retinaface wants frames (N, H, W, 3) of uint8, not {frames.shape} of {frames.dtype}")
        if not len(frames):
            return []
        height, width = frames.shape[1:3]
        seen = shrunk(frames, self.options.longest_side)
        across, down = width / seen.shape[2], height / seen.shape[1]
        return [scaled(found, across, down) for found in self._faces(self._runner, padded(seen))]

    def _faces(self, runner: Runner, frames: NDArray[np.uint8]) -> Iterator[Faces]:
        options = self.options
        for maps in runner.run(np.ascontiguousarray(frames)):
            yield from faces_of_batch(
                maps,
                *frames.shape[1:3],
                min_score=options.min_score,
                nms_iou=options.nms_iou,
                top_k=options.top_k,
            )

    def _chosen(self, checkpoint: Path) -> tuple[Runtime, Precision, Runner]:
        asked = self.options.runtime
        if asked != "auto":
            require(asked)
            return self._made(asked, checkpoint)
        choices = candidates(on_gpu=self.device != "cpu")
        for runtime in choices[:-1]:
            try:
                return self._made(runtime, checkpoint)
            except (WeightsError, ConfigError):
                raise
            except HarnessError as error:
                self.notices.append(f"retinaface does not use {runtime}: {error}")
        return self._made(choices[-1], checkpoint)

    def _made(self, runtime: Runtime, checkpoint: Path) -> tuple[Runtime, Precision, Runner]:
        if runtime != "torch" and self.device != "cpu":
            raise ConfigError(
                f"retinaface: runtime {runtime!r} runs on the CPU; set device = 'cpu' or runtime = 'torch'"
            )
        if runtime == "onnxruntime" and self.options.precision == "bfloat16":
            raise ConfigError("retinaface: runtime 'onnxruntime' has no bfloat16; set precision = 'auto' or 'float32'")
        precision = wanted_precision(self.options.precision, runtime)
        try:
            runner = self._runner_of(runtime, checkpoint, precision)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise PluginError(f"retinaface cannot run with runtime {runtime!r}: {reason}") from error
        if precision == "bfloat16" and self.options.precision == "auto":
            exact = self._runner_of(runtime, checkpoint, "float32")
            if not self._agree(runner, exact):
                self.notices.append("retinaface computes in float32: this CPU's bfloat16 moves the boxes")
                return runtime, "float32", exact
        return runtime, precision, runner

    def _runner_of(self, runtime: Runtime, checkpoint: Path, precision: Precision) -> Runner:
        options = self.options
        if runtime == "torch":
            from harness_retinaface.deployed import deployed
            from harness_retinaface.graph import load

            graph = deployed(load(options.network, checkpoint))
            return TorchRunner(graph, self.device, options.threads, options.batch, precision)
        model = exports.exported(runtime, options.network, checkpoint)
        try:
            return self._opened(runtime, model, precision)
        except (OSError, RuntimeError):  # a damaged file in the cache: once more from torch
            exports.discard(model)
            return self._opened(runtime, exports.exported(runtime, options.network, checkpoint), precision)

    def _opened(self, runtime: Runtime, model: Path, precision: Precision) -> Runner:
        options = self.options
        if runtime == "onnxruntime":
            return OnnxRunner(model, options.threads, options.batch)
        return OpenVinoRunner(model, options.threads, options.batch, precision)

    def _agree(self, low: Runner, exact: Runner) -> bool:
        """Whether a runner of low precision finds the faces of a drawn picture where float32 finds them."""
        picture = drawn_face()[None]
        return all(same(a, b) for a, b in zip(self._faces(low, picture), self._faces(exact, picture), strict=True))


def same(one: Faces, other: Faces) -> bool:
    """As many faces; boxes within 2% of their longest side, scores within 0.01."""
    if len(one) != len(other):
        return False
    sides = (other.boxes[:, 2:] - other.boxes[:, :2]).max(axis=1, initial=0)
    moved = np.abs(one.boxes - other.boxes).max(axis=1, initial=0)
    return bool((moved <= SAME_BOX * sides).all() and (np.abs(one.scores - other.scores) <= SAME_SCORE).all())


def shrunk(frames: NDArray[np.uint8], longest_side: int | None) -> NDArray[np.uint8]:
    """The frames shrunk to a longest side (area averaging), or the frames themselves."""
    height, width = shrunk_size(frames.shape[1], frames.shape[2], longest_side)
    if (height, width) == frames.shape[1:3]:
        return frames
    import cv2

    smaller = np.empty((len(frames), height, width, 3), dtype=np.uint8)
    for frame, target in zip(frames, smaller, strict=True):
        cv2.resize(frame, (width, height), dst=target, interpolation=cv2.INTER_AREA)
    return smaller


def padded(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Small frames grown on the right and below to whole strides, in the mean colour, which the network sees as zero.

    A folder of stills has hundreds of sizes; to prepare the graph for each takes longer than to run it.
    """
    height, width = frames.shape[1:3]
    if max(height, width) > SMALL or (height % STRIDE == 0 and width % STRIDE == 0):
        return frames
    grown = np.empty((len(frames), -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE, 3), np.uint8)
    grown[:] = MEAN_COLOUR
    grown[:, :height, :width] = frames
    return grown


def _device(options: RetinaFaceOptions, notices: list[str]) -> str:
    """The torch device asked for, or found."""
    if options.device == "cpu" or (options.device == "auto" and not has_gpu()):
        return "cpu"
    if options.device == "auto" and options.runtime not in ("auto", "torch"):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda" if options.device == "auto" else options.device
    if options.device == "auto":
        notices.append("retinaface uses the CPU: there is a GPU, but this torch cannot use it")
        return "cpu"
    raise PluginError(f"retinaface: device {options.device!r} is not usable by this torch; set device = 'cpu'")
