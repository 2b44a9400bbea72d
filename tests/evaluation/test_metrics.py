import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from harness.evaluation import metrics
from harness.evaluation.agreement import cohen_kappa
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


answers = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40)


@given(answers)
def test_weighted_f1_kappa_and_matthews_equal_scikit_learn_with_no_answer_as_one_more_class(rows):
    truth, predicted = zip(*rows, strict=True)
    sums = sums_of(truth, predicted)
    outside = [CLASSES if one < 0 else one for one in predicted]
    weighted = oracle.f1_score(truth, outside, labels=LABELS, average="weighted", zero_division=0)
    assert metrics.weighted_f1(sums) == pytest.approx(weighted)
    if len({*truth, *outside}) == 1:  # neither is defined; scikit-learn warns
        assert np.isnan(metrics.kappa(sums))
        assert metrics.matthews(sums) == 0
        return
    assert metrics.matthews(sums) == pytest.approx(oracle.matthews_corrcoef(truth, outside), abs=1e-12)
    assert metrics.kappa(sums) == pytest.approx(oracle.cohen_kappa_score(truth, outside), abs=1e-12)


@given(answers)
def test_kappa_is_that_of_two_labelers_where_every_frame_is_answered(rows):
    truth, predicted = (np.array(column) for column in zip(*rows, strict=True))
    answered = predicted >= 0
    expected = cohen_kappa(truth[answered], predicted[answered], CLASSES)
    found = metrics.kappa(count(np.zeros(len(truth), int), truth, predicted, 1, CLASSES).sums("excluded")[0])
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.slow  # torchmetrics takes long to import
def test_metrics_equal_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, 500)
    predicted = np.where(rng.random(500) < 0.4, truth, rng.integers(0, CLASSES, 500))
    sums = sums_of(truth, predicted)
    given = (torch.tensor(predicted), torch.tensor(truth), CLASSES)
    assert metrics.matthews(sums) == pytest.approx(float(functional.multiclass_matthews_corrcoef(*given)))
    assert metrics.kappa(sums) == pytest.approx(float(functional.multiclass_cohen_kappa(*given)))
    for average, metric in (("weighted", metrics.weighted_f1), ("macro", metrics.macro_f1), ("none", metrics.f1)):
        expected = functional.multiclass_f1_score(*given, average=average).numpy()
        np.testing.assert_allclose(metric(sums), expected, rtol=1e-6)


@given(pairs)
def test_scores_beyond_chance_lie_between_minus_one_and_one_and_are_one_where_all_is_right(rows):
    truth, predicted = zip(*rows, strict=True)
    for metric in (metrics.kappa, metrics.matthews):
        value = metric(sums_of(truth, predicted))
        assert np.isnan(value) or -1 - 1e-12 <= value <= 1 + 1e-12
        if len(set(truth)) > 1:
            assert metric(sums_of(truth, truth)) == pytest.approx(1)


def test_guessing_has_neither_kappa_nor_correlation():
    sums = metrics.chance(np.array([5.0, 20.0, 75.0]))
    assert (metrics.kappa(sums), metrics.matthews(sums)) == (pytest.approx(0), pytest.approx(0))


@given(answers)
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
    for metric in (metrics.weighted_f1, metrics.kappa, metrics.matthews):
        np.testing.assert_allclose(metric(sums), [metric(one) for one in sums])


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
