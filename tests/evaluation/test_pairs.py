"""Paired comparisons: against loops that draw, swap and leave out one clip at a time, and by what must hold."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.errors import DataError
from harness.evaluation import metrics, pairs
from harness.evaluation.counts import count
from harness.evaluation.pairs import METRICS, compare, detectable, permutation, standard_error, two_sided

CLASSES = 3
MACRO = {"macro_f1": metrics.macro_f1}


def world(rng, clips=20, frames=15):
    clip = np.repeat(np.arange(clips), frames)
    return clip, (clip + np.repeat(rng.integers(0, 2, clips * frames // 5), 5)) % CLASSES


def guesses(rng, clip, truth, skill=0.5):
    """Of a system that is about as good in each frame of a clip."""
    skills = np.clip(skill + 0.25 * rng.normal(size=clip[-1] + 1), 0.02, 0.98)[clip]
    return np.where(rng.random(len(clip)) < skills, truth, rng.integers(-1, CLASSES, len(clip)))


def sums(clip, truth, guess):
    return count(clip, truth, guess, int(clip.max()) + 1, CLASSES).sums()


def pair(seed=0, clips=20):
    """Two systems of which chance alone decides which did a clip how."""
    rng = np.random.default_rng(seed)
    clip, truth = world(rng, clips)
    first, second = (sums(clip, truth, guesses(rng, clip, truth)) for _ in range(2))
    return first, second


def test_the_bootstrap_is_a_loop_over_clips_drawn_for_both():
    first, second = pair()
    rng = np.random.default_rng(5)
    values = []
    for _ in range(4000):
        drawn = rng.integers(0, len(first), len(first))
        values.append(metrics.macro_f1(first[drawn].sum(axis=0)) - metrics.macro_f1(second[drawn].sum(axis=0)))
    found = compare(first, second, MACRO, resamples=4000)["macro_f1"]
    np.testing.assert_allclose((found.drawn_low, found.drawn_high), np.percentile(values, [2.5, 97.5]), atol=0.01)
    assert found.error == pytest.approx(np.std(values), rel=0.25)


def test_few_clips_are_swapped_in_every_way():
    first, second = pair(1, clips=6)
    seen = abs(metrics.macro_f1(first.sum(axis=0)) - metrics.macro_f1(second.sum(axis=0)))
    found = []
    for swaps in itertools.product([False, True], repeat=6):
        swapped = np.array(swaps)[:, None, None]
        one, other = np.where(swapped, second, first), np.where(swapped, first, second)
        found.append(abs(metrics.macro_f1(one.sum(axis=0)) - metrics.macro_f1(other.sum(axis=0))) >= seen - 1e-12)
    p, exact = permutation(first, second, MACRO, 100, 0)
    assert exact
    assert p["macro_f1"] == pytest.approx(np.mean(found))


def test_many_clips_are_swapped_at_random_and_p_is_near_that_of_all_ways(monkeypatch):
    first, second = pair(2, clips=12)
    exactly, _ = permutation(first, second, METRICS, 0, 0)
    monkeypatch.setattr(pairs, "ENUMERATED", 4)
    monkeypatch.setattr(pairs, "CHUNK", 10_000)
    randomly, exact = permutation(first, second, METRICS, 20_000, 0)
    assert not exact
    for name in METRICS:
        np.testing.assert_allclose(randomly[name], exactly[name], atol=0.02)


def test_of_accuracy_the_swaps_are_those_of_scipy():
    first, second = pair(3, clips=10)
    share = (first[:, 0].sum(axis=1) - second[:, 0].sum(axis=1)) / first[:, 1].sum()
    oracle = stats.permutation_test(
        (share,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert permutation(first, second, METRICS, 0, 0)[0]["accuracy"] == pytest.approx(oracle.pvalue)


def test_p_of_swaps_is_uniform_where_chance_alone_decides():
    found = [float(permutation(*pair(seed, clips=18), MACRO, 200, seed)[0]["macro_f1"]) for seed in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.09


def test_the_standard_error_is_that_of_leaving_out_each_clip_in_a_loop():
    first, second = pair(4)
    values = []
    for clip in range(len(first)):
        kept = np.arange(len(first)) != clip
        values.append(metrics.macro_f1(first[kept].sum(axis=0)) - metrics.macro_f1(second[kept].sum(axis=0)))
    clips = len(values)
    expected = math.sqrt((clips - 1) / clips * np.sum((values - np.mean(values)) ** 2))
    assert standard_error(first, second, MACRO)["macro_f1"] == pytest.approx(expected)


def test_of_equally_long_clips_the_standard_error_of_accuracy_is_that_of_a_mean():
    first, second = pair(5)
    shares = (first[:, 0].sum(axis=1) - second[:, 0].sum(axis=1)) / first[:, 1].sum(axis=1)
    found = standard_error(first, second, METRICS)["accuracy"]
    assert found == pytest.approx(stats.sem(shares))


def test_the_interval_is_that_of_students_t_and_holds_the_truth_where_the_bootstrap_does_less_often():
    whole = pair(20, clips=3000)
    truth = metrics.macro_f1(whole[0].sum(axis=0)) - metrics.macro_f1(whole[1].sum(axis=0))
    rng = np.random.default_rng(0)
    held = np.zeros(2)
    for trial in range(300):
        drawn = rng.choice(3000, 10, replace=False)
        found = compare(whole[0][drawn], whole[1][drawn], MACRO, resamples=300, seed=trial)["macro_f1"]
        held += [found.low <= truth <= found.high, found.drawn_low <= truth <= found.drawn_high]
    margin = stats.t.isf(0.025, 9) * found.error
    assert (found.low, found.high) == pytest.approx((found.difference - margin, found.difference + margin))
    assert 0.92 <= held[0] / 300 <= 0.98
    assert held[1] < held[0]


COUNTS = arrays(np.int64, (6, CLASSES, CLASSES), elements=st.integers(0, 4))


def from_confusion(first, second):
    """Sums of two systems with the same true classes: the second's predictions are the first's, turned by its own."""
    one = np.stack([first.diagonal(axis1=1, axis2=2), first.sum(2), first.sum(1)], 1)
    turned = np.take_along_axis(first, (np.arange(CLASSES) + second[:, :, :1]) % CLASSES, 2)
    return one, np.stack([turned.diagonal(axis1=1, axis2=2), turned.sum(2), turned.sum(1)], 1)


@settings(deadline=None, max_examples=30)
@given(COUNTS, COUNTS)
def test_the_other_way_round_everything_is_the_same_with_another_sign(one, other):
    first, second = from_confusion(one, other)
    there, back = compare(first, second, resamples=200), compare(second, first, resamples=200)
    for name, found in there.items():
        np.testing.assert_allclose(found.difference, -back[name].difference, atol=1e-12)
        np.testing.assert_allclose(found.low, -back[name].high, atol=1e-12)
        np.testing.assert_allclose(found.drawn_low, -back[name].drawn_high, atol=1e-12)
        for same in ("bootstrap", "permutation", "error", "detectable"):
            np.testing.assert_allclose(getattr(found, same), getattr(back[name], same), atol=1e-12)
        assert (found.bootstrap > 0).all()
        assert (found.bootstrap <= 1).all()
        assert (found.permutation > 0).all()
        assert (found.permutation <= 1).all()
        assert (found.low <= found.high).all()


def test_a_system_against_itself_differs_in_nothing():
    first, _ = pair()
    for found in compare(first, first).values():
        for name in ("difference", "low", "high", "drawn_low", "drawn_high", "error", "detectable"):
            assert (getattr(found, name) == 0).all()
        assert (found.bootstrap == 1).all()
        assert (found.permutation == 1).all()
        assert found.exact


def test_a_large_difference_is_found_by_every_test():
    rng = np.random.default_rng(0)
    clip, truth = world(rng)
    found = compare(sums(clip, truth, truth), sums(clip, truth, guesses(rng, clip, truth)))["macro_f1"]
    assert min(found.low, found.drawn_low) > 0
    assert max(found.bootstrap, found.permutation) < 0.001


def test_p_of_the_bootstrap_is_never_nothing_and_agrees_with_the_interval():
    assert two_sided(np.full(999, 0.1)) == pytest.approx(2 / 1000)
    assert two_sided(np.linspace(-1, 1, 999)) == pytest.approx(1)
    assert two_sided(np.zeros(100)) == 1


def test_a_difference_of_the_detectable_size_is_found_with_the_power_that_it_says():
    error = 0.02
    found = float(detectable(np.array(error)))
    assert found == pytest.approx((stats.norm.isf(0.025) + stats.norm.isf(0.2)) * error)
    power = stats.norm.sf(stats.norm.isf(0.025) - found / error)
    assert power == pytest.approx(0.8)


def test_means_over_seeds_are_compared_seed_by_seed():
    first, second = pair(6)
    third, _ = pair(7)
    several = compare(np.stack([first, third]), np.stack([second, second]), MACRO, resamples=500)["macro_f1"]
    single = [compare(one, second, MACRO, resamples=500)["macro_f1"] for one in (first, third)]
    assert several.difference == pytest.approx(np.mean([one.difference for one in single]))
    swapped = standard_error(np.stack([first, second]), np.stack([second, first]), MACRO)["macro_f1"]
    # what one seed wins the other loses: nothing varies with the clips, everything with the seeds
    assert swapped == pytest.approx(abs(single[0].difference))


def test_seeds_shared_by_both_systems_take_nothing_from_the_difference():
    first, second = pair(8)
    spread = compare(np.stack([first, second]), np.stack([first, second]), MACRO, resamples=300)["macro_f1"]
    assert (spread.low, spread.high, spread.drawn_low, spread.drawn_high) == (0, 0, 0, 0)


def test_unlike_numbers_of_seeds_are_drawn_apart_and_cannot_be_swapped():
    first, second = pair(9)
    third, _ = pair(10)
    found = compare(np.stack([first, third]), second, resamples=300)
    assert np.isnan(found["macro_f1"].permutation)
    assert np.isnan(found["f1"].permutation).all()
    assert found["macro_f1"].drawn_low < found["macro_f1"].drawn_high
    alone = standard_error(first, second, MACRO)["macro_f1"]
    assert standard_error(np.stack([first, third]), second, MACRO)["macro_f1"] > 0.5 * alone


def test_chunks_change_nothing_but_memory(monkeypatch):
    first, second = pair(11)
    whole = compare(first, second, MACRO, resamples=500)["macro_f1"]
    monkeypatch.setattr("harness.evaluation.bootstrap.CHUNK", 999)
    monkeypatch.setattr(pairs, "CHUNK", 999)
    parts = compare(first, second, MACRO, resamples=500)["macro_f1"]
    assert (parts.drawn_low, parts.bootstrap, parts.permutation) == (
        whole.drawn_low,
        whole.bootstrap,
        whole.permutation,
    )


def test_other_clips_and_one_clip_are_refused():
    first, second = pair()
    with pytest.raises(DataError, match=r"sums of shapes \(20, 3, 3\) and \(19, 3, 3\) cannot be paired"):
        compare(first, second[:-1])
    with pytest.raises(DataError, match=r"expected \(clips, 3, classes\)"):
        compare(first[:, 0], second[:, 0])
    with pytest.raises(DataError, match="one clip is one observation, however many frames it has"):
        compare(first[:1], second[:1])


def test_the_p_of_the_interval_says_what_the_interval_says():
    rng = np.random.default_rng(3)
    for clips in (4, 12):
        one, other = (rng.integers(1, 9, (clips, 3, 3)) for _ in range(2))
        for found in compare(one, other, resamples=100).values():
            holds = (found.low <= 0) & (found.high >= 0)
            np.testing.assert_array_equal(holds, found.student >= 0.05)
            assert (found.student[np.abs(found.difference) < 1e-12] == 1).all()
