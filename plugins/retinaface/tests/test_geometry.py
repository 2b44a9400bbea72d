"""Priors, decoding and suppression beside slow, independent ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from harness_retinaface.geometry import decode, faces_of_batch, priors, scaled, shrunk_size, suppress
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import nms

from harness.components import Faces

SIDES = st.integers(1, 200)
SEEDS = st.integers(0, 2**31)


def slow_priors(height: int, width: int) -> list[tuple[float, float, float, float]]:
    """The public definition, relative to the frame: centre and size as fractions of its sides."""
    table = []
    for step, sizes in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        for row in range(math.ceil(height / step)):
            for column in range(math.ceil(width / step)):
                for size in sizes:
                    centre = ((column + 0.5) * step / width, (row + 0.5) * step / height)
                    table.append((*centre, size / width, size / height))
    return table


def slow_decode(offsets: np.ndarray, prior: tuple[float, ...], height: int, width: int) -> tuple[list[float], list]:
    centre_x, centre_y, across, down = prior
    x, y = centre_x + offsets[0] * 0.1 * across, centre_y + offsets[1] * 0.1 * down
    w, h = across * math.exp(offsets[2] * 0.2), down * math.exp(offsets[3] * 0.2)
    box = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
    points = [
        [
            (centre_x + offsets[4 + 2 * k] * 0.1 * across) * width,
            (centre_y + offsets[5 + 2 * k] * 0.1 * down) * height,
        ]
        for k in range(5)
    ]
    return box, points


@given(SIDES, SIDES, SEEDS)
@settings(deadline=None, max_examples=30)
def test_decoding_equals_the_slow_definition(height: int, width: int, seed: int) -> None:
    reference = slow_priors(height, width)
    anchors = priors(height, width)
    assert len(anchors) == len(reference)
    rng = np.random.default_rng(seed)
    picked = rng.integers(len(anchors), size=5)
    offsets = rng.normal(0, 2, (5, 14)).astype(np.float32)
    boxes, points = decode(offsets, anchors[picked])
    for row, index in enumerate(picked):
        box, five = slow_decode(offsets[row], reference[index], height, width)
        np.testing.assert_allclose(boxes[row], box, rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(points[row], five, rtol=1e-4, atol=1e-2)


def test_priors_are_cached_per_size_and_cannot_be_changed() -> None:
    assert priors(64, 96) is priors(64, 96)
    assert not priors(64, 96).flags.writeable


@given(SEEDS, st.integers(0, 60), st.sampled_from([0.0, 0.3, 0.4, 0.7, 1.0]))
@settings(deadline=None, max_examples=60)
def test_suppression_equals_torchvision(seed: int, count: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 60, (count, 2))], axis=1).astype(np.float32)
    scores = rng.permutation(np.linspace(0.1, 0.9, count)).astype(np.float32)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), iou).numpy()
    np.testing.assert_array_equal(suppress(boxes, scores, iou), expected)


def test_empty_boxes_and_ties_are_suppressed_in_order() -> None:
    boxes = np.array([[5, 5, 5, 5], [0, 0, 10, 10], [0, 0, 10, 10]], dtype=np.float32)
    assert suppress(boxes, np.full(3, 0.5, np.float32), 0.4).tolist() == [0, 1]


def maps_with(*marks: tuple[int, int, int, int, int, float], height: int = 70, width: int = 100, frames: int = 2):
    """Maps without faces but for the marks (frame, level, row, column, anchor, logit)."""
    levels = [
        np.zeros((frames, math.ceil(height / step), math.ceil(width / step), 30), np.float32) for step in (8, 16, 32)
    ]
    for level in levels:
        level[..., ::15] = -20
    for frame, level, row, column, anchor, logit in marks:
        levels[level][frame, row, column, 15 * anchor] = logit
    return tuple(levels)


def test_every_anchor_stands_at_its_place_in_the_maps() -> None:
    marks = [(0, 0, 8, 12, 1, 2.0), (1, 1, 4, 0, 0, 3.0), (1, 2, 2, 3, 1, 4.0)]
    first, second = faces_of_batch(maps_with(*marks), 70, 100, min_score=0.5, nms_iou=0.4, top_k=10)
    np.testing.assert_allclose(first.boxes, [[100 - 16, 68 - 16, 100 + 16, 68 + 16]])
    np.testing.assert_allclose(first.scores, [1 / (1 + math.exp(-2))], rtol=1e-6)
    assert first.landmarks is not None
    np.testing.assert_allclose(first.landmarks[0], [[100, 68]] * 5)
    np.testing.assert_allclose(second.boxes[0], [112 - 256, 80 - 256, 112 + 256, 80 + 256])
    np.testing.assert_allclose(second.boxes[1], [8 - 32, 72 - 32, 8 + 32, 72 + 32])


@pytest.mark.parametrize(("min_score", "expected"), [(0.5, 2), (0.9, 1), (0.99, 0)])
def test_faces_below_the_least_score_are_dropped(min_score: float, expected: int) -> None:
    marks = [(0, 0, 0, 0, 0, 1.0), (0, 0, 8, 12, 0, 3.0)]
    found = faces_of_batch(maps_with(*marks), 70, 100, min_score=min_score, nms_iou=0.4, top_k=10)
    assert [len(one) for one in found] == [expected, 0]


def test_only_the_best_candidates_are_kept_and_they_come_best_first() -> None:
    marks = [(0, 0, row, 0, 0, float(row + 1)) for row in range(0, 9, 3)]
    (found, _) = faces_of_batch(maps_with(*marks), 70, 100, min_score=0.5, nms_iou=0.4, top_k=2)
    assert found.boxes[:, 1].tolist() == [52 - 8, 28 - 8]


def test_a_frame_without_faces_gives_empty_arrays() -> None:
    (found, _) = faces_of_batch(maps_with(), 70, 100, min_score=0.5, nms_iou=0.4, top_k=2)
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)
    assert found.landmarks is not None
    assert found.landmarks.shape == (0, 5, 2)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(32, 2000))
def test_shrinking_keeps_the_aspect_and_never_enlarges(height: int, width: int, longest: int) -> None:
    small = shrunk_size(height, width, longest)
    assert max(small) == min(longest, max(height, width))
    factor = max(small) / max(height, width)
    assert abs(small[0] - height * factor) <= 1
    assert abs(small[1] - width * factor) <= 1
    assert shrunk_size(height, width, None) == (height, width)


def test_boxes_and_landmarks_are_scaled_per_axis() -> None:
    found = Faces(np.ones((1, 4), np.float32), np.ones(1, np.float32), np.ones((1, 5, 2), np.float32))
    wide = scaled(found, 2.0, 3.0)
    assert wide.boxes.tolist() == [[2, 3, 2, 3]]
    assert wide.landmarks is not None
    assert wide.landmarks[0, 0].tolist() == [2, 3]
    assert wide.boxes.dtype == wide.landmarks.dtype == np.float32
    assert scaled(found, 1, 1) is found
