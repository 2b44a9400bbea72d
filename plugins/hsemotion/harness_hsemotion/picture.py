"""What is done to a stored crop before a network sees it: cut, colour, size, normalisation, order of the axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from harness_hsemotion.catalogue import Colour

Layout = Literal["nchw", "nhwc"]


@dataclass(frozen=True)
class Preparation:
    """share: of the crop's side that is kept about its centre; side, channels, layout: of the network's input; the
    rest as in catalogue.Card."""

    share: float
    side: int
    channels: int
    layout: Layout
    colour: Colour
    highest: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """faces (N, S, S, 3) RGB -> (N, channels, side, side) or (N, side, side, channels) float32."""
        cut = self._cut(faces)
        images = np.empty((len(cut), self.side, self.side, self.channels), np.float32)
        for image, face in zip(images, cut, strict=True):
            image[:] = self._resized(self._coloured(face)).reshape(self.side, self.side, -1)
        images *= self.highest / 255
        images -= np.array(self.mean, np.float32)
        images /= np.array(self.std, np.float32)
        return images if self.layout == "nhwc" else np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def _cut(self, faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
        full = faces.shape[1]
        kept = max(1, round(full * self.share))
        first = (full - kept) // 2
        return faces[:, first : first + kept, first : first + kept]

    def _coloured(self, face: NDArray[np.uint8]) -> NDArray[Any]:
        if self.colour == "grey":
            return cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
        return face[:, :, ::-1] if self.colour == "bgr" else face

    def _resized(self, face: NDArray[Any]) -> NDArray[Any]:
        """Shrunk by areas: what a network was trained on is often smaller than its input, and never aliased."""
        if face.shape[0] == self.side:
            return face
        method = cv2.INTER_AREA if face.shape[0] > self.side else cv2.INTER_LINEAR
        return cv2.resize(np.ascontiguousarray(face), (self.side, self.side), interpolation=method)
