"""Cutting a face out of its frame, and the bytes that every later stage works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.faces.geometry import scale_of

Format = Literal["png", "jpeg"]
# Sampling a frame more sparsely than this would skip pixels: average them first.
_SHRINKS = 0.75


def warp(frame: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """The crop (size, size, 3) that `matrix` (2, 3; frame to crop) describes; edges of the frame are repeated.

    Enlarging interpolates cubically; shrinking averages areas first, so that no pixel is skipped.
    """
    scale = scale_of(matrix)
    if scale < _SHRINKS:
        frame, matrix = _shrunk(frame, matrix, size, scale)
    flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    crop = cv2.warpAffine(frame, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _shrunk(
    frame: NDArray[np.uint8], matrix: NDArray[np.float64], size: int, scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """What the crop shows of the frame, reduced to about the crop's resolution, and the matrix that remains."""
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64) @ back[:, :2].T + back[:, 2]
    border = 2 + int(2 / scale)
    height, width = frame.shape[:2]
    x0, x1 = _within(corners[:, 0], border, width)
    y0, y1 = _within(corners[:, 1], border, height)
    part = frame[y0:y1, x0:x1]
    new_width = max(1, round(part.shape[1] * scale))
    new_height = max(1, round(part.shape[0] * scale))
    reduced = cv2.resize(part, (new_width, new_height), interpolation=cv2.INTER_AREA)
    fx, fy = new_width / part.shape[1], new_height / part.shape[0]
    # reduced pixel u shows frame pixel x with u + 0.5 = (x - x0 + 0.5) * fx; undo that, then go on as before.
    undo = np.array([[1 / fx, 0, 0.5 / fx - 0.5 + x0], [0, 1 / fy, 0.5 / fy - 0.5 + y0], [0, 0, 1]])
    return np.asarray(reduced, np.uint8), matrix @ undo


def _within(values: NDArray[np.float64], border: int, length: int) -> tuple[int, int]:
    """The range of pixels about the values that lies in the frame; at least one pixel."""
    first = int(np.clip(np.floor(values.min()) - border, 0, length - 1))
    return first, int(np.clip(np.ceil(values.max()) + border, first + 1, length))


def encoder(form: Format, quality: int) -> Callable[[NDArray[np.uint8]], bytes]:
    """RGB to the stored bytes. JPEG keeps colour at full resolution (4:4:4): mouth and eyes are small and red."""
    if form == "png":
        # Level 1 takes a third of the time of the default and 10% more room.
        suffix, flags = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        suffix, flags = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling]

    def encode(image: NDArray[np.uint8]) -> bytes:
        return bytes(cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1])

    return encode


def decode(image: bytes, size: int | None = None) -> NDArray[np.uint8] | None:
    """Stored bytes to RGB (S, S, 3), resized to `size` if given (areas averaged); None if they are no image."""
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
    if pixels is None:
        return None
    if size is not None and pixels.shape[:2] != (size, size):
        method = cv2.INTER_AREA if size < pixels.shape[0] else cv2.INTER_CUBIC
        pixels = cv2.resize(pixels, (size, size), interpolation=method)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
