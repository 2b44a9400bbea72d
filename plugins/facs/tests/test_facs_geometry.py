import numpy as np
import pytest
from harness_facs.action_units import EFFECT, EFFECTS, NOISE, UNITS
from harness_facs.head_frame import MIDDLE, PAIRS, REFERENCE, STABLE, to_head_frame
from harness_facs.measures import MEASURES, measure
from hypothesis import given
from hypothesis import strategies as st

ANGLE = st.floats(-3.1, 3.1)


def face(seed):
    """(1, 468, 3): stable points near the reference, all others anywhere."""
    random = np.random.default_rng(seed)
    points = random.normal(0, 0.3, (1, 468, 3))
    points[0, STABLE] = REFERENCE + random.normal(0, 0.02, REFERENCE.shape)
    return points


def rotation(yaw, pitch, roll):
    (a, b), (c, d), (e, f) = ((np.cos(angle), np.sin(angle)) for angle in (yaw, pitch, roll))
    about_y = np.array([[a, 0, b], [0, 1, 0], [-b, 0, a]])
    about_x = np.array([[1, 0, 0], [0, c, -d], [0, d, c]])
    about_z = np.array([[e, -f, 0], [f, e, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


@given(st.integers(0, 1000), ANGLE, ANGLE, ANGLE, st.floats(0.01, 1000), st.tuples(*[st.floats(-1e3, 1e3)] * 3))
def test_measures_do_not_depend_on_place_size_and_pose(seed, yaw, pitch, roll, scale, shift):
    points = face(seed)
    moved = points @ rotation(yaw, pitch, roll).T * scale + np.array(shift)
    np.testing.assert_allclose(measure(moved), measure(points), atol=1e-4)


@given(st.integers(0, 1000))
def test_measures_of_a_face_do_not_depend_on_the_batch(seed):
    batch = np.concatenate([face(seed + number) for number in range(3)])
    np.testing.assert_allclose(measure(batch)[1], measure(batch[1:2])[0], atol=1e-6)


def test_the_reference_is_left_where_it_is():
    points = np.zeros((1, 468, 3))
    points[0, STABLE] = REFERENCE
    np.testing.assert_allclose(to_head_frame(points)[0, STABLE], REFERENCE, atol=1e-12)


def test_a_mirror_image_is_not_turned_inside_out():
    frame = to_head_frame(face(0) * [-1, 1, 1])  # a rotation cannot mend a reflection: left stays left
    assert np.isfinite(frame).all()


def test_the_transform_is_the_least_squares_one_scipy_finds():
    from scipy.spatial.transform import Rotation

    points = face(5) @ rotation(0.4, -0.3, 0.2).T * 37 + [5, 6, 7]
    stable = points[0, STABLE] - points[0, STABLE].mean(0)
    target = REFERENCE - REFERENCE.mean(0)
    turn, _ = Rotation.align_vectors(target, stable)
    turned = turn.apply(stable)
    scale = (turned * target).sum() / (stable**2).sum()
    np.testing.assert_allclose(to_head_frame(points)[0, STABLE], turned * scale + REFERENCE.mean(0), atol=1e-6)


def test_faces_that_are_not_there_stay_nan():
    points = np.concatenate([face(0), np.full((1, 468, 3), np.nan), face(1)])
    measures = measure(points)
    assert np.isnan(measures[1]).all()
    assert np.isfinite(measures[[0, 2]]).all()
    assert measure(np.zeros((0, 468, 3))).shape == (0, len(MEASURES))


def test_the_reference_is_symmetric():
    count = len(PAIRS)
    np.testing.assert_array_equal(REFERENCE[:count] * [-1, 1, 1], REFERENCE[count : 2 * count])
    assert all(place[0] == 0 for _, place in MIDDLE)
    assert len(set(STABLE.tolist())) == len(STABLE)


MOVES = [
    (1, (55, 107, 65, 285, 336, 295), (0, -0.05, 0)),
    (2, (46, 53, 63, 70, 276, 283, 293, 300), (0, -0.05, 0)),
    (4, (55, 107, 65, 285, 336, 295), (0, 0.05, 0)),
    (15, (61, 291), (0, 0.05, 0)),
    (26, (14, 87, 317, 17, 84, 314, 148, 152, 377), (0, 0.1, 0)),
    (10, (0, 37, 267), (0, -0.05, 0)),
]


@pytest.mark.parametrize(("unit", "numbers", "move"), MOVES)
def test_moving_a_feature_raises_the_measure_its_unit_moves_most(unit, numbers, move):
    points = np.zeros((1, 468, 3))
    points[0, STABLE] = REFERENCE
    points[0, [13, 82, 312], 1], points[0, [14, 87, 317], 1], points[0, [0, 37, 267], 1] = 0.70, 0.72, 0.65
    points[0, [17, 84, 314], 1], points[0, [148, 152, 377], 1] = 0.8, 1.2
    moved = points.copy()
    moved[0, list(numbers)] += move
    change = (measure(moved) - measure(points))[0]
    strongest = max(EFFECTS[unit], key=lambda name: abs(EFFECTS[unit][name]))
    assert change[MEASURES.index(strongest)] * EFFECTS[unit][strongest] > 0


def test_every_unit_moves_a_measure_and_every_measure_is_moved():
    assert (np.abs(EFFECT).max(1) > 0).all()
    assert (np.abs(EFFECT).max(0) > 0).all()
    assert EFFECT.shape == (len(UNITS), len(MEASURES))
    assert (NOISE > 0).all()
