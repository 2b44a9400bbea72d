import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.builtins.aggregator_options import (
    MajorityVoteOptions,
    MeanProbabilityOptions,
    MedianOptions,
    WeightedOptions,
)
from harness.builtins.aggregators import MajorityVote, MeanProbability, Median, Weighted
from harness.components import Decisions, Votes
from harness.errors import ConfigError, DataError

NAN = math.nan


def votes_of(*voters):
    return Votes(np.array(voters, np.float32), tuple(f"voter-{number}" for number in range(len(voters))))


def hard(*choices, classes=3):
    """One item; one one-hot vote a choice, None for a missing one."""
    rows = [[NAN] * classes if choice is None else list(np.eye(classes)[choice]) for choice in choices]
    return votes_of(*[[row] for row in rows])


def majority(votes, **options) -> Decisions:
    return MajorityVote(MajorityVoteOptions(**options)).aggregate(votes)


@st.composite
def any_votes(draw):
    # quarters, so that ties are common and sums are exact
    voters, items, classes = draw(st.integers(1, 5)), draw(st.integers(0, 6)), draw(st.integers(2, 4))
    row = st.lists(st.integers(0, 4), min_size=classes, max_size=classes).filter(any)
    one = st.one_of(st.just([NAN] * classes), row.map(lambda values: [value / sum(values) for value in values]))
    rows = draw(st.lists(one, min_size=voters * items, max_size=voters * items))
    array = np.array(rows, np.float32).reshape(voters, items, classes)
    return Votes(array, tuple(f"voter-{number}" for number in range(voters)))


def cast(votes, item):
    """Positions and rows of the votes cast for one item."""
    rows = [(voter, votes.probabilities[voter, item].astype(float)) for voter in range(len(votes.voters))]
    return [(voter, row) for voter, row in rows if not np.isnan(row).any()]


def expected_majority(votes, item, rule):
    rows = [row for _, row in cast(votes, item)]
    if not rows:
        return -1
    choices = [int(row.argmax()) for row in rows]
    most = max(choices.count(one) for one in choices)
    tied = sorted({one for one in choices if choices.count(one) == most})
    if rule == "lowest-id":
        return tied[0]
    if rule == "highest-probability":
        sums = {one: sum(row[one] for row in rows) for one in tied}
        tied = [one for one in tied if sums[one] == max(sums.values())]
    return next(choice for choice in choices if choice in tied)


@pytest.mark.parametrize("rule", ["model-order", "highest-probability", "lowest-id"])
@given(votes=any_votes())
def test_majority_vote_equals_counting_by_hand(rule, votes):
    decisions = majority(votes, ties=rule)
    items = votes.probabilities.shape[1]
    assert decisions.labels.tolist() == [expected_majority(votes, item, rule) for item in range(items)]
    for item in range(items):
        choices = [int(row.argmax()) for _, row in cast(votes, item)]
        shares = [choices.count(one) / len(choices) if choices else NAN for one in range(votes.probabilities.shape[2])]
        np.testing.assert_allclose(decisions.probabilities[item], shares, rtol=1e-6)


@given(votes=any_votes(), seed=st.integers(0, 5))
def test_a_random_tie_goes_to_one_of_the_tied_classes_and_does_not_depend_on_later_items(votes, seed):
    decisions = majority(votes, ties="random", seed=seed)
    for item, label in enumerate(decisions.labels):
        choices = [int(row.argmax()) for _, row in cast(votes, item)]
        assert label == -1 if not choices else choices.count(label) == max(map(choices.count, choices))
    first = Votes(votes.probabilities[:, :2], votes.voters)
    assert majority(first, ties="random", seed=seed).labels.tolist() == decisions.labels[:2].tolist()


def test_random_ties_favour_no_class():
    votes = Votes(np.repeat(np.eye(4, dtype=np.float32)[[1, 3]][:, None], 4000, axis=1), ("a", "b"))
    labels = majority(votes, ties="random").labels
    assert set(labels) == {1, 3}
    assert abs((labels == 1).mean() - 0.5) < 0.03


def test_a_tie_goes_to_the_first_voter_whose_vote_is_among_the_tied_classes():
    # the first voter's class 2 has one vote, classes 1 and 0 have two: voter 1 decides
    assert majority(hard(2, 1, 0, 0, 1)).labels == [1]
    assert majority(hard(None, 0, 1)).labels == [0]


@given(votes=any_votes())
def test_mean_probability_equals_the_mean_of_the_votes_cast(votes):
    decisions = MeanProbability(MeanProbabilityOptions()).aggregate(votes)
    check_means(votes, decisions, [1.0] * len(votes.voters))


@given(votes=any_votes(), weights=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=5, max_size=5))
def test_weighted_equals_the_weighted_mean_of_the_votes_cast(votes, weights):
    weights = weights[: len(votes.voters)]
    weights[0] = weights[0] or 1.0
    check_means(votes, Weighted(WeightedOptions(weights=weights)).aggregate(votes), weights)


def check_means(votes, decisions, weights):
    for item, label in enumerate(decisions.labels):
        rows = [(weights[voter], row) for voter, row in cast(votes, item) if weights[voter]]
        if not rows:
            assert label == -1
            assert np.isnan(decisions.probabilities[item]).all()
            continue
        mean = sum(weight * row for weight, row in rows) / sum(weight for weight, _ in rows)
        np.testing.assert_allclose(decisions.probabilities[item], mean, atol=1e-6)
        assert mean[label] >= mean.max() - 1e-6


@given(votes=any_votes())
def test_median_equals_the_renormalised_median_of_the_votes_cast(votes):
    decisions = Median(MedianOptions()).aggregate(votes)
    for item, label in enumerate(decisions.labels):
        rows = [row for _, row in cast(votes, item)]
        if not rows:
            assert label == -1
            continue
        middle = np.array([median(column) for column in zip(*rows, strict=True)])
        middle = middle if middle.any() else np.mean(rows, axis=0)
        np.testing.assert_allclose(decisions.probabilities[item], middle / middle.sum(), atol=1e-6)
        assert middle[label] >= middle.max() - 1e-6


def test_equal_means_go_to_the_first_voter():
    assert MeanProbability(MeanProbabilityOptions()).aggregate(hard(2, 0)).labels == [2]
    assert Median(MedianOptions()).aggregate(hard(2, 0, 1)).labels == [2]


def test_weights_by_name_follow_the_names_and_hard_weights_count_votes():
    votes = Votes(np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.45, 0.55]]], np.float32), ("a", "b", "c"))
    by_name = {"c": 1.0, "b": 1.0, "a": 1.5}
    assert Weighted(WeightedOptions(weights=by_name)).aggregate(votes).labels == [0]
    decision = Weighted(WeightedOptions(weights=by_name, hard=True)).aggregate(votes)
    assert decision.labels == [1]
    np.testing.assert_allclose(decision.probabilities, [[1.5 / 3.5, 2 / 3.5]], rtol=1e-6)


def test_the_caller_keeps_its_votes():
    votes = hard(0, None)
    before = votes.probabilities.copy()
    for aggregator in (MajorityVote(MajorityVoteOptions()), Median(MedianOptions())):
        aggregator.aggregate(votes)
    np.testing.assert_array_equal(votes.probabilities, before)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"voter-0": 1.0, "voter1": 1.0}, r"no voter is named 'voter1'; did you mean 'voter-1'"),
        ({"voter-0": 1.0}, "no weight for voter 'voter-1'; give each voter one"),
        ([1.0], r"1 weights for 2 voters \(voter-0, voter-1\); give each voter one"),
        ([0.0, 0.0], "every weight is 0; give at least one voter a positive weight"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_the_voters_are_refused(weights, message):
    with pytest.raises(ConfigError, match=message):
        Weighted(WeightedOptions(weights=weights)).aggregate(hard(0, 1))


@pytest.mark.parametrize("weight", [-1.0, NAN, math.inf])
def test_a_weight_is_a_finite_number_from_zero(weight):
    with pytest.raises(ValidationError):
        WeightedOptions(weights=[weight])


@pytest.mark.parametrize("row", [[0.5, NAN, 0.5], [NAN, 0.5, 0.5], [-0.5, 1.0, 0.5], [0, 0, 0], [math.inf, 0, 0]])
def test_a_row_that_is_no_vote_is_an_error_naming_the_voter(row):
    votes = votes_of([[1, 0, 0], [1, 0, 0]], [[1, 0, 0], row])
    with pytest.raises(DataError, match=r"voter 'voter-1', item 1: .* neither a row of probabilities nor a row of NaN"):
        majority(votes)


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (2, 2, 0)])
def test_votes_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match=r"from 2 voters: expected \(voters, items, classes\)"):
        majority(Votes(np.ones(shape, np.float32), ("a", "b")))
