"""Priors, decoding and suppression in numpy, all in pixels of the frame that the network saw."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from harness.components import Faces

Floats = NDArray[np.float32]

STEPS = (8, 16, 32)
SIZES = ((16, 32), (64, 128), (256, 512))
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


@functools.lru_cache(maxsize=64)
def priors(height: int, width: int) -> Floats:
    """(P, 4) centre x, centre y, width, height of every anchor of a frame: by level, row, column, anchor.

    P = 2 * sum over the strides s of ceil(height / s) * ceil(width / s).
    """
    levels = []
    for step, sizes in zip(STEPS, SIZES, strict=True):
        y, x, size = np.meshgrid(
            (np.arange(-(-height // step)) + 0.5) * step,
            (np.arange(-(-width // step)) + 0.5) * step,
            np.array(sizes, dtype=np.float64),
            indexing="ij",
        )
        levels.append(np.stack([x, y, size, size], axis=-1).reshape(-1, 4))
    table = np.concatenate(levels).astype(np.float32)
    table.flags.writeable = False
    return table


def decode(offsets: Floats, anchors: Floats) -> tuple[Floats, Floats]:
    """offsets (K, 14: box 4, landmarks 10) of anchors (K, 4) -> boxes (K, 4) x0 y0 x1 y1, landmarks (K, 5, 2)."""
    centres, sizes = anchors[:, :2], anchors[:, 2:]
    middle = centres + offsets[:, :2] * CENTRE_VARIANCE * sizes
    half = sizes * np.exp(offsets[:, 2:4] * SIZE_VARIANCE) / 2
    points = offsets[:, 4:].reshape(-1, 5, 2) * CENTRE_VARIANCE * sizes[:, None] + centres[:, None]
    return np.concatenate([middle - half, middle + half], axis=1), points


def suppress(boxes: Floats, scores: Floats, iou: float) -> NDArray[np.int64]:
    """Indices of the boxes that stay, best first: greedy non-maximum suppression of overlaps above `iou`.

    One vectorised pass a box that stays: a frame has few faces, so few passes. Ties: the earlier box.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept = []
    while left.size:
        best, rest = left[0], left[1:]
        kept.append(order[best])
        corner0 = np.maximum(boxes[best, :2], boxes[rest, :2])
        corner1 = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.prod(np.maximum(corner1 - corner0, 0), axis=1)
        left = rest[common <= iou * (areas[best] + areas[rest] - common)]
    return np.array(kept, dtype=np.int64)


def faces(values: Floats, anchors: Floats, nms_iou: float, top_k: int) -> Faces:
    """values (K, 15: logit, box, landmarks) of the anchors (K, 4) that passed the threshold -> faces, best first."""
    if len(values) > top_k:
        best = np.sort(np.argsort(-values[:, 0], kind="stable")[:top_k])
        values, anchors = values[best], anchors[best]
    boxes, points = decode(values[:, 1:], anchors)
    kept = suppress(boxes, values[:, 0], nms_iou)
    scores = 1 / (1 + np.exp(-values[kept, 0].astype(np.float64)))
    return Faces(boxes[kept], scores.astype(np.float32), points[kept])


def faces_of_batch(
    levels: tuple[Floats, ...], height: int, width: int, *, min_score: float, nms_iou: float, top_k: int
) -> list[Faces]:
    """Three maps (N, h, w, 30) of frames of height x width -> the faces of each frame."""
    flat = [level.reshape(len(level), -1, 15) for level in levels]
    least = float(np.log(min_score / (1 - min_score)))
    anchors, start = priors(height, width), 0
    frames, indices, values = [], [], []
    for level in flat:
        frame, index = np.nonzero(level[..., 0] >= least)
        frames.append(frame)
        indices.append(index + start)
        values.append(level[frame, index])
        start += level.shape[1]
    frame, index, value = np.concatenate(frames), np.concatenate(indices), np.concatenate(values)
    return [
        faces(value[mine], anchors[index[mine]], nms_iou, top_k)
        for mine in (frame == number for number in range(len(levels[0])))
    ]


def scaled(found: Faces, across: float, down: float) -> Faces:
    """The same faces in a frame that is `across` times as wide and `down` times as high."""
    if across == down == 1:
        return found
    scale = np.array([across, down], dtype=np.float32)
    points = None if found.landmarks is None else found.landmarks * scale
    return Faces(found.boxes * np.tile(scale, 2), found.scores, points)


def shrunk_size(height: int, width: int, longest_side: int | None) -> tuple[int, int]:
    """Height and width of a frame shrunk to a longest side, aspect kept; frames are never enlarged."""
    longest = max(height, width)
    if longest_side is None or longest <= longest_side:
        return height, width
    factor = longest_side / longest
    return max(round(height * factor), 1), max(round(width * factor), 1)
