"""Intervals by three methods, over clips, subjects and frames, of one system or several seeds of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import DataError
from harness.evaluation import metrics
from harness.evaluation.bootstrap import Units, units
from harness.evaluation.counts import Counts, count
from harness.evaluation.intervals import intervals
from harness.evaluation.ratios import ACCURACY, F1, MACRO_F1
from harness.evaluation.resampling import resamples_of, whole

METHODS = ("percentile", "bca", "studentised")
ALL = {"macro_f1": MACRO_F1, "f1": F1, "accuracy": ACCURACY}


def counted(clips=40, frames=4000, seed=0, silent=0.0):
    rng = np.random.default_rng(seed)
    clip, truth = rng.integers(0, clips, frames), rng.integers(0, 3, frames)
    skill = rng.random(clips)[clip]  # clips differ, so that resampling them shows
    predicted = np.where(rng.random(frames) < skill, truth, rng.integers(0, 3, frames))
    return count(clip, truth, np.where(rng.random(frames) < silent, -1, predicted), clips, 3)


def over_clips(counts):
    return units(counts, "wrong")


def test_bca_equals_scipys():
    """A mean of clip accuracies is what scipy can do: every clip has as many frames."""
    rng = np.random.default_rng(0)
    right = rng.binomial(2000, rng.beta(4, 1, 25))
    sums = np.zeros((25, 3, 1), np.int64)
    sums[:, 0, 0], sums[:, 1:, 0] = right, 2000
    found = intervals([Units(sums, np.ones(25, np.int64))], {"accuracy": ACCURACY}, 40_000, 0, "bca")["accuracy"]
    drawn = stats.bootstrap((right / 2000,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1))
    np.testing.assert_allclose(found, drawn.confidence_interval, atol=0.003)


def test_studentised_equals_a_loop_over_resampled_clips():
    """By brute force, with the standard error of macro-F1 from derivatives of one clip after the other."""
    counts = counted(clips=12, frames=600)
    sums = counts.sums().astype(float)

    def error(rows):
        total, step = rows.sum(axis=0), 1e-5
        slopes = [(metrics.macro_f1(total + step * row) - metrics.macro_f1(total - step * row)) for row in rows]
        return np.sqrt(np.square(slopes).sum()) / (2 * step)

    estimate, rng, ratios = metrics.macro_f1(sums.sum(axis=0)), np.random.default_rng(3), []
    for _ in range(4000):
        rows = sums[rng.integers(0, 12, 12)]
        ratios.append((metrics.macro_f1(rows.sum(axis=0)) - estimate) / error(rows))
    width = np.percentile(np.abs(ratios), 95) * error(sums)
    expected = (estimate - width, estimate + width)
    found = intervals([over_clips(counts)], {"f": MACRO_F1}, 20_000, 0, "studentised")["f"]
    np.testing.assert_allclose(found, expected, atol=0.012)


def test_frames_are_drawn_as_if_from_all_frames_one_by_one():
    counts = counted(clips=5, frames=300, silent=0.2)
    whole_counts = np.concatenate([counts.confusion.sum(axis=0), counts.unanswered.sum(axis=0)[:, None]], axis=1)
    cells = np.repeat(np.arange(12), whole_counts.ravel())
    rng, values = np.random.default_rng(1), []
    for _ in range(4000):
        table = np.bincount(rng.choice(cells, len(cells)), minlength=12).reshape(1, 3, 4)
        values.append(metrics.macro_f1(Counts(table[:, :, :3], table[:, :, 3]).sums()[0]))
    found = intervals([units(counts, "wrong", "frame")], {"f": MACRO_F1}, 4000, 0)["f"]
    np.testing.assert_allclose(found, np.percentile(values, [2.5, 97.5]), atol=0.01)


def test_the_units_of_every_kind_hold_all_frames_under_both_policies():
    counts = counted(silent=0.3)
    for policy in ("wrong", "excluded"):
        expected = counts.sums(policy).sum(axis=0)
        for drawn in (
            units(counts, policy),
            units(counts, policy, "subject", [f"s{clip % 7}" for clip in range(40)]),
            units(counts, policy, "frame"),
        ):
            np.testing.assert_array_equal(whole([drawn]).totals[0][0], expected)
    assert len(units(counts, "excluded", "frame")) == counts.confusion.sum()


def test_clips_of_one_subject_are_drawn_together():
    counts = counted(clips=6)
    drawn = units(counts, "wrong", "subject", ["anna", "ben", "anna", "cleo", "ben", "anna"])
    sums = counts.sums()
    np.testing.assert_array_equal(drawn.sums, [sums[[0, 2, 5]].sum(0), sums[[1, 4]].sum(0), sums[3]])
    unknown = units(counts, "wrong", "subject", [])
    np.testing.assert_array_equal(unknown.sums, sums)


def test_subjects_are_those_of_the_clips_that_have_frames():
    counts = count(np.array([0, 2, 2]), np.array([0, 1, 1]), np.array([0, 1, 0]), 3, 2)
    drawn = units(counts, "wrong", "subject", ["anna", "nobody", "anna"])
    assert len(drawn) == 1


def test_another_number_of_subjects_than_clips_is_refused():
    with pytest.raises(DataError, match="2 subjects for 40 clips; give one a clip, or none at all"):
        units(counted(), "wrong", "subject", ["anna", "ben"])


def test_few_subjects_make_wider_intervals_than_many_clips_and_frames_narrower_ones():
    rng = np.random.default_rng(5)
    subject = np.repeat(np.arange(10), 5)
    skill = rng.random(10)[subject]
    clip = np.repeat(np.arange(50), 100)
    truth = rng.integers(0, 3, 5000)
    predicted = np.where(rng.random(5000) < skill[clip], truth, rng.integers(0, 3, 5000))
    counts = count(clip, truth, predicted, 50, 3)
    for method in METHODS:
        ends = [
            intervals([units(counts, "wrong", kind, [f"{one}" for one in subject])], {"f": MACRO_F1}, 2000, 0, method)
            for kind in ("subject", "clip", "frame")
        ]
        subjects, clips, frames = (high - low for low, high in (one["f"] for one in ends))
        assert subjects > 1.5 * clips > 3 * frames


@pytest.mark.parametrize("method", METHODS)
def test_an_interval_holds_its_estimate_and_stays_within_zero_and_one(method):
    for seed in range(5):
        drawn = over_clips(counted(clips=8, frames=400, seed=seed, silent=0.2))
        total = whole([drawn]).totals[0][0]
        for name, (low, high) in intervals([drawn], ALL, 500, 0, method).items():
            assert (low >= 0).all()
            assert (low <= ALL[name](total)).all()
            assert (ALL[name](total) <= high).all()
            assert (high <= 1).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30))
def test_any_counts_have_finite_ends_in_order(rows):
    drawn = over_clips(count(*np.array(rows).T, 4, 3))
    for method in METHODS:
        for low, high in intervals([drawn], ALL, 100, 0, method).values():
            assert np.isfinite([low, high]).all()
            assert (low <= high).all()


@pytest.mark.parametrize("method", METHODS)
def test_clips_that_all_agree_have_the_point_for_an_interval(method):
    same = Units(np.tile(np.array([[[3, 0], [4, 1], [3, 2]]]), (9, 1, 1)), np.ones(9, np.int64))
    for name, (low, high) in intervals([same], ALL, 200, 0, method).items():
        expected = ALL[name](same.sums[0])
        np.testing.assert_allclose(low, expected)
        np.testing.assert_allclose(high, expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_class_in_neither_truth_nor_predictions_counts_zero_in_every_resample(method):
    counts = counted()
    wider = Counts(np.pad(counts.confusion, ((0, 0), (0, 1), (0, 1))), np.pad(counts.unanswered, ((0, 0), (0, 1))))
    three = intervals([over_clips(counts)], ALL, 300, 0, method)
    four = intervals([over_clips(wider)], ALL, 300, 0, method)
    np.testing.assert_allclose(four["macro_f1"], np.array(three["macro_f1"]) * 3 / 4)
    assert (four["f1"][0][3], four["f1"][1][3]) == (0, 0)


def test_each_row_of_weights_draws_seeds_minus_one_and_the_same_clips_for_all():
    drawn = [over_clips(counted(seed=seed)) for seed in range(3)]
    (sample,) = resamples_of(drawn, 5000, 0)
    assert set(np.unique(sample.shares)) == {0, 0.5, 1}
    np.testing.assert_allclose(sample.shares.sum(axis=1), 1)
    np.testing.assert_allclose(sample.shares.mean(axis=0), 1 / 3, atol=0.02)
    assert sample.weights[0] is sample.weights[2]


def test_the_variance_between_seeds_is_unbiased():
    """Of clips that all agree nothing but the seeds varies: the resampled variance of their mean is s^2 / S."""
    seeds = [Units(np.tile([[[hits], [10], [10]]], (5, 1, 1)), np.ones(5, np.int64)) for hits in (2, 5, 9)]
    values = np.concatenate([one.values(ACCURACY) for one in resamples_of(seeds, 40_000, 0)])
    assert values.var() == pytest.approx(np.var([0.2, 0.5, 0.9], ddof=1) / 3, rel=0.02)
    for method in METHODS:
        low, high = intervals(seeds, {"a": ACCURACY}, 4000, 0, method)["a"]
        assert low < 0.3
        assert high > 0.75


def test_frames_of_several_seeds_are_drawn_apart():
    seeds = [units(counted(seed=seed), "wrong", "frame") for seed in range(2)]
    (sample,) = resamples_of(seeds, 200, 0)
    assert (sample.weights[0].sum(axis=1) == 4000).all()
    assert np.corrcoef(sample.values(ACCURACY), sample.weights[0].max(axis=1)).shape == (2, 2)
    alone = [intervals([one], {"a": ACCURACY}, 4000, 0)["a"] for one in seeds]
    low, high = intervals(seeds, {"a": ACCURACY}, 4000, 0, "studentised")["a"]
    assert 0 < high - low < 3 * max(end - begin for begin, end in alone)


def test_seeds_of_other_clips_are_refused():
    with pytest.raises(DataError, match="the seeds of one system were scored on different clips; score them again"):
        intervals([over_clips(counted()), over_clips(counted(clips=30))], ALL, 100, 0)
