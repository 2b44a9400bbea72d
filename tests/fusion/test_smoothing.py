import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from harness.errors import ConfigError
from harness.fusion.options import Smoothing
from harness.fusion.smoothing import kernel, relabel, smooth

probabilities = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 30), st.integers(2, 4)), elements=st.floats(0.01, 1)
).map(lambda rows: rows / rows.sum(axis=1, keepdims=True))
odd = st.integers(0, 10).map(lambda radius: 2 * radius + 1)


def padded_by_ones(filtered, rows):
    """scipy pads with zeros; dividing by the filtered ones is what normalised convolution does at the ends."""
    return filtered(rows) / filtered(np.ones_like(rows))


@given(rows=probabilities, window=odd)
def test_a_box_equals_scipy_on_complete_data(rows, window):
    expected = padded_by_ones(lambda one: ndimage.uniform_filter1d(one, window, axis=0, mode="constant"), rows)
    np.testing.assert_allclose(smooth(rows, kernel(Smoothing(kind="box", window=window))), expected, atol=1e-9)


@given(rows=probabilities, sigma=st.floats(0.3, 5))
def test_a_gaussian_equals_scipy_on_complete_data(rows, sigma):
    expected = padded_by_ones(lambda one: ndimage.gaussian_filter1d(one, sigma, axis=0, mode="constant"), rows)
    np.testing.assert_allclose(smooth(rows, kernel(Smoothing(kind="gaussian", sigma=sigma))), expected, atol=1e-9)


@given(rows=probabilities, window=odd, data=st.data(), fill=st.booleans())
def test_absent_frames_weigh_nothing(rows, window, data, fill):
    absent = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    rows[absent] = np.nan
    smoothed = smooth(rows, np.ones(window), fill)
    radius = window // 2
    for frame in range(len(rows)):
        near = rows[max(0, frame - radius) : frame + radius + 1]
        near = near[~np.isnan(near).any(axis=1)]
        if len(near) == 0 or (absent[frame] and not fill):
            assert np.isnan(smoothed[frame]).all()
        else:
            np.testing.assert_allclose(smoothed[frame], near.mean(axis=0), atol=1e-9)
            assert math.isclose(smoothed[frame].sum(), 1, abs_tol=1e-9)


def test_no_smoothing_changes_nothing():
    rows = np.array([[0.2, 0.8], [np.nan, np.nan], [0.6, 0.4]])
    np.testing.assert_array_equal(smooth(rows, kernel(Smoothing())), rows)
    assert smooth(rows[:0], np.ones(3)).shape == (0, 2)


def test_a_short_burst_is_outvoted_by_its_neighbours():
    rows = np.eye(2)[[0, 0, 1, 0, 0]]
    assert relabel(smooth(rows, np.ones(3)), np.array([0, 0, 1, 0, 0])).tolist() == [0, 0, 0, 0, 0]


def test_a_tie_keeps_the_label_before_if_it_is_tied_and_takes_the_lowest_id_if_not():
    shares = np.array([[0.2 + 0.2 + 0.2, 0.6, 0.0]] * 3 + [[np.nan] * 3])
    assert relabel(shares / 1.2, np.array([1, 2, -1, 1])).tolist() == [1, 0, 0, -1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kind": "box", "window": 4}, "smoothing: window 4 is even, so it has no middle frame; use 5"),
        ({"kind": "box", "window": 0}, "smoothing: key 'window' = 0: "),
        ({"kind": "gaussian", "sigma": 0}, "smoothing: key 'sigma' = 0: "),
        ({"kind": "median"}, "smoothing: key 'kind' = 'median': "),
        ({"kin": "box"}, "smoothing: key 'kin' is not known; did you mean 'kind'?"),
    ],
)
def test_settings_that_cannot_be_used_are_named(params, message):
    with pytest.raises(ConfigError) as caught:
        Smoothing.read(params)
    assert str(caught.value).startswith(message)


def test_an_even_window_is_no_matter_without_a_box():
    assert Smoothing.read({"kind": "gaussian", "window": 4}).sigma == 2.0
