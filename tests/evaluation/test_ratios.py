"""How much each clip moves a metric."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation import metrics
from harness.evaluation.counts import count
from harness.evaluation.ratios import ACCURACY, F1, MACRO_F1

frames = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=80)


def sums_of(rows):
    return count(*np.array(rows).T, 6, 3).sums().astype(float)


@given(frames)
def test_they_are_the_metrics(rows):
    sums = sums_of(rows)
    np.testing.assert_array_equal(MACRO_F1(sums), metrics.macro_f1(sums))
    np.testing.assert_array_equal(F1(sums), metrics.f1(sums))
    np.testing.assert_array_equal(ACCURACY(sums), metrics.accuracy(sums))


@given(frames)
def test_an_influence_is_the_derivative_of_the_metric(rows):
    sums = sums_of(rows)
    total, step = sums.sum(axis=0), 1e-6
    for metric in (MACRO_F1, F1, ACCURACY):
        found = np.stack(list(metric.influences(total[None], sums)), axis=-1)[0]
        expected = (metric(total + step * sums) - metric(total - step * sums)) / (2 * step)
        # a class in neither truth nor predictions has no derivative and no influence
        np.testing.assert_allclose(found, expected.reshape(found.shape), atol=1e-5)


@given(frames)
def test_influences_of_all_clips_sum_to_nothing(rows):
    sums = sums_of(rows)
    for metric in (MACRO_F1, F1, ACCURACY):
        for found in metric.influences(sums.sum(axis=0)[None], sums):
            assert found.sum() == pytest.approx(0, abs=1e-9)
