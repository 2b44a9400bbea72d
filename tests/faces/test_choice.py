"""Which face is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.components import Faces
from harness.faces.choice import choose

SHAPE = (100, 200, 3)


def faces(*rows: tuple[float, float, float, float, float], landmarks: bool = False) -> Faces:
    table = np.array(rows, np.float32).reshape(-1, 5)
    points = np.arange(len(table) * 10, dtype=np.float32).reshape(-1, 5, 2) if landmarks else None
    return Faces(table[:, :4], table[:, 4], points)


def test_largest_score_and_centre_each_have_their_favourite() -> None:
    found = faces((0, 0, 60, 60, 0.8), (80, 30, 120, 70, 0.7), (150, 0, 170, 20, 0.9), landmarks=True)
    for rule, wanted in (("largest", 0), ("centre", 1), ("score", 2)):
        face = choose(found, SHAPE, rule)
        assert face is not None
        np.testing.assert_array_equal(face.box, found.boxes[wanted])
        np.testing.assert_array_equal(face.landmarks, found.landmarks[wanted])
        assert face.among == 3


def test_equal_sizes_go_to_the_better_score_and_equal_scores_to_the_larger() -> None:
    assert choose(faces((0, 0, 9, 9, 0.5), (20, 0, 29, 9, 0.6)), SHAPE, "largest").box[0] == 20
    assert choose(faces((0, 0, 9, 9, 0.5), (20, 0, 30, 10, 0.5)), SHAPE, "score").box[0] == 20
    assert choose(faces((90, 40, 110, 60, 0.5), (80, 30, 120, 70, 0.5)), SHAPE, "centre").box[0] == 80


def test_what_ties_in_everything_keeps_the_detectors_order() -> None:
    assert choose(faces((20, 0, 29, 9, 0.5), (0, 0, 9, 9, 0.5)), SHAPE, "largest").box[0] == 20


def test_no_faces_are_no_face() -> None:
    assert choose(faces(), SHAPE, "largest") is None


@pytest.mark.parametrize(
    "row",
    [
        (0, 0, 50, 50, 0.1),  # scores too low
        (300, 0, 350, 50, 0.9),  # beyond the frame
        (-60, 0, 0, 50, 0.9),
        (10, 10, 10.5, 40, 0.9),  # thinner than a pixel
        (40, 40, 10, 10, 0.9),  # inside out
        (float("nan"), 0, 50, 50, 0.9),
        (0, 0, float("inf"), 50, 0.9),
        (0, 0, 50, 50, float("nan")),
    ],
)
def test_boxes_that_cannot_be_faces_do_not_count(row: tuple[float, ...]) -> None:
    assert choose(faces(row), SHAPE, "largest", min_score=0.3) is None
    kept = choose(faces(row, (5, 5, 20, 20, 0.4)), SHAPE, "largest", min_score=0.3)
    assert kept is not None
    assert kept.among == 1


boxes = st.tuples(
    st.integers(-20, 190),
    st.integers(-20, 90),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from([0.2, 0.5, 0.9]),
)


@given(st.lists(boxes, max_size=8), st.sampled_from(["largest", "score", "centre"]))
def test_no_usable_face_is_preferable_to_the_chosen_one(rows: list[tuple[int, int, int, int, float]], rule) -> None:
    found = faces(*((x, y, x + w, y + h, score) for x, y, w, h, score in rows))
    usable = [
        (x, y, w, h, np.float32(score))
        for x, y, w, h, score in rows
        if score >= 0.4 and x + w > 0 and y + h > 0 and x < 200 and y < 100
    ]
    face = choose(found, SHAPE, rule, min_score=0.4)
    if not usable:
        assert face is None
        return
    keys = {
        "largest": lambda r: (-r[2] * r[3], -r[4]),
        "score": lambda r: (-r[4], -r[2] * r[3]),
        "centre": lambda r: ((r[0] + r[2] / 2 - 100) ** 2 + (r[1] + r[3] / 2 - 50) ** 2, -r[2] * r[3]),
    }
    x, y, w, h, score = min(usable, key=keys[rule])
    assert face.box.tolist() == [x, y, x + w, y + h]
    assert face.score == score
    assert face.among == len(usable)
