import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.synthetic.action_units import UNITS
from harness.datasets.synthetic.geometry import (
    CAMERA_DISTANCE,
    INDEX,
    PIVOT,
    REST,
    Drawing,
    Pose,
    pose_face,
    project,
    spline,
)


@pytest.mark.parametrize("closed", [False, True])
def test_a_spline_passes_through_its_knots(closed: bool) -> None:
    knots = np.random.default_rng(0).normal(size=(5, 2))
    curve = spline(5, 20 if closed else 17, closed) @ knots
    np.testing.assert_allclose(curve[::4], knots, atol=1e-12)


@given(st.integers(2, 9), st.integers(2, 40), st.booleans())
def test_the_weights_of_a_spline_add_up_to_one(knots: int, samples: int, closed: bool) -> None:
    np.testing.assert_allclose(spline(knots, samples, closed).sum(1), 1, atol=1e-12)


@given(st.floats(-80, 80), st.floats(-80, 80), st.floats(-180, 180))
def test_a_turned_head_keeps_its_size(yaw: float, pitch: float, roll: float) -> None:
    matrix = Pose(yaw, pitch, roll).matrix()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


@pytest.mark.parametrize(
    ("pose", "axis"), [(Pose(yaw=15), 0), (Pose(pitch=15), 1)], ids=["yaw to the right", "pitch down"]
)
def test_the_nose_points_where_the_head_turns(pose: Pose, axis: int) -> None:
    straight, turned = (project(REST, one, (0, 0), 100)[INDEX["tip"]] for one in (Pose(), pose))
    assert turned[axis] - straight[axis] > 20


def test_roll_turns_clockwise() -> None:
    turned = project(REST, Pose(roll=20), (0, 0), 100)
    assert turned[INDEX["irisR"], 1] > turned[INDEX["irisL"], 1]


def test_the_pivot_lands_on_the_centre_and_near_points_are_larger() -> None:
    points = np.stack([PIVOT, PIVOT + np.array([1, 0, 0]), PIVOT + np.array([1, 0, CAMERA_DISTANCE / 2])])
    np.testing.assert_allclose(project(points, Pose(), (30, 40), 10), [[30, 40], [40, 40], [50, 40]])


@given(st.dictionaries(st.sampled_from(UNITS), st.floats(0, 1.2)), st.floats(0, 1), st.integers(0, 20))
def test_no_mixture_of_units_turns_a_face_inside_out(units: dict[int, float], blink: float, seed: int) -> None:
    from harness.datasets.synthetic.identity import draw_identity

    face = pose_face(draw_identity(np.random.default_rng(seed)).shape, units, lopsided=0.1, blink=blink)[:, 1]
    for number in "0", "1L", "1R", "2L", "2R":
        lips = [face[INDEX[f"{part}{number}"]] for part in ("lip_top", "gap_top", "gap_low", "lip_low")]
        assert lips == sorted(lips)
    for side in "LR":
        assert face[INDEX[f"up2{side}"]] < face[INDEX[f"lo2{side}"]]
        assert face[INDEX[f"brow2{side}"]] < face[INDEX[f"up2{side}"]]


def test_a_blink_closes_the_eye() -> None:
    closed = pose_face(REST, {}, blink=1.0)[:, 1]
    assert closed[INDEX["lo2R"]] - closed[INDEX["up2R"]] == pytest.approx(0.01)


def test_a_lopsided_face_moves_more_on_one_side() -> None:
    moved = pose_face(REST, {2: 0.5}, lopsided=0.2) - REST
    assert moved[INDEX["brow4R"], 1] == pytest.approx(1.5 * moved[INDEX["brow4L"], 1])


def test_curves_run_through_control_points() -> None:
    points = project(REST, Pose(5, 3, 2), (100, 100), 50)
    drawing = Drawing(points, 50)
    np.testing.assert_allclose(drawing.curve("lid_upR")[[0, -1]], points[[INDEX["eye_inR"], INDEX["eye_outR"]]])
    np.testing.assert_allclose(drawing.point("tip"), points[INDEX["tip"]])
