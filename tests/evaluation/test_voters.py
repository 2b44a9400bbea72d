import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from harness.builtins.aggregator_options import MajorityVoteOptions
from harness.builtins.aggregators import MajorityVote
from harness.components import Votes
from harness.errors import ConfigError, DataError
from harness.evaluation import metrics, voters
from harness.evaluation.voters import ALL, MOST, largest_size, subsets

CLASSES, ITEMS = 3, 60
LABELS = arrays(np.int64, (4, ITEMS), elements=st.integers(-1, CLASSES - 1))
TRUTH = arrays(np.int64, (ITEMS,), elements=st.integers(-1, CLASSES - 1)).filter(lambda truth: truth.max() >= 0)
CLIP = np.repeat(np.arange(6), 10)
COSTS = np.array([0.4, 0.1, 0.2, 0.3])


def world(count=4, items=600, clips=6, seed=0, skills=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, items)
    skills = np.linspace(0.3, 0.6, count)[:, None] if skills is None else np.array(skills)[:, None]
    labels = np.where(rng.random((count, items)) < skills, truth, rng.integers(-1, CLASSES, (count, items)))
    return labels, truth, np.sort(rng.integers(0, clips, items))


def by_the_aggregator(labels):
    """What the aggregator majority-vote decides on one-hot votes."""
    ballots = np.full((*labels.shape, CLASSES), np.nan)
    given_ = labels >= 0
    ballots[given_] = np.eye(CLASSES)[labels[given_]]
    names = tuple(f"voter {number}" for number in range(len(labels)))
    return MajorityVote(MajorityVoteOptions()).aggregate(Votes(ballots, names)).labels


@settings(deadline=None, max_examples=25)
@given(LABELS, TRUTH)
def test_every_subset_votes_as_the_aggregator_does_and_scores_as_scikit_learn_says(labels, truth):
    found = subsets(labels, truth, CLIP, CLASSES, COSTS)
    assert len(found.members) == 15
    known = truth >= 0
    for row, members in enumerate(found.members):
        decided = by_the_aggregator(labels[members])
        expected = f1_score(truth[known], decided[known], labels=range(CLASSES), average="macro", zero_division=0)
        assert found.macro_f1[row] == pytest.approx(expected)
        assert found.cost[row] == pytest.approx(COSTS[members].sum())
        assert metrics.macro_f1(found.sums(row).sum(axis=0)) == pytest.approx(expected)


def test_sums_are_per_clip():
    labels, truth, clip = world()
    found = subsets(labels, truth, clip, CLASSES, COSTS)
    whole = int(found.size.argmax())
    decided = by_the_aggregator(labels)
    for number, sums in enumerate(found.sums(whole)):
        inside = clip == number
        np.testing.assert_array_equal(sums[0], np.bincount(truth[inside & (decided == truth)], minlength=CLASSES))
        np.testing.assert_array_equal(sums[1], np.bincount(truth[inside], minlength=CLASSES))
        np.testing.assert_array_equal(sums[2], np.bincount(decided[inside & (decided >= 0)], minlength=CLASSES))


def test_chunks_change_nothing_but_memory(monkeypatch):
    whole = subsets(*world(), CLASSES, COSTS)
    monkeypatch.setattr(voters, "CELLS", 100)
    parts = subsets(*world(), CLASSES, COSTS)
    np.testing.assert_array_equal(parts.hits, whole.hits)
    np.testing.assert_array_equal(parts.predicted, whole.predicted)


@pytest.mark.parametrize("count", [15, 30])
def test_ties_of_many_voters_are_exact(count):
    labels = np.tile(np.arange(CLASSES), count // CLASSES)[:, None]  # equally many votes of each class
    for turn in range(CLASSES):
        turned = (labels + turn) % CLASSES
        ((_, decided),) = voters._votes(np.ones((1, count), bool), turned.T, CLASSES)
        assert decided.tolist() == [[turn]] == [by_the_aggregator(turned).tolist()]


def test_the_front_is_what_nothing_cheaper_or_as_cheap_beats():
    found = subsets(*world(5, seed=3), CLASSES, np.array([0.5, 0.1, 0.0, 0.2, 0.4]))
    front = found.front()
    for one in range(len(found.members)):
        beaten = (found.cost <= found.cost[one]) & (found.macro_f1 >= found.macro_f1[one])
        beaten &= (found.cost < found.cost[one]) | (found.macro_f1 > found.macro_f1[one])
        assert (one in front) != beaten.any()
    assert (np.diff(found.cost[front]) > 0).all()
    assert (np.diff(found.macro_f1[front]) > 0).all()


def test_where_a_price_is_not_known_voters_cost_their_number():
    found = subsets(*world(), CLASSES, np.array([np.nan, 0, 0, 0]))
    assert np.isnan(found.cost[found.members[:, 0]]).all()
    assert (np.diff(found.size[found.front()]) > 0).all()
    assert found.front()[0] == found.best_of_size()[0]


def test_the_best_of_each_size_is_the_one_with_the_highest_score_the_cheaper_of_equals():
    labels, truth, clip = world()
    found = subsets(labels, truth, clip, CLASSES, COSTS)
    for size, one in enumerate(found.best_of_size(), 1):
        assert found.size[one] == size
        assert found.macro_f1[one] == found.macro_f1[found.size == size].max()
    equal = subsets(np.stack([labels[0], labels[0]]), truth, clip, CLASSES, np.array([0.2, 0.1]))
    assert equal.members[equal.best_of_size()[0]].tolist() == [False, True]


def test_held_out_scores_are_those_of_a_loop_over_clips():
    labels, truth, clip = world(seed=5)
    found = subsets(labels, truth, clip, CLASSES, COSTS)
    decided = np.empty(len(truth), int)
    for number in range(6):
        inside = clip == number
        pairs = list(itertools.combinations(range(4), 2))
        scores = [
            f1_score(truth[~inside], by_the_aggregator(labels[list(one)][:, ~inside]), labels=range(3), average="macro")
            for one in pairs
        ]
        decided[inside] = by_the_aggregator(labels[list(pairs[int(np.argmax(scores))])][:, inside])
    assert found.held_out(2) == pytest.approx(f1_score(truth, decided, labels=range(3), average="macro"))


def test_of_equally_good_voters_the_best_is_best_by_luck_and_held_out_scores_say_so():
    luck, fair = [], []
    for seed in range(30):
        found = subsets(*world(8, 120, 12, seed, skills=[0.4] * 8), CLASSES, np.zeros(8))
        luck.append(found.macro_f1[found.best_of_size()[0]])
        fair.append(found.held_out(1))
    assert np.mean(luck) - np.mean(fair) > 0.03


def test_one_clip_and_a_size_that_is_not_there_have_no_held_out_score():
    labels, truth, _ = world()
    found = subsets(labels, truth, np.zeros(len(truth), int), CLASSES, COSTS, most=2)
    assert math.isnan(found.held_out(1))
    assert math.isnan(subsets(labels, truth, np.arange(len(truth)), CLASSES, COSTS, most=2).held_out(3))


def test_all_subsets_of_twelve_are_tried_and_of_more_the_small_ones():
    assert [largest_size(count) for count in (1, 6, ALL)] == [1, 6, 12]
    for count in (13, 20, 60):
        size = largest_size(count)
        assert sum(math.comb(count, one) for one in range(1, size + 1)) <= MOST
        assert 1 <= size < count
    labels, truth, clip = world(20, 50)
    assert subsets(labels, truth, clip, CLASSES, np.zeros(20)).size.max() == 3


def test_what_cannot_be_tried_is_refused():
    labels, truth, clip = world(20, 50)
    with pytest.raises(
        ConfigError, match="20 voters have 6,195 subsets of up to 4 of them, more than 4,096; try subsets"
    ):
        subsets(labels, truth, clip, CLASSES, np.zeros(20), most=4)
    with pytest.raises(DataError, match="no labelled item has a truth"):
        subsets(labels, np.full(50, -1), clip, CLASSES, np.zeros(20))
