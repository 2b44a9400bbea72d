import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import DataError
from harness.evaluation.holm import holm

PS = arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1) | st.just(np.nan))


def naive(p):
    """By the book: go up the sorted ones, stop at the first that is not rejected."""
    order = sorted((value, place) for place, value in enumerate(p) if not np.isnan(value))
    found, most = [np.nan] * len(p), 0.0
    for step, (value, place) in enumerate(order):
        most = max(most, min(1.0, value * (len(order) - step)))
        found[place] = most
    return found


def test_an_example_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(PS)
def test_it_is_the_step_down_of_the_book(p):
    np.testing.assert_allclose(holm(p), naive(p.tolist()))


@given(PS)
def test_it_only_ever_raises_p_keeps_their_order_and_what_is_not_known(p):
    adjusted = holm(p)
    known = ~np.isnan(p)
    assert (np.isnan(adjusted) == ~known).all()
    assert (adjusted[known] >= p[known]).all()
    assert (adjusted[known] <= 1).all()
    order = np.argsort(p[known], kind="stable")
    assert (np.diff(adjusted[known][order]) >= 0).all()


def test_a_table_keeps_its_shape():
    assert holm(np.full((2, 3), 0.01)) == pytest.approx(np.full((2, 3), 0.06))


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(DataError, match=f"p-value {wrong} does not lie between 0 and 1"):
        holm(np.array([0.5, wrong]))
