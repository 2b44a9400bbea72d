"""10,000 bootstrap resamples of 200,000 frames in 400 clips, and fusing as many frames of five networks.

    pytest benchmarks/test_evaluation.py --benchmark-enable -s

The loops are what one would write first: draw clips, put their frames together, compute macro-F1, with scikit-learn or
with numpy's bincount. They do 20 or 100 of the resamples; their time is multiplied up in the same run.
"""

import time

import numpy as np
import pytest
from sklearn.metrics import f1_score

from harness.builtins.aggregator_options import MajorityVoteOptions
from harness.builtins.aggregators import MajorityVote
from harness.components import Votes
from harness.evaluation.bootstrap import units
from harness.evaluation.counts import count
from harness.evaluation.intervals import intervals
from harness.evaluation.score import METRICS

FRAMES, CLIPS, CLASSES, RESAMPLES = 200_000, 400, 7, 10_000


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    clips = np.sort(rng.integers(0, CLIPS, FRAMES))
    truth = rng.integers(0, CLASSES, FRAMES)
    predicted = np.where(rng.random(FRAMES) < 0.4, truth, rng.integers(0, CLASSES, FRAMES))
    return clips, truth, predicted


def from_counts(clips, truth, predicted, method="studentised", clusters="clip"):
    counts = count(clips, truth, predicted, CLIPS, CLASSES)
    return intervals([units(counts, "wrong", clusters)], METRICS, RESAMPLES, 0, method)["macro_f1"]


def by_scikit_learn(true, guess):
    return f1_score(true, guess, labels=range(CLASSES), average="macro", zero_division=0)


def by_bincount(true, guess):
    hits = np.bincount(true[true == guess], minlength=CLASSES)
    sizes = np.bincount(true, minlength=CLASSES) + np.bincount(guess, minlength=CLASSES)
    return (2 * hits / sizes).mean()


def by_loop(clips, truth, predicted, macro, resamples):
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(clips == clip) for clip in range(CLIPS)]
    values = []
    for _ in range(resamples):
        rows = np.concatenate([members[clip] for clip in rng.integers(0, CLIPS, CLIPS)])
        values.append(macro(truth[rows], predicted[rows]))
    return np.percentile(values, [2.5, 97.5])


def cpu_seconds(function, *arguments):
    before = time.process_time()
    found = function(*arguments)
    return time.process_time() - before, found


@pytest.mark.parametrize("method", ["percentile", "bca", "studentised"])
def test_bootstrap_from_counts(benchmark, frames, method):
    """Counting included; intervals of macro-F1, accuracy and each class's F1 at once. Target: 1 s on one core."""
    low, high = benchmark(from_counts, *frames, method)
    assert 0 < high - low < 0.05
    assert cpu_seconds(from_counts, *frames, method)[0] < 1


def test_bootstrap_beside_loops_over_resamples(benchmark, frames):
    from_counts(*frames)
    seconds, ends = benchmark.pedantic(cpu_seconds, (from_counts, *frames), rounds=1)
    for name, macro, resamples in (("scikit-learn", by_scikit_learn, 20), ("numpy", by_bincount, 100)):
        taken, found = cpu_seconds(by_loop, *frames, macro, resamples)
        whole = taken * RESAMPLES / resamples
        benchmark.extra_info[name] = f"{whole:.0f} s, {whole / seconds:.0f} times as long"
        print(f"\n{RESAMPLES} resamples: {seconds:.2f} s of CPU; a loop with {name}: {benchmark.extra_info[name]}")
        np.testing.assert_allclose(found, ends, atol=0.004)
        assert whole > 50 * seconds


def test_majority_vote(benchmark):
    rng = np.random.default_rng(0)
    votes = Votes(rng.random((5, FRAMES, CLASSES), np.float32), tuple("abcde"))
    decisions = benchmark(MajorityVote(MajorityVoteOptions()).aggregate, votes)
    assert len(decisions.labels) == FRAMES
