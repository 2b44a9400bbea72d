import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.fusion.gaps import closest_label, interpolate

NAN = np.full(3, np.nan)
ROWS = st.lists(
    st.one_of(st.none(), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)), min_size=0, max_size=12
).map(lambda rows: np.array([NAN if row is None else np.array(row) / sum(row) for row in rows]).reshape(-1, 3))


def everywhere(rows):
    return np.ones(len(rows), bool)


@given(ROWS)
def test_filled_rows_are_probabilities_and_given_ones_stay(rows):
    filled = interpolate(rows, everywhere(rows))
    given_rows = ~np.isnan(rows).any(1)
    np.testing.assert_array_equal(filled[given_rows], rows[given_rows])
    if given_rows.any():
        np.testing.assert_allclose(filled.sum(1), 1, atol=1e-9)
        assert (filled >= 0).all()
    else:
        assert np.isnan(filled).all()


@given(ROWS)
def test_time_may_run_backwards(rows):
    backwards = interpolate(rows[::-1], everywhere(rows))[::-1]
    np.testing.assert_allclose(interpolate(rows, everywhere(rows)), backwards, atol=1e-12)


@given(ROWS)
def test_pandas_interpolates_the_same(rows):
    import pandas as pd

    expected = pd.DataFrame(rows, dtype=float).interpolate(limit_direction="both").to_numpy()
    np.testing.assert_allclose(interpolate(rows, everywhere(rows)), expected, atol=1e-12)


def test_only_the_wanted_rows_are_filled():
    rows = np.array([[1, 0, 0], NAN, NAN, [0, 1, 0]], float)
    filled = interpolate(rows, np.array([False, True, False, False]))
    np.testing.assert_allclose(filled[1], [2 / 3, 1 / 3, 0])
    assert np.isnan(filled[2]).all()


def test_the_closest_label_is_the_earlier_one_in_the_middle():
    assert closest_label(np.array([-1, 4, -1, -1, -1, 2, -1])).tolist() == [4, 4, 4, 4, 2, 2, 2]
    assert closest_label(np.array([-1, -1])).tolist() == [-1, -1]
    assert closest_label(np.array([], np.int64)).tolist() == []
