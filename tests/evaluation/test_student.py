import numpy as np
import pytest
from scipy import stats

from harness.evaluation.student import LEAST, critical, t_of, two_sided

FREEDOMS = (1, 2, 3, 7, 55, 399, 5000)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_tails_are_scipys_from_the_middle_to_far_out(freedom):
    t = np.concatenate([[0.0], np.geomspace(1e-6, 60, 200)])
    np.testing.assert_allclose(two_sided(-t, freedom), np.maximum(2 * stats.t.sf(t, freedom), LEAST), rtol=1e-9)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_many_values_are_read_from_a_curve_to_four_digits(freedom):
    t = np.abs(np.random.default_rng(0).standard_t(freedom, 10_000)).clip(0, 30)
    np.testing.assert_allclose(two_sided(t, freedom), 2 * stats.t.sf(t, freedom), rtol=1e-4)


def test_no_number_has_no_p_and_an_infinite_t_the_least():
    assert np.isnan(two_sided(np.nan, 3))
    assert two_sided(np.inf, 3) == LEAST


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_critical_values_are_scipys(freedom):
    for p in (0.5, 0.05, 1e-6):
        assert critical(p, freedom) == pytest.approx(stats.t.isf(p / 2, freedom), rel=1e-8)


def test_t_of_equal_values_is_0_and_of_others_without_an_error_infinite():
    found = t_of(np.array([0.0, 1e-17, -0.3, 0.2]), np.array([0.0, 0.1, 0.1, 0.0]))
    np.testing.assert_allclose(found, [0, 0, 3, np.inf])
