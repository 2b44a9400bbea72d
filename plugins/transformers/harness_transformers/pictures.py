"""Faces as the images that processors take."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.errors import DataError


def pictures(faces: NDArray[np.uint8]) -> list[Image.Image]:
    """faces (N, H, W, 3) RGB uint8 -> N images; DataError for any other array."""
    if faces.ndim != 4 or faces.shape[3] != 3 or faces.dtype != np.uint8 or 0 in faces.shape[1:3]:
        raise DataError(f"faces must be (N, H, W, 3) of uint8, not {faces.shape} of {faces.dtype}")
    return [Image.fromarray(face) for face in faces]


def decoded(image: bytes) -> Any:
    """The RGB image of encoded bytes; DataError if they cannot be decoded."""
    try:
        with Image.open(io.BytesIO(image)) as opened:
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"an image of {len(image)} bytes cannot be decoded: {error}") from error
