"""How often 95% intervals hold the truth, on simulated clips whose frames are alike: make test-slow

    pytest benchmarks/test_coverage.py -m slow -s

A sample is 56 clips of some 480 frames and seven classes as frequent as in C-EXPR-DB. A clip shows one expression, or
three; of each it has an own confusion, drawn from a Dirichlet distribution around the system's: with concentration 1
one wrong class takes most of a clip's frames, with 4 they are mixed. The truth is the macro-F1 of 300,000 clips of the
same kind. In a balanced sample every class is shown by as many clips as any other, as makers of data sets see to.
2,000 samples, so that the Monte-Carlo error of a coverage of 95% is 0.5 points.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from harness.evaluation import metrics
from harness.evaluation.bootstrap import units
from harness.evaluation.counts import Counts
from harness.evaluation.intervals import intervals
from harness.evaluation.ratios import MACRO_F1

FREQUENCIES = np.array([14445, 24915, 10780, 10637, 10535, 10112, 8878], float)
CLASSES, CLIPS, SAMPLES, RESAMPLES, POPULATION = len(FREQUENCIES), 56, 2000, 1000, 300_000
WAYS = {
    "studentised": ("clip", "studentised"),
    "bca": ("clip", "bca"),
    "percentile": ("clip", "percentile"),
    "plain, frames": ("frame", "percentile"),
}


@dataclass(frozen=True)
class World:
    """skill: least share of right frames; expressions a clip shows; concentration of a clip's own confusion."""

    skill: float
    expressions: int
    concentration: float
    balanced: bool = False

    def clips(self, number, rng):
        """Counts of as many clips."""
        errors = np.random.default_rng(1).dirichlet(np.ones(CLASSES), CLASSES)
        expected = self.skill * np.eye(CLASSES) + (1 - self.skill) * errors
        confusion = np.zeros((number, CLASSES, CLASSES), np.int64)
        frames = np.maximum(20, rng.lognormal(np.log(400), 0.6, number)).astype(int) // self.expressions
        for one in range(self.expressions):
            true = (np.arange(number) + one) % CLASSES
            if not self.balanced:
                true = rng.choice(CLASSES, number, p=FREQUENCIES / FREQUENCIES.sum())
            weights = rng.standard_gamma(self.concentration * expected[true] + 1e-9) + 1e-300
            confusion[np.arange(number), true] += rng.multinomial(frames, weights / weights.sum(axis=1, keepdims=True))
        return Counts(confusion, np.zeros((number, CLASSES), np.int64))


def coverage(world, samples=SAMPLES, clips=CLIPS):
    """The truth, and for each way the share of intervals that hold it, that lie above it, and their mean width."""
    rng = np.random.default_rng(0)
    truth = float(metrics.macro_f1(world.clips(POPULATION, rng).sums().sum(axis=0)))
    found = {name: np.zeros((samples, 3)) for name in WAYS}
    for sample in range(samples):
        counts = world.clips(clips, rng)
        for name, (clusters, method) in WAYS.items():
            drawn = units(counts, "wrong", clusters)
            low, high = intervals([drawn], {"f": MACRO_F1}, RESAMPLES, sample, method)["f"]
            found[name][sample] = low <= truth <= high, truth < low, high - low
    return truth, {name: values.mean(axis=0) for name, values in found.items()}


def measured(benchmark, world):
    """The coverage of each way, printed beside its Monte-Carlo error."""
    truth, found = benchmark.pedantic(coverage, (world,), rounds=1)
    print(f"\n{world}: macro-F1 {truth:.3f}")
    for name, (held, above, width) in found.items():
        error = np.sqrt(held * (1 - held) / SAMPLES)
        print(f"  {name:14} holds it {held:6.1%} ± {error:.1%}, lies above it {above:.1%}, width {width:.3f}")
        benchmark.extra_info[name] = f"{held:.1%} ± {error:.1%}"
    return {name: held for name, (held, _, _) in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "world",
    [World(0.4, 1, 1), World(0.4, 1, 4), World(0.4, 3, 1), World(0.4, 1, 4, balanced=True)],
    ids=str,
)
def test_studentised_intervals_hold_the_truth_as_often_as_they_say(benchmark, world):
    found = measured(benchmark, world)
    assert 0.92 <= found["studentised"] <= 0.97
    assert found["studentised"] > max(found["bca"], found["percentile"])
    assert found["plain, frames"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("world", [World(0.05, 1, 1), World(0.9, 1, 1)], ids=str)
def test_near_chance_and_near_perfection_they_are_off_by_little(benchmark, world):
    found = measured(benchmark, world)
    assert 0.91 <= found["studentised"] <= 0.985
    assert found["plain, frames"] < 0.5


def test_a_few_samples_tell_clusters_from_frames_already():
    _, found = coverage(World(0.4, 3, 1), samples=60)
    assert found["studentised"][0] > 0.85
    assert found["plain, frames"][0] < 0.5
