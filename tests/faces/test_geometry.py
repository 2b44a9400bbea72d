"""Matrices from frame to crop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.faces.geometry import TEMPLATE, box_matrix, five_point_matrix, scale_of, similarity

angles = st.floats(-np.pi, np.pi)
scales = st.floats(0.05, 20)
shifts = st.floats(-500, 500)
points = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=8)


def turned(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, x], [sine, cosine, y]])


def apply(matrix: np.ndarray, where: np.ndarray) -> np.ndarray:
    return where @ matrix[:, :2].T + matrix[:, 2]


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Umeyama 1991, equations 40-42, by singular values: the oracle."""
    mean_s, mean_t = source.mean(0), target.mean(0)
    covariance = (target - mean_t).T @ (source - mean_s) / len(source)
    u, d, vt = np.linalg.svd(covariance)
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / ((source - mean_s) ** 2).sum(1).mean()
    return np.column_stack([scale * rotation, mean_t - scale * rotation @ mean_s])


@given(points, angles, scales, shifts, shifts)
def test_any_similarity_is_recovered(corners, angle: float, scale: float, x: float, y: float) -> None:
    source = np.array(corners)
    assume(np.linalg.norm(source - source.mean(0)) > 1)
    wanted = turned(angle, scale, x, y)
    found = similarity(source, apply(wanted, source))
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6 * scale * 200)
    assert scale_of(found) == pytest.approx(scale, rel=1e-6)


@given(st.integers(0, 10_000))
def test_noisy_points_give_what_umeyamas_equations_give(seed: int) -> None:
    random = np.random.default_rng(seed)
    source = random.normal(0, 30, (5, 2))
    target = TEMPLATE + random.normal(0, 10, (5, 2))
    np.testing.assert_allclose(similarity(source, target), umeyama(source, target), atol=1e-6)


@pytest.mark.parametrize("size", [64, 112, 224, 299])
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_landmarks_that_look_like_the_template_land_on_it(size: int, margin: float) -> None:
    landmarks = apply(turned(0.4, 1.7, 300, 120), TEMPLATE)
    landed = apply(five_point_matrix(landmarks, size, margin), landmarks)
    side = size / (1 + 2 * margin)
    np.testing.assert_allclose(landed, TEMPLATE * side / 112 + margin * side, atol=1e-9)


def test_at_224_the_template_is_exactly_doubled() -> None:
    np.testing.assert_allclose(apply(five_point_matrix(TEMPLATE, 224, 0.0), TEMPLATE), 2 * TEMPLATE)


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), 7.0)])
def test_degenerate_landmarks_give_no_matrix(bad: np.ndarray) -> None:
    assert five_point_matrix(bad, 112, 0.0) is None


def test_targets_that_coincide_give_no_matrix() -> None:
    assert similarity(TEMPLATE, np.ones((5, 2))) is None


@given(shifts, shifts, st.floats(1, 300), st.floats(1, 300), st.integers(8, 512), st.floats(0, 1))
def test_a_box_fills_the_longer_side_of_its_crop(x, y, width, height, size: int, margin: float) -> None:
    matrix = box_matrix(np.array([x, y, x + width, y + height]), size, margin)
    # As edges: a pixel's centre lies half a pixel behind its edge, in the frame as in the crop.
    corners = apply(matrix, np.array([(x, y), (x + width, y + height)]) - 0.5) + 0.5
    extent = corners[1] - corners[0]
    assert extent.max() == pytest.approx(size / (1 + 2 * margin), rel=1e-6)
    np.testing.assert_allclose(corners.mean(0), size / 2, atol=1e-6 * size * 300)


def test_the_box_of_a_square_frame_is_the_frame() -> None:
    np.testing.assert_allclose(box_matrix(np.array([0, 0, 224, 224]), 224, 0.0), [[1, 0, 0], [0, 1, 0]], atol=1e-12)
