"""Antialiased polygons, lines and discs with sub-pixel corners, and the colours they are filled with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.geometry import Array
from harness.datasets.synthetic.identity import Colour

Image = NDArray[np.uint8]
_SHIFT = 4  # sub-pixel bits of OpenCV's drawing functions


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def fill(image: Image, points: Array, colour: Sequence[float]) -> None:
    """Fill a polygon, (n, 2) pixels, with an antialiased edge."""
    cv2.fillPoly(image, [_fixed(points)], tuple(colour), cv2.LINE_AA, _SHIFT)


def line(image: Image, points: Array, colour: Sequence[float], width: float) -> None:
    """Draw an open line of `width` pixels (at least one)."""
    cv2.polylines(image, [_fixed(points)], False, tuple(colour), max(1, round(width)), cv2.LINE_AA, _SHIFT)


def disc(image: Image, centre: Array, radius: float, colour: Sequence[float]) -> None:
    """Fill a circle."""
    x, y = _fixed(centre)
    cv2.circle(image, (int(x), int(y)), max(1, round(radius * (1 << _SHIFT))), tuple(colour), -1, cv2.LINE_AA, _SHIFT)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour `share` of the way from the first to the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Colour, factor: float) -> Colour:
    """The colour times a factor."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def tapered(path: Array, widths: Array, drop: Array | float = 0.0) -> Array:
    """The outline (2n, 2) of a stroke along `path` (n, 2) whose half widths (n,) lie across it, lowered by `drop`."""
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    length = np.maximum(np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2), 1e-6)
    outline = np.empty((2 * len(path), 2))
    right, down = -along[:, 1] / length * widths, along[:, 0] / length * widths
    outline[: len(path), 0], outline[: len(path), 1] = path[:, 0] + right, path[:, 1] + down + drop
    outline[len(path) :, 0] = (path[:, 0] - right)[::-1]
    outline[len(path) :, 1] = (path[:, 1] - down + drop)[::-1]
    return outline


def inset(image: Image, outline: Array, draw: Callable[[Image, Array], None]) -> None:
    """Draw within an outline (n, 2) only: `draw(patch, corner)` paints a copy whose corner lies at `corner` (x, y)."""
    x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - 2, 0)
    x1, y1 = np.maximum(np.ceil(outline.max(0)).astype(int) + 3, 0)
    under = image[y0:y1, x0:x1]
    if not under.size:
        return
    corner = np.array([x0, y0], float)
    patch = under.copy()
    draw(patch, corner)
    mask = np.zeros(under.shape[:2], np.uint8)
    fill(mask, outline - corner, (255,))
    cv2.copyTo(patch, mask, under)
