import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from harness.evaluation import metrics
from harness.evaluation.counts import count

CLASSES = 4
LABELS = list(range(CLASSES))
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def sums_of(truth, predicted, classes=CLASSES):
    return count(np.zeros(len(truth), int), np.asarray(truth), np.asarray(predicted), 1, classes).sums()[0]


@given(pairs)
def test_metrics_equal_scikit_learn(rows):
    truth, predicted = zip(*rows, strict=True)
    sums = sums_of(truth, predicted)
    settings = {"labels": LABELS, "zero_division": 0}
    expected = oracle.precision_recall_fscore_support(truth, predicted, **settings)
    np.testing.assert_allclose(metrics.precision(sums), expected[0])
    np.testing.assert_allclose(metrics.recall(sums), expected[1])
    np.testing.assert_allclose(metrics.f1(sums), expected[2])
    assert metrics.macro_f1(sums) == pytest.approx(oracle.f1_score(truth, predicted, average="macro", **settings))
    assert metrics.accuracy(sums) == pytest.approx(oracle.accuracy_score(truth, predicted))
    occurring = sorted(set(truth))
    uar = oracle.recall_score(truth, predicted, labels=occurring, average="macro", zero_division=0)
    assert metrics.unweighted_average_recall(sums) == pytest.approx(uar)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40))
def test_an_unanswered_frame_scores_as_a_prediction_of_no_class(rows):
    truth, predicted = zip(*rows, strict=True)
    outside = [CLASSES if one < 0 else one for one in predicted]
    expected = oracle.f1_score(truth, outside, labels=LABELS, average="macro", zero_division=0)
    assert metrics.macro_f1(sums_of(truth, predicted)) == pytest.approx(expected)


def test_a_class_in_neither_truth_nor_predictions_counts_zero():
    assert metrics.macro_f1(sums_of([0, 1], [0, 1])) == 0.5


def test_leading_axes_are_kept():
    sums = np.stack([sums_of([0, 1], [0, 1]), sums_of([0, 1], [1, 1])])
    assert metrics.f1(sums).shape == (2, CLASSES)
    np.testing.assert_allclose(metrics.macro_f1(sums), [0.5, (2 / 3) / 4])
    np.testing.assert_allclose(metrics.accuracy(sums), [1, 0.5])


def test_nothing_at_all_scores_zero():
    assert metrics.macro_f1(np.zeros((3, CLASSES))) == 0
    assert metrics.accuracy(np.zeros((3, CLASSES))) == 0


@pytest.mark.parametrize("frames", [(10_000, 10_000, 10_000), (25_000, 5_000, 0)])
def test_chance_equals_simulated_guessing(frames):
    truth = np.repeat(np.arange(3), frames)
    guesses = np.random.default_rng(0).integers(0, 3, len(truth))
    simulated = oracle.f1_score(truth, guesses, labels=range(3), average="macro", zero_division=0)
    expected = metrics.macro_f1(metrics.chance(np.array(frames, float)))
    assert expected == pytest.approx(simulated, abs=0.01)


def test_chance_on_equal_classes_is_one_over_their_number():
    assert metrics.macro_f1(metrics.chance(np.full(7, 100.0))) == pytest.approx(1 / 7)
