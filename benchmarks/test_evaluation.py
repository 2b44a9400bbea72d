"""10,000 bootstrap resamples of 200,000 frames in 400 clips, and fusing as many frames of five networks.

    pytest benchmarks/test_evaluation.py --benchmark-enable

The loop is what one would write first: draw clips, put their frames together, compute macro-F1; it does 1 % of the
resamples, so its time is to be multiplied by 100.
"""

import numpy as np
import pytest

from harness.builtins.aggregator_options import MajorityVoteOptions
from harness.builtins.aggregators import MajorityVote
from harness.components import Votes
from harness.evaluation.bootstrap import units
from harness.evaluation.counts import count
from harness.evaluation.intervals import intervals
from harness.evaluation.ratios import F1, MACRO_F1

FRAMES, CLIPS, CLASSES, RESAMPLES = 200_000, 400, 7, 10_000


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    clips = np.sort(rng.integers(0, CLIPS, FRAMES))
    truth = rng.integers(0, CLASSES, FRAMES)
    predicted = np.where(rng.random(FRAMES) < 0.4, truth, rng.integers(0, CLASSES, FRAMES))
    return clips, truth, predicted


def from_counts(clips, truth, predicted):
    counts = count(clips, truth, predicted, CLIPS, CLASSES)
    return intervals([units(counts, "wrong")], {"macro_f1": MACRO_F1, "f1": F1}, RESAMPLES, 0)["macro_f1"]


def by_loop(clips, truth, predicted, resamples):
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(clips == clip) for clip in range(CLIPS)]
    values = []
    for _ in range(resamples):
        rows = np.concatenate([members[clip] for clip in rng.integers(0, CLIPS, CLIPS)])
        true, guess = truth[rows], predicted[rows]
        hits = np.bincount(true[true == guess], minlength=CLASSES)
        sizes = np.bincount(true, minlength=CLASSES) + np.bincount(guess, minlength=CLASSES)
        values.append((2 * hits / sizes).mean())
    return np.percentile(values, [2.5, 97.5])


def test_bootstrap_from_counts(benchmark, frames):
    low, high = benchmark(from_counts, *frames)
    assert 0 < high - low < 0.05


def test_bootstrap_by_a_loop_over_a_hundredth_of_the_resamples(benchmark, frames):
    low, high = benchmark.pedantic(by_loop, (*frames, RESAMPLES // 100), rounds=1)
    np.testing.assert_allclose((low, high), from_counts(*frames), atol=0.003)


def test_majority_vote(benchmark):
    rng = np.random.default_rng(0)
    votes = Votes(rng.random((5, FRAMES, CLASSES), np.float32), tuple("abcde"))
    decisions = benchmark(MajorityVote(MajorityVoteOptions()).aggregate, votes)
    assert len(decisions.labels) == FRAMES
