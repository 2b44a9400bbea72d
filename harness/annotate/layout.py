"""Where things go on the frames of one video: sizes by the frame, the panel where it hides least of the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.annotate.masks import text_width

SHOWN = 3  # classes in the panel
_REFERENCE = 360  # a frame whose shorter side has so many pixels has letters of 13 and 14 px
_SMALLEST_LETTERS = 8
_SMALLEST_SIDE = 300  # below it, letters that fit could not be read
_WIDEST_PERCENT = "100%"


@dataclass(frozen=True)
class Layout:
    """Pixels. letters of the panel and the tag; line: of the box; row: of the panel; panel: x, y, width and height,
    or None where the frame has no room for one."""

    letters: int
    tag_letters: int
    line: int
    row: int
    gap: int
    panel: tuple[int, int, int, int] | None


def enlargement(width: int, height: int) -> int:
    """How many times larger frames of a size are drawn, so that letters on them can be read."""
    return max(1, -(-_SMALLEST_SIDE // min(width, height)))


def lay_out(width: int, height: int, names: Sequence[str], boxes: NDArray[np.float32]) -> Layout:
    """The layout for frames of a size. boxes (F, 4): the faces of all frames, rows of NaN where there is none."""
    unit = min(width, height) / _REFERENCE
    letters, tag_letters = (max(_SMALLEST_LETTERS, round(size * unit)) for size in (13, 14))
    gap, row = max(2, round(8 * unit)), max(letters + 5, round(25 * unit))
    widest = max(text_width(name, letters) for name in names) + text_width(_WIDEST_PERCENT, letters)
    size = (widest + 5 * gap, min(SHOWN, len(names)) * row + 2 * gap)
    fits = size[0] + 2 * gap <= width and size[1] + 2 * gap <= height
    corner = _best_corner(width, height, size, gap, boxes) if fits else None
    return Layout(letters, tag_letters, max(1, round(2 * unit)), row, gap, None if corner is None else (*corner, *size))


def _best_corner(
    width: int, height: int, size: tuple[int, int], gap: int, boxes: NDArray[np.float32]
) -> tuple[int, int]:
    """The corner whose panel covers least of the faces: a place that changes would be hard to read."""
    right, bottom = width - size[0] - gap, height - size[1] - gap
    corners = [(gap, bottom), (right, bottom), (gap, gap), (right, gap)]
    return min(corners, key=lambda corner: _covered(corner, size, boxes))


def _covered(corner: tuple[int, int], size: tuple[int, int], boxes: NDArray[np.float32]) -> float:
    """Pixels of faces under a panel, summed over the frames."""
    x0, y0 = corner
    across = np.clip(np.minimum(boxes[:, 2], x0 + size[0]) - np.maximum(boxes[:, 0], x0), 0, None)
    down = np.clip(np.minimum(boxes[:, 3], y0 + size[1]) - np.maximum(boxes[:, 1], y0), 0, None)
    return float(np.nansum(across * down))
