"""Bins of confidence, expected calibration error and Brier score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from harness.errors import DataError
from harness.evaluation.calibration import BINS, calibration, pooled


def frames(seed=0, size=300, classes=4):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(classes, 0.5), size)
    truth = np.where(rng.random(size) < 0.6, rows.argmax(axis=1), rng.integers(0, classes, size))
    return rows, rows.argmax(axis=1), truth


def test_the_brier_score_equals_scikit_learn():
    rows, labels, truth = frames()
    expected = brier_score_loss(truth, rows, labels=range(4), scale_by_half=False)
    assert calibration(rows, labels, truth).brier_score == pytest.approx(expected)


@pytest.mark.slow  # torchmetrics takes long to import
def test_the_expected_calibration_error_equals_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    for seed in range(5):
        rows, labels, truth = frames(seed)
        expected = functional.multiclass_calibration_error(
            torch.tensor(rows), torch.tensor(truth), num_classes=4, n_bins=BINS
        )
        assert calibration(rows, labels, truth).error == pytest.approx(float(expected), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_bins_hold_every_frame_once_and_both_scores_stay_in_range(given_frames):
    confidence, right = (np.array(column) for column in zip(*given_frames, strict=True))
    rows = np.column_stack([confidence, 1 - confidence])
    found = calibration(rows, np.zeros(len(rows), int), np.where(right, 0, 1))
    assert sum(count for count, _, _ in found.bins) == found.frames == len(rows)
    assert sum(count for _, _, count in found.bins) == right.sum()
    for number, (count, total, hits) in enumerate(found.bins):
        assert 0 <= hits <= count
        assert count * number / BINS - 1e-9 <= total <= count * (number + 1) / BINS + 1e-9
    assert 0 <= found.error <= 1 + 1e-9
    assert 0 <= found.brier_score <= 2 + 1e-9


def test_the_confidence_is_that_of_the_label_even_where_another_class_is_more_probable():
    found = calibration(np.array([[0.2, 0.8]]), np.array([0]), np.array([0]))
    assert found.bins[3] == (1, 0.2, 1)
    assert found.brier == pytest.approx(2 * 0.8**2)


def test_frames_without_a_label_or_a_truth_are_left_out():
    rows = np.array([[1.0, 0], [np.nan, np.nan], [0.5, 0.5]])
    found = calibration(rows, np.array([0, -1, 1]), np.array([0, 1, -1]))
    assert (found.frames, found.brier, found.error) == (1, 0, 0)


@pytest.mark.parametrize(("rows", "labels"), [(np.zeros((0, 2)), []), (np.full((2, 2), np.nan), [0, 1])])
def test_without_probabilities_there_is_none(rows, labels):
    assert calibration(rows, np.array(labels, int), np.array(labels, int)) is None


def test_nan_and_infinity_are_refused_with_their_number():
    rows = np.full((5, 2), 0.5)
    rows[1, 0], rows[3, 1] = np.nan, np.inf
    message = r"the probabilities of 2 of 5 labelled frames hold NaN or infinity; compute them again, or give a face"
    with pytest.raises(DataError, match=message):
        calibration(rows, np.zeros(5, int), np.zeros(5, int))


@pytest.mark.parametrize("row", [[2.0, -1.0], [0.2, 0.2], [7.0, 3.0]])
def test_scores_that_are_no_probabilities_are_refused(row):
    with pytest.raises(DataError, match=r"probabilities are not shares that sum to 1 \(.*\); give a softmax's output"):
        calibration(np.array([row]), np.array([0]), np.array([0]))


def test_frames_of_several_pool_as_if_they_were_of_one():
    (rows, labels, truth), (more, others, true) = frames(1), frames(2)
    both = calibration(np.concatenate([rows, more]), np.append(labels, others), np.append(truth, true))
    found = pooled([calibration(rows, labels, truth), calibration(more, others, true)])
    assert found.error == pytest.approx(both.error)
    assert found.brier_score == pytest.approx(both.brier_score)
    assert [row[0] for row in found.bins] == [row[0] for row in both.bins]
