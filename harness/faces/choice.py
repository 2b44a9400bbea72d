"""Which of a frame's faces is the frame's face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.components import Faces

Rule = Literal["largest", "score", "centre"]


@dataclass(frozen=True)
class Face:
    """The face of a frame: box (4,) x0 y0 x1 y1, score, landmarks (5, 2) or None, and of how many it was chosen."""

    box: NDArray[np.float32]
    score: float
    landmarks: NDArray[np.float32] | None
    among: int


def choose(faces: Faces, shape: tuple[int, ...], rule: Rule, min_score: float = 0.0) -> Face | None:
    """The face that the rule prefers, or None if no face remains; see `ranked`."""
    return next(iter(ranked(faces, shape, rule, min_score, 1)), None)


def ranked(
    faces: Faces, shape: tuple[int, ...], rule: Rule, min_score: float = 0.0, most: int | None = None
) -> list[Face]:
    """The faces of a frame, at most `most`, the one that the rule prefers first.

    shape: (height, width, ...) of the frame. Boxes that score too low, miss the frame or are smaller than a pixel do
    not count. largest: the biggest box (the paper's rule), ties by score; score: the best score, ties by size;
    centre: the box centre nearest to the frame's, ties by size. What still ties keeps the detector's order.
    """
    usable = np.flatnonzero(_usable(faces, shape, min_score))
    if not len(usable):
        return []
    boxes = faces.boxes[usable].astype(np.float64)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    scores = faces.scores[usable].astype(np.float64)
    if rule == "largest":
        order = np.lexsort((-scores, -areas))
    elif rule == "score":
        order = np.lexsort((-areas, -scores))
    else:
        order = np.lexsort((-areas, _distances(boxes, shape)))
    return [_face(faces, row, len(usable)) for row in usable[order[:most]]]


def _face(faces: Faces, row: int, among: int) -> Face:
    landmarks = None if faces.landmarks is None else faces.landmarks[row]
    return Face(faces.boxes[row], float(faces.scores[row]), landmarks, among)


def _usable(faces: Faces, shape: tuple[int, ...], min_score: float) -> NDArray[np.bool_]:
    height, width = shape[:2]
    x0, y0, x1, y1 = faces.boxes.reshape(-1, 4).T
    sound = np.isfinite(faces.boxes).all(axis=1) & (faces.scores >= min_score)
    return np.asarray(
        sound & (x1 - x0 >= 1) & (y1 - y0 >= 1) & (x1 > 0) & (y1 > 0) & (x0 < width) & (y0 < height), np.bool_
    )


def _distances(boxes: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    centre = np.array([shape[1] / 2, shape[0] / 2])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middles - centre) ** 2).sum(axis=1), np.float64)
