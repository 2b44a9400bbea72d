"""Each action unit moves the control points that the coding system says, in the direction it says."""

from collections.abc import Callable

import numpy as np
import pytest

from harness.datasets.synthetic.action_units import DISPLACEMENTS, UNITS
from harness.datasets.synthetic.geometry import INDEX, REST, Array, pose_face

REQUIRED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 24, 25, 26)


def down(name: str) -> Callable[[Array], float]:
    return lambda face: float(face[INDEX[name], 1])


def between(first: str, second: str, axis: int) -> Callable[[Array], float]:
    return lambda face: float(face[INDEX[second], axis] - face[INDEX[first], axis])


def opening(face: Array) -> float:
    return between("up2R", "lo2R", 1)(face)


def brow_gap(face: Array) -> float:
    return between("brow0L", "brow0R", 0)(face)


def mouth_width(face: Array) -> float:
    return between("cornerL", "cornerR", 0)(face)


def red_lips(face: Array) -> float:
    return between("lip_top0", "gap_top0", 1)(face) + between("gap_low0", "lip_low0", 1)(face)


def parted(face: Array) -> float:
    return between("gap_top0", "gap_low0", 1)(face)


@pytest.mark.parametrize(
    ("unit", "measure", "sign"),
    [
        (1, down("brow0R"), -1), (2, down("brow4R"), -1), (4, down("brow0R"), 1), (4, brow_gap, -1), (5, opening, 1),
        (6, down("lo3R"), -1), (6, down("cheekR"), -1), (7, opening, -1), (9, down("alaR"), -1),
        (10, down("lip_top2R"), -1), (10, down("fold1R"), -1),
        (11, down("fold1R"), -1), (12, down("cornerR"), -1), (12, mouth_width, 1), (15, down("cornerR"), 1),
        (17, down("lip_low0"), -1), (17, down("boss"), -1), (20, mouth_width, 1), (23, mouth_width, -1),
        (23, red_lips, -1), (24, red_lips, -1), (25, parted, 1), (26, parted, 1), (26, down("chin"), 1),
    ],
)  # fmt: skip
def test_a_unit_moves_what_it_is_named_after(unit: int, measure: Callable[[Array], float], sign: int) -> None:
    assert sign * (measure(pose_face(REST, {unit: 1.0})) - measure(REST)) > 0.01


@pytest.mark.parametrize("unit", UNITS)
def test_both_sides_of_the_face_move_alike(unit: int) -> None:
    moved = pose_face(REST, {unit: 1.0}) - REST
    for name in DISPLACEMENTS[unit]:
        if f"{name}R" in INDEX:
            right, left = moved[INDEX[f"{name}R"]], moved[INDEX[f"{name}L"]]
            np.testing.assert_allclose(left, right * [-1, 1, 1], atol=1e-12)


def test_every_unit_of_the_issue_is_there() -> None:
    assert set(REQUIRED) <= set(UNITS)


def test_units_of_the_upper_face_leave_the_mouth_alone() -> None:
    moved = pose_face(REST, {1: 1.0, 2: 1.0, 4: 1.0, 5: 1.0, 7: 1.0}) - REST
    for name in ("cornerR", "lip_top0", "lip_low0", "chin"):
        assert not moved[INDEX[name]].any()
