import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import DataError
from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED, WRONG
from harness.evaluation.mcnemar import EXACT, McNemar, mcnemar, p_value


@given(st.integers(0, EXACT), st.integers(0, EXACT))
def test_few_frames_are_scipys_binomial_test_many_its_chi_square(first, second):
    differ = first + second
    if differ <= EXACT:
        expected = stats.binomtest(first, differ).pvalue if differ else 1.0
    else:
        expected = stats.chi2.sf(max(abs(first - second) - 1, 0) ** 2 / differ, 1)
    assert p_value(first, second) == pytest.approx(expected)
    assert p_value(first, second) == p_value(second, first)


def test_frames_are_counted_that_one_alone_has_right():
    first = np.array([RIGHT, RIGHT, WRONG, UNANSWERED, RIGHT, NOT_ASKED])
    second = np.array([RIGHT, WRONG, RIGHT, RIGHT, NOT_ASKED, RIGHT])
    assert mcnemar(first, second) == McNemar(1, 2, 4, 1.0)
    assert mcnemar(first, second, "excluded") == McNemar(1, 1, 3, 1.0)


def test_a_system_against_itself_is_no_difference():
    codes = np.random.default_rng(0).integers(0, 4, 1000)
    assert mcnemar(codes, codes).p == 1


def test_other_frames_are_refused():
    with pytest.raises(DataError, match="correctness of 3 and of 4 frames: McNemar's test needs the same frames"):
        mcnemar(np.zeros(3, int), np.zeros(4, int))
