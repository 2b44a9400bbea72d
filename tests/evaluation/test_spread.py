"""Means over seeds, their spread and their interval."""

from __future__ import annotations

import csv
import statistics

import numpy as np
import pytest

from harness.evaluation.counts import count
from harness.evaluation.score import System, Target, chance_score, score_system
from harness.evaluation.scores import Calibration, Scores, Settings, TruthFacts
from harness.evaluation.spread import as_csv, over_seeds

CLASSES = ("a", "b", "c")
CLIPS, FRAMES = 6, 10
SETTINGS = Settings(unanswered="wrong", resamples=4000, seed=0)
TRUTH = np.random.default_rng(0).integers(0, 3, CLIPS * FRAMES)


def target(truth=TRUTH):
    clip = np.repeat([f"clip {number}" for number in range(CLIPS)], FRAMES)
    time = np.tile(np.arange(FRAMES) / 10, CLIPS)
    code = np.repeat(np.arange(CLIPS), FRAMES)
    return Target(CLASSES, clip, time, tuple(dict.fromkeys(clip)), truth, code, np.arange(len(truth)))


def labels(seed, right):
    """Right labels with the given probability."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(TRUTH)) < right, TRUTH, rng.integers(0, 3, len(TRUTH)))


def scored(*systems):
    found = [score_system(System(name, role, said, phase), target(), SETTINGS) for name, role, said, phase in systems]
    chance = chance_score(target(), SETTINGS)
    return Scores(
        label_space="abc", classes=list(CLASSES), truth=TruthFacts(frames=60, clips=6, per_class=[20, 20, 20]),
        settings=SETTINGS, clips=[f"clip {number}" for number in range(CLIPS)], systems=[*found, chance],
    )  # fmt: skip


def run(seed):
    return scored(
        ("facs", "labeler", labels(99, 0.5), ""),
        ("resnet18", "network", labels(seed, 0.6), "fine-tuned"),
        ("ensemble", "ensemble", labels(seed + 100, 0.7), ""),
    )


def test_one_seed_is_as_it_was():
    only = run(0)
    assert over_seeds({0: only}) is only


def test_what_was_trained_gets_mean_deviation_lowest_and_highest():
    by_seed = {seed: run(seed) for seed in (0, 1, 5)}
    found = over_seeds(by_seed)
    values = [scores.systems[1].macro_f1 for scores in by_seed.values()]
    network = found.systems[1]
    assert network.macro_f1 == pytest.approx(np.mean(values))
    assert network.spread.macro_f1 == values
    assert network.spread.seeds == found.seeds == [0, 1, 5]
    assert network.spread.deviation == pytest.approx(np.std(values, ddof=1))
    assert (network.spread.lowest, network.spread.highest) == (min(values), max(values))
    assert network.accuracy == pytest.approx(np.mean([one.systems[1].accuracy for one in by_seed.values()]))
    by_class = np.mean([[row.f1 for row in one.systems[1].per_class] for one in by_seed.values()], axis=0)
    assert [row.f1 for row in network.per_class] == pytest.approx(by_class.tolist())


def test_the_labeler_and_chance_depend_on_no_seed():
    first = run(0)
    found = over_seeds({0: first, 1: run(1)})
    assert found.systems[0] == first.systems[0]
    assert found.systems[-1] == first.systems[-1]
    assert found.systems[0].spread is None


def test_the_interval_is_that_of_the_mean_over_clips_and_seeds_drawn_with_replacement():
    """By brute force: the same draws of clips for every seed, two of the three seeds, the mean of their macro-F1."""
    by_seed = {seed: run(seed) for seed in (0, 1, 2)}
    found = over_seeds(by_seed).systems[2]
    code = np.repeat(np.arange(CLIPS), FRAMES)
    tables = [count(code, TRUTH, labels(seed + 100, 0.7), CLIPS, 3).confusion for seed in by_seed]
    rng = np.random.default_rng(7)
    means = []
    for _ in range(4000):
        clips, seeds = rng.integers(0, CLIPS, CLIPS), rng.integers(0, 3, 2)
        sums = [tables[seed][clips].sum(0) for seed in seeds]
        means.append(
            statistics.fmean(np.mean(2 * np.diag(one) / np.maximum(one.sum(0) + one.sum(1), 1)) for one in sums)
        )
    assert found.interval == pytest.approx(np.percentile(means, [2.5, 97.5]).tolist(), abs=0.02)
    assert found.interval[0] < found.macro_f1 < found.interval[1]
    assert found.accuracy_interval is not None
    assert all(row.interval is not None for row in found.per_class)


def test_seeds_that_differ_widen_the_interval_of_their_mean():
    def width(one):
        return one.interval[1] - one.interval[0]

    only = run(0).systems[1]
    alike = over_seeds({seed: run(0) for seed in (0, 1, 2)}).systems[1]
    assert alike.interval == pytest.approx(only.interval)
    skills = (0.3, 0.6, 0.9)
    by_seed = {seed: scored(("net", "network", labels(seed, right), "")) for seed, right in enumerate(skills)}
    unlike = over_seeds(by_seed).systems[0]
    assert width(unlike) > 1.5 * max(width(one.systems[0]) for one in by_seed.values())


def test_a_note_says_what_the_intervals_of_means_draw():
    found = over_seeds({0: run(0), 1: run(1)})
    assert found.notes == [
        "scores of what was trained are means over 2 seeds; their intervals draw clips and seeds with replacement"
    ]


def test_scores_by_policy_are_means_and_calibrations_are_of_all_frames_together():
    first, second = (
        Calibration(bins=[(2, 1.5, 1)], brier=1, frames=2),
        Calibration(bins=[(1, 0.5, 1)], brier=2, frames=1),
    )
    by_seed = {}
    for seed, one in enumerate([first, second]):
        scores = run(seed)
        network = scores.systems[1].model_copy(update={"calibration": one})
        by_seed[seed] = scores.model_copy(update={"systems": [scores.systems[0], network, *scores.systems[2:]]})
    found = over_seeds(by_seed).systems[1]
    expected = np.mean([scores.systems[1].by_policy["excluded"] for scores in by_seed.values()])
    assert found.by_policy["excluded"] == pytest.approx(expected)
    assert found.calibration == Calibration(bins=[(3, 2.0, 2)], brier=3, frames=3)
    assert over_seeds({0: by_seed[0], 1: run(1)}).systems[1].calibration is None


def test_an_ensemble_that_smoothing_left_as_it_was_with_one_seed_counts_for_both_states():
    smoothed = scored(
        ("ensemble", "ensemble", labels(1, 0.5), "unsmoothed"), ("ensemble", "ensemble", labels(2, 0.7), "smoothed")
    )
    plain = scored(("ensemble", "ensemble", labels(3, 0.6), ""))
    for by_seed in ({0: smoothed, 1: plain}, {0: plain, 1: smoothed}):
        found = {one.phase: one for one in over_seeds(by_seed).systems}
        assert set(found) == {"unsmoothed", "smoothed", ""}  # "" is chance
        for phase in ("unsmoothed", "smoothed"):
            (state,) = [one for one in smoothed.systems if one.phase == phase]
            assert found[phase].macro_f1 == pytest.approx((state.macro_f1 + plain.systems[0].macro_f1) / 2)


def test_a_system_that_one_seed_lacks_is_left_out():
    more = scored(("resnet18", "network", labels(1, 0.5), ""), ("large", "network", labels(2, 0.7), ""))
    less = scored(("resnet18", "network", labels(3, 0.5), ""))
    assert [one.system for one in over_seeds({0: more, 1: less}).systems[:-1]] == ["resnet18"]


def test_without_annotations_there_is_no_spread():
    nothing = run(0)
    bare = [one.model_copy(update={"macro_f1": None, "counts": [], "per_class": []}) for one in nothing.systems]
    found = over_seeds(
        {0: nothing.model_copy(update={"systems": bare}), 1: nothing.model_copy(update={"systems": bare})}
    )
    assert found.systems[1].spread is None
    assert found.systems[1].interval is None
    assert found.systems[1].macro_f1 is None


def test_the_table_has_a_column_a_seed():
    rows = list(csv.DictReader(as_csv(over_seeds({0: run(0), 7: run(7)})).splitlines()))
    assert [row["system"] for row in rows] == ["resnet18", "ensemble"]
    assert set(rows[0]) >= {"macro_f1", "low", "high", "deviation", "lowest", "highest", "seed 0", "seed 7"}
    mean = (float(rows[0]["seed 0"]) + float(rows[0]["seed 7"])) / 2
    assert float(rows[0]["macro_f1"]) == pytest.approx(mean, abs=1e-6)
