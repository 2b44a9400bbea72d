"""Faces by a cascade of Haar features (Viola and Jones 2001), with the rules of OpenCV's classifier.

Every window of every level of an image pyramid goes through the stages; few come through the first ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.builtins.cascade import NAME, Cascade, Stage, find_cascade, read_cascade
from harness.builtins.detector_options import HaarOptions
from harness.components import Faces
from harness.errors import DataError

# Windows whose edges differ by less than this share of their side are hits of the same face.
_SAME = 0.2
_DENSE = 2  # stages that all windows go through
_AT_ONCE = 4096  # windows looked up together: bounds the memory
# OpenCV lowers the stage thresholds by this much against rounding.
_SLACK = 1e-5


class Haar:
    """components.FaceDetector without landmarks. The score of a face with n overlapping hits is n / (n + 10)."""

    def __init__(self, options: HaarOptions) -> None:
        self._options = options
        path = find_cascade(options.cascade)
        if path is None:
            raise DataError(_missing(options))
        self._cascade = read_cascade(path)

    def detect(self, frames: NDArray[np.uint8]) -> list[Faces]:
        """frames (N, H, W, 3) RGB -> the faces of each, best score first."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: NDArray[np.uint8]) -> Faces:
        grey = np.asarray(cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)), np.uint8)
        smallest = self._options.min_size * min(grey.shape)
        boxes, counts = grouped(hits(self._cascade, self._levels(grey, smallest)), self._options.min_neighbors)
        order = np.lexsort((boxes[:, 1], boxes[:, 0], -counts))
        return Faces(boxes[order].astype(np.float32), (counts / (counts + 10.0))[order].astype(np.float32))

    def _levels(self, grey: NDArray[np.uint8], smallest: float) -> Iterator[tuple[NDArray[np.uint8], float]]:
        factor = 1.0
        while True:
            width, height = round(grey.shape[1] / factor), round(grey.shape[0] / factor)
            if width < self._cascade.width or height < self._cascade.height:
                return
            if self._cascade.width * factor >= smallest:
                level = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
                yield np.asarray(level, np.uint8), factor
            factor *= self._options.scale_factor


@dataclass(frozen=True)
class Windows:
    """Candidates among all levels: where each one's corner lies in the flat table of integral images, the width of its
    level's table, one over its contrast, its place and side in the frame."""

    corner: NDArray[np.int64]
    stride: NDArray[np.int64]
    norm: NDArray[np.float64]
    box: NDArray[np.float64]

    def keep(self, which: NDArray[np.bool_]) -> Windows:
        return Windows(self.corner[which], self.stride[which], self.norm[which], self.box[which])


def hits(cascade: Cascade, levels: Iterable[tuple[NDArray[np.uint8], float]]) -> NDArray[np.float64]:
    """Boxes (K, 4) xyxy, in pixels of the frame, of the windows of all pyramid levels that pass every stage."""
    tables: list[NDArray[np.float64]] = []
    candidates: list[Windows] = []
    start = 0
    for level, factor in levels:
        table, found = _promising(cascade, level, factor, start)
        tables.append(table.ravel())
        candidates.append(found)
        start += table.size
    if not candidates:
        return np.zeros((0, 4))
    table = np.concatenate(tables)
    windows = Windows(
        np.concatenate([one.corner for one in candidates]),
        np.concatenate([one.stride for one in candidates]),
        np.concatenate([one.norm for one in candidates]),
        np.concatenate([one.box for one in candidates]),
    )
    for stage in cascade.stages[_DENSE:]:
        windows = windows.keep(_votes(stage, table, windows) >= stage.threshold - _SLACK)
    return windows.box


def _promising(
    cascade: Cascade, level: NDArray[np.uint8], factor: float, start: int
) -> tuple[NDArray[np.float64], Windows]:
    """The integral image of a level and its windows that pass the first stages.

    There nearly all windows take part: slices of the whole table are faster than looking up each window.
    """
    total, squares = (table.astype(np.float64) for table in cv2.integral2(level))
    step = 1 if factor > 2 else 2
    shape = (level.shape[0] - cascade.height + 1, level.shape[1] - cascade.width + 1)
    inner = (1, 1, cascade.width - 2, cascade.height - 2)
    area = inner[2] * inner[3]
    spread = area * _sliced(squares, shape, step, inner) - _sliced(total, shape, step, inner) ** 2
    norm = 1 / np.sqrt(np.maximum(spread, 1e-9))
    passed = area * norm < 0.1  # a flat window has no features to speak of
    for stage in cascade.stages[:_DENSE]:
        votes = np.zeros(norm.shape)
        for stump in stage.stumps:
            feature = sum(weight * _sliced(total, shape, step, box) for *box, weight in stump.rectangles) * norm
            votes += np.where(feature < stump.threshold, stump.below, stump.above)
        passed &= votes >= stage.threshold - _SLACK
    rows, columns = np.nonzero(passed)
    stride = total.shape[1]
    corners = np.column_stack([columns, rows]) * step * factor
    box = np.hstack([corners, corners + np.array([cascade.width, cascade.height]) * factor])
    places = start + rows * step * stride + columns * step
    return total, Windows(places, np.full(len(rows), stride), norm[passed], box)


def _sliced(
    integral: NDArray[np.float64], shape: tuple[int, int], step: int, rectangle: Sequence[int]
) -> NDArray[np.float64]:
    """Sum of the pixels in a rectangle (x, y, width, height) of the windows at every `step`-th place."""
    x, y, width, height = rectangle
    cut = [
        integral[top : top + shape[0] : step, left : left + shape[1] : step]
        for top in (y, y + height)
        for left in (x, x + width)
    ]
    return np.asarray(cut[3] - cut[2] - cut[1] + cut[0], np.float64)


def _votes(stage: Stage, table: NDArray[np.float64], windows: Windows) -> NDArray[np.float64]:
    """Sum of the votes (W,) of a stage; all its rectangles are looked up at once."""
    rectangles = np.array([box for stump in stage.stumps for box in stump.rectangles])
    x, y, width, height = rectangles[:, :4].T.astype(np.int64)
    firsts = np.cumsum([0, *(len(stump.rectangles) for stump in stage.stumps[:-1])])
    threshold, below, above = np.array([(one.threshold, one.below, one.above) for one in stage.stumps]).T
    votes = np.zeros(len(windows.corner))
    for some in np.array_split(np.arange(len(votes)), len(votes) // _AT_ONCE + 1):
        top = windows.corner[some, None] + windows.stride[some, None] * y + x
        bottom = top + windows.stride[some, None] * height
        sums = table[bottom + width] - table[bottom] - table[top + width] + table[top]
        features = np.add.reduceat(sums * rectangles[:, 4], firsts, axis=1) * windows.norm[some, None]
        votes[some] = np.where(features < threshold, below, above).sum(axis=1)
    return votes


def grouped(boxes: NDArray[np.float64], min_neighbors: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean boxes (F, 4) of the clusters of at least `min_neighbors` similar hits (K, 4), and their sizes (F,).

    A cluster inside a larger, better supported one is part of it.
    """
    clusters = _clusters(boxes)
    found = [(boxes[clusters == one].mean(axis=0), int((clusters == one).sum())) for one in np.unique(clusters)]
    found = [(box, count) for box, count in found if count >= min_neighbors]
    kept = [one for one in found if not any(_inside(one, other) for other in found)]
    means = np.array([box for box, _ in kept]).reshape(-1, 4)
    return means, np.array([count for _, count in kept], np.int64)


def _clusters(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cluster number of each box; boxes that are similar, directly or by others between them, share one."""
    sides = boxes[:, 2:] - boxes[:, :2]
    numbers = np.full(len(boxes), -1, np.int64)
    for first in range(len(boxes)):
        if numbers[first] >= 0:
            continue
        numbers[first] = first
        waiting = [first]
        while waiting:
            one = waiting.pop()
            reach = _SAME * (np.minimum(sides[:, 0], sides[one, 0]) + np.minimum(sides[:, 1], sides[one, 1])) / 2
            near = (np.abs(boxes - boxes[one]) <= reach[:, None]).all(axis=1) & (numbers < 0)
            numbers[near] = first
            waiting.extend(np.flatnonzero(near).tolist())
    return numbers


def _inside(one: tuple[NDArray[np.float64], int], other: tuple[NDArray[np.float64], int]) -> bool:
    (box, count), (around, more) = one, other
    if box is around or more <= max(3, count):
        return False
    edge = _SAME * (around[2:] - around[:2])
    return bool((box[:2] >= around[:2] - edge).all() and (box[2:] <= around[2:] + edge).all())


def _missing(options: HaarOptions) -> str:
    if options.cascade is not None:
        return f"{options.cascade}: no such cascade file"
    return (
        f"face detector 'haar' needs {NAME}, which no installed package contains (OpenCV 5 does not); download it from "
        'https://github.com/opencv/opencv/tree/4.x/data/haarcascades and name it with cascade = "PATH"'
    )
