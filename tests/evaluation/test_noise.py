import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, matthews_corrcoef

from harness.errors import DataError
from harness.evaluation.noise import error_correlation, transitions

LABELS = arrays(np.int64, (3, 40), elements=st.integers(-1, 3))
TRUTH = arrays(np.int64, (40,), elements=st.integers(-1, 3))


@given(LABELS, TRUTH)
def test_transitions_are_scikit_learns_confusion_with_a_column_for_none(labels, truth):
    counts = transitions(labels, truth, 4)
    known = truth >= 0
    for voter, row in zip(counts, labels, strict=True):
        given_ = known & (row >= 0)
        if given_.any():
            np.testing.assert_array_equal(voter[:, :4], confusion_matrix(truth[given_], row[given_], labels=range(4)))
        np.testing.assert_array_equal(voter.sum(axis=1), np.bincount(truth[known], minlength=4))


@given(LABELS, TRUTH)
def test_error_correlation_is_phi_of_right_and_wrong_on_shared_items(labels, truth):
    phi = error_correlation(labels, truth)
    for i in range(3):
        for j in range(3):
            shared = (labels[i] >= 0) & (labels[j] >= 0) & (truth >= 0)
            one, other = (labels[i] == truth)[shared], (labels[j] == truth)[shared]
            if len(set(one)) < 2 or len(set(other)) < 2:
                assert np.isnan(phi[i, j])
            else:
                assert phi[i, j] == pytest.approx(matthews_corrcoef(one, other), abs=1e-12)


def test_who_errs_together_correlates_who_errs_by_turns_does_the_contrary():
    truth = np.zeros(4, int)
    labels = np.array([[0, 0, 1, 1], [0, 0, 2, 3], [1, 1, 0, 0]])
    np.testing.assert_allclose(error_correlation(labels, truth), [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match=r"labels of shape \(2, 3\) and truth of shape \(4,\): expected"):
        transitions(np.zeros((2, 3), int), np.zeros(4, int), 2)
    with pytest.raises(DataError, match="label: class id 5 is not one of 2"):
        transitions(np.full((1, 2), 5), np.zeros(2, int), 2)
    with pytest.raises(DataError, match="truth: class id 2 is not one of 2"):
        transitions(np.zeros((1, 2), int), np.full(2, 2), 2)
