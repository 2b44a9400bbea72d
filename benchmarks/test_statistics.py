"""Paired tests and the ranks of a whole table, each beside the loop that one would write first, in the same run.

    pytest benchmarks/test_statistics.py --benchmark-enable -s

The loops do a part of the work, as the whole would take minutes; the ratio printed is of the time for equal work.
"""

import time

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from harness.evaluation.counts import count
from harness.evaluation.metrics import macro_f1
from harness.evaluation.pairs import bootstrap, compare, permutation, standard_error, two_sided
from harness.evaluation.ranks import rank
from harness.evaluation.student import critical
from harness.evaluation.voters import subsets

CLASSES = 7
MACRO = {"macro_f1": macro_f1}


def frames(clips, of_each, systems, seed=0):
    """(clip, truth, guesses): every system better than the one before by a little."""
    rng = np.random.default_rng(seed)
    clip = np.repeat(np.arange(clips), of_each)
    truth = np.repeat(rng.integers(0, CLASSES, clips * 4), of_each // 4)
    guesses = []
    for number in range(systems):
        skill = np.clip(0.35 + 0.3 * number / systems + 0.15 * rng.normal(size=clips), 0, 1)[clip]
        guesses.append(np.where(rng.random(len(clip)) < skill, truth, rng.integers(0, CLASSES, len(clip))))
    return clip, truth, guesses


def seconds(work):
    """Processor time of this process: others on the machine do not count."""
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found


def by_loop(clip, truth, first, second, draws):
    """Bootstrap and swaps with scikit-learn on frames: (differences, swapped differences)."""
    rng = np.random.default_rng(0)
    members = np.split(np.arange(len(clip)), np.unique(clip, return_index=True)[1][1:])

    def score(true, guess):
        return f1_score(true, guess, labels=range(CLASSES), average="macro", zero_division=0)

    drawn, swapped = [], []
    for _ in range(draws):
        rows = np.concatenate([members[one] for one in rng.integers(0, len(members), len(members))])
        drawn.append(score(truth[rows], first[rows]) - score(truth[rows], second[rows]))
        swap = (rng.random(len(members)) < 0.5)[clip]
        swapped.append(score(truth, np.where(swap, second, first)) - score(truth, np.where(swap, first, second)))
    return np.array(drawn), np.array(swapped)


def test_a_pair_of_200_000_frames_in_400_clips(benchmark):
    clip, truth, (first, second) = frames(400, 500, 2)
    draws = 3

    def from_counts():
        sums = [count(clip, truth, guess, 400, CLASSES).sums() for guess in (first, second)]
        return compare(*sums, MACRO, resamples=10_000)["macro_f1"]

    ours, found = seconds(lambda: benchmark.pedantic(from_counts, rounds=1))
    theirs, (drawn, _) = seconds(lambda: by_loop(clip, truth, first, second, draws))
    assert found.drawn_low - 0.02 <= drawn.mean() <= found.drawn_high + 0.02
    ratio = benchmark.extra_info["ratio"] = theirs / draws * 10_000 / ours
    print(f"\npair: {ours:.2f} s for 10,000 resamples and 10,000 swaps; scikit-learn loop x {ratio:,.0f}")
    assert ratio > 100


def test_every_pair_of_a_table_of_2_000(benchmark):
    clip, truth, guesses = frames(56, 40, 2000)
    sums = [count(clip, truth, guess, 56, CLASSES).sums() for guess in guesses]
    ours, found = seconds(lambda: benchmark.pedantic(rank, (sums, ["same"] * len(sums)), {"reference": 0}, rounds=1))
    pairs = 300

    def one_by_one():
        rng = np.random.default_rng(0)
        p = []
        for first, second in rng.integers(0, len(sums), (pairs, 2)):
            error = standard_error(sums[first], sums[second], MACRO)["macro_f1"]
            difference = macro_f1(sums[first].sum(axis=0)) - macro_f1(sums[second].sum(axis=0))
            p.append(2 * stats.t.sf(abs(difference) / max(error, 1e-12), 55))
        return p

    theirs, _ = seconds(one_by_one)
    ratio = benchmark.extra_info["ratio"] = theirs / pairs * (2000 * 1999 / 2) / ours
    print(f"\ntable: {ours:.2f} s for the ranks of 2,000 systems; one pair after the other x {ratio:,.0f}")
    assert found.group.max() > 1
    assert ratio > 50


def test_every_subset_of_6_voters_on_20_000_faces(benchmark):
    clip, truth, guesses = frames(56, 360, 6)
    labels = np.stack(guesses)
    ours, found = seconds(lambda: benchmark.pedantic(subsets, (labels, truth, clip, CLASSES, np.zeros(6)), rounds=1))

    def one_by_one():
        scores = []
        for members in found.members[:6]:
            cast = np.stack([(labels[members] == one).sum(axis=0) for one in range(CLASSES)])
            scores.append(f1_score(truth, cast.argmax(axis=0), labels=range(CLASSES), average="macro"))
        return scores

    theirs, scores = seconds(one_by_one)
    np.testing.assert_allclose(scores, found.macro_f1[:6])
    ratio = benchmark.extra_info["ratio"] = theirs / 6 * 63 / ours
    print(f"\nvoters: {ours:.2f} s for 63 subsets, per clip; scikit-learn loop x {ratio:,.1f}")


def test_every_pair_of_a_table_of_12_000_keeps_to_its_memory(benchmark):
    import resource

    if not benchmark.enabled:
        pytest.skip("only with --benchmark-enable: as a test, the table of 2,000 stands for it")
    clip, truth, guesses = frames(56, 40, 1000)
    sums = [count(clip, truth, guess, 56, CLASSES).sums() for guess in guesses] * 12
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours, _ = seconds(lambda: benchmark.pedantic(rank, (sums, ["same"] * len(sums)), rounds=1))
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\nlarge table: {ours:.1f} s, {more:.0f} MB more, for the ranks of 12,000 systems")
    assert more < 300


def population(clips, better, seed):
    """Sums per clip of two systems on clips of two classes; a clip is as hard for both, and each has its own luck."""
    rng = np.random.default_rng(seed)
    clip, shares = np.repeat(np.arange(clips), 60), np.array([0.2, 0.25, 0.15, 0.12, 0.12, 0.1, 0.06])
    shown = rng.choice(CLASSES, (clips, 2), p=shares)
    truth = np.where(rng.random(len(clip)) < 0.6, shown[clip, 0], shown[clip, 1])
    ease = rng.uniform(0.1, 0.7, clips)
    for advantage in (better, 0.0):
        skill = np.clip(ease + advantage + 0.2 * rng.normal(size=clips), 0.05, 0.95)[clip]
        favourite = rng.integers(0, CLASSES, clips)[clip]
        wrong = np.where(rng.random(len(clip)) < 0.7, favourite, rng.integers(0, CLASSES, len(clip)))
        yield count(clip, truth, np.where(rng.random(len(clip)) < skill, truth, wrong), clips, CLASSES).sums()


@pytest.mark.slow
@pytest.mark.parametrize("clips", [8, 12, 24, 56])
def test_differences_are_found_by_chance_and_held_as_often_as_they_say(clips, benchmark):
    """Of equal systems: how often p < 0.05. Of unlike ones: how often the 95% interval holds the true difference."""
    samples, rng = 1000, np.random.default_rng(clips)
    alike, unlike = (list(population(8000, better, 1)) for better in (0.0, 0.15))
    truth = float(macro_f1(unlike[0].sum(axis=0)) - macro_f1(unlike[1].sum(axis=0)))
    bar = critical(0.05, clips - 1)
    found = np.zeros((samples, 5))
    for sample in range(samples):
        drawn = rng.choice(8000, clips, replace=False)
        first, second = (one[drawn] for one in alike)
        # which of the two is which is chance as well, or the one that is better in all 8,000 clips would be found
        if rng.random() < 0.5:
            first, second = second, first
        apart = float(macro_f1(first.sum(axis=0)) - macro_f1(second.sum(axis=0)))
        swaps = permutation(first, second, MACRO, 1000, sample)[0]["macro_f1"]
        t = abs(apart) / standard_error(first, second, MACRO)["macro_f1"]
        p = two_sided(bootstrap(first, second, MACRO, 1000, sample)["macro_f1"])
        one = compare(*(system[drawn] for system in unlike), MACRO, resamples=1000, seed=sample)["macro_f1"]
        held = one.low <= truth <= one.high, one.drawn_low <= truth <= one.drawn_high
        found[sample] = swaps < 0.05, t > bar, p < 0.05, *held
    means = found.mean(axis=0)
    benchmark.pedantic(lambda: None, rounds=1)
    names = ("swaps", "jackknife", "bootstrap", "held by jackknife", "held by percentiles")
    benchmark.extra_info.update(zip(names, means.tolist(), strict=True))
    print(
        f"\n{clips} clips: equal systems told apart by swaps {means[0]:.1%}, jackknife and t {means[1]:.1%}, "
        f"bootstrap {means[2]:.1%}; true difference held by jackknife {means[3]:.1%}, percentiles {means[4]:.1%}"
    )
    assert 0.03 <= means[0] <= 0.07
    assert 0.02 <= means[1] <= 0.07
    assert 0.92 <= means[3] <= 0.98
    assert means[2] > means[1]
    assert means[4] < means[3]
