"""Built-in face detectors: the whole frame, and Haar cascades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.builtins.detector_options import WholeFrameOptions
from harness.components import Faces


class WholeFrame:
    """Takes every frame for one face: score 1, no landmarks. For clips that are face crops already."""

    def __init__(self, options: WholeFrameOptions) -> None: ...

    def detect(self, frames: NDArray[np.uint8]) -> list[Faces]:
        """frames (N, H, W, 3) -> one face each, of the frame's size."""
        height, width = frames.shape[1:3]
        box = np.array([[0, 0, width, height]], np.float32)
        return [Faces(box, np.ones(1, np.float32)) for _ in frames]
