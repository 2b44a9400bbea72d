"""The built-in aggregators: votes (V, N, C) in, decisions (N,) out, without a loop over items.

A missing vote (a row of NaN) is left out of counts and means; an item without any vote gets label -1 and NaN.
Where probabilities tie exactly, the first voter whose own choice is among the tied classes decides.
Inside, classes come first, (C, V, N) and (C, N): reductions over a short last axis are ten times slower in numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.builtins.aggregator_options import (
    MajorityVoteOptions,
    MeanProbabilityOptions,
    MedianOptions,
    WeightedOptions,
)
from harness.components import Decisions, Votes
from harness.errors import ConfigError, DataError, nearest

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class MajorityVote:
    """Hard votes; the probability of a class is its share of the votes cast."""

    def __init__(self, options: MajorityVoteOptions) -> None:
        self.options = options

    def aggregate(self, votes: Votes) -> Decisions:
        """Decide each item by the number of voters whose most probable class it is."""
        ballots = checked(votes)
        choices = hard_votes(ballots)
        counts = _counts(choices, len(ballots), np.ones(len(choices)))
        tied = counts == counts.max(axis=0)
        return Decisions(np.where(counts.any(axis=0), self._winners(tied, choices, ballots), -1), _normalised(counts))

    def _winners(self, tied: Flags, choices: Integers, ballots: Floats) -> Integers:
        match self.options.ties:
            case "lowest-id":
                return _first(tied)
            case "random":
                return _random(tied, self.options.seed)
            case "highest-probability":
                totals = np.where(tied, _totals(ballots, np.ones(len(choices))), -1.0)
                tied = totals == totals.max(axis=0)
        return first_choice(tied, choices)


class MeanProbability:
    """The class with the highest mean probability."""

    def __init__(self, options: MeanProbabilityOptions) -> None:
        self.options = options

    def aggregate(self, votes: Votes) -> Decisions:
        """Average the votes cast for each item."""
        ballots = checked(votes)
        return _decide(_totals(ballots, np.ones(len(votes.voters))), hard_votes(ballots))


class Weighted:
    """The class with the highest weighted mean probability, or weighted number of hard votes."""

    def __init__(self, options: WeightedOptions) -> None:
        self.options = options

    def aggregate(self, votes: Votes) -> Decisions:
        """Average the votes cast for each item by weight; ConfigError when weights and voters do not match."""
        ballots = checked(votes)
        weights = weights_of(self.options.weights, votes.voters)
        choices = np.where(weights[:, None] > 0, hard_votes(ballots), -1)
        scores = _counts(choices, len(ballots), weights) if self.options.hard else _totals(ballots, weights)
        return _decide(scores, choices)


class Median:
    """The class with the highest median probability.

    Where every class has the median 0 (three voters sure of three classes), the mean decides.
    """

    def __init__(self, options: MedianOptions) -> None:
        self.options = options

    def aggregate(self, votes: Votes) -> Decisions:
        """Take the median of the votes cast for each item and class, and renormalise."""
        ballots = checked(votes)
        medians = _medians(ballots)
        empty = ~medians.any(axis=0)
        medians[:, empty] = _totals(ballots[:, :, empty], np.ones(len(votes.voters)))
        return _decide(medians, hard_votes(ballots))


def checked(votes: Votes) -> Floats:
    """The votes as (C, V, N), classes first; DataError names a voter and item that break the contract of Votes."""
    probabilities = np.asarray(votes.probabilities)
    if (
        probabilities.ndim != 3
        or len(probabilities) != len(votes.voters)
        or 0 in (len(probabilities), probabilities.shape[2])
    ):
        raise DataError(
            f"votes of shape {probabilities.shape} from {len(votes.voters)} voters: expected (voters, items, classes), "
            "at least one voter and one class"
        )
    ballots = np.ascontiguousarray(np.moveaxis(probabilities, 2, 0))
    totals = ballots.sum(axis=0)
    missing = np.isnan(ballots).all(axis=0)
    with np.errstate(invalid="ignore"):
        broken = ~missing & (~np.isfinite(totals) | (totals <= 0) | (ballots.min(axis=0) < 0))
    if broken.any():
        voter, item = np.argwhere(broken)[0]
        raise DataError(
            f"voter {votes.voters[voter]!r}, item {item}: {probabilities[voter, item].tolist()} is neither a row of "
            "probabilities nor a row of NaN"
        )
    return ballots


def hard_votes(ballots: Floats) -> Integers:
    """(C, V, N) -> (V, N) most probable class of each vote (lowest id on a tie), -1 where none was cast."""
    return np.where(np.isnan(ballots[0]), -1, _first(ballots == ballots.max(axis=0)))


def first_choice(tied: Flags, choices: Integers) -> Integers:
    """tied (C, N), choices (V, N) -> (N,): the first voter's choice that is tied, or else the lowest tied id."""
    labels = _first(tied)
    items = np.arange(len(labels))
    for choice in choices[::-1]:
        np.copyto(labels, choice, where=(choice >= 0) & tied[choice, items])
    return labels


def weights_of(weights: dict[str, float] | list[float], voters: tuple[str, ...]) -> NDArray[np.float64]:
    """(V,) weights in the order of the voters; ConfigError for unknown, missing or only zero weights."""
    if isinstance(weights, dict):
        for name in weights:
            if name not in voters:
                raise ConfigError(f"aggregator 'weighted': no voter is named {name!r}{nearest(name, voters)}")
        missing = [name for name in voters if name not in weights]
        if missing:
            raise ConfigError(f"aggregator 'weighted': no weight for voter {missing[0]!r}; give each voter one")
        weights = [weights[name] for name in voters]
    if len(weights) != len(voters):
        raise ConfigError(
            f"aggregator 'weighted': {len(weights)} weights for {len(voters)} voters ({', '.join(voters)}); "
            "give each voter one"
        )
    if not any(weights):
        raise ConfigError("aggregator 'weighted': every weight is 0; give at least one voter a positive weight")
    return np.array(weights, np.float64)


def _first(flags: Flags) -> Integers:
    """The lowest class id that is set, 0 if none is."""
    lowest = np.zeros(flags.shape[1:], np.int64)
    for class_id in range(len(flags) - 1, -1, -1):
        np.copyto(lowest, class_id, where=flags[class_id])
    return lowest


def _counts(choices: Integers, classes: int, weights: NDArray[np.float64]) -> Floats:
    return np.stack([weights @ (choices == class_id) for class_id in range(classes)])


def _totals(ballots: Floats, weights: NDArray[np.float64]) -> Floats:
    totals = np.zeros((len(ballots), ballots.shape[2]))
    for voter, weight in enumerate(weights):
        vote = ballots[:, voter]
        totals += weight * np.where(np.isnan(vote[0]), 0, vote)
    return totals


def _medians(ballots: Floats) -> Floats:
    ordered = np.sort(ballots, axis=1)  # NaN comes last, so the `cast` votes that count are the first
    cast = (~np.isnan(ballots[0])).sum(axis=0)
    low, high = (np.maximum(cast - 1, 0) // 2, np.where(cast > 0, cast // 2, 0))
    items = np.arange(ballots.shape[2])
    return np.where(cast > 0, (ordered[:, low, items].astype(np.float64) + ordered[:, high, items]) / 2, 0.0)


def _normalised(scores: Floats) -> NDArray[np.float32]:
    totals = scores.sum(axis=0)
    shares = np.divide(scores, totals, out=np.full_like(scores, np.nan), where=totals > 0)
    return np.ascontiguousarray(shares.T, np.float32)


def _decide(scores: Floats, choices: Integers) -> Decisions:
    winners = first_choice(scores == scores.max(axis=0), choices)
    return Decisions(np.where(scores.any(axis=0), winners, -1), _normalised(scores))


def _random(tied: Flags, seed: int) -> Integers:
    # one draw an item, tied or not: what item i draws does not depend on the ties before it
    draws = np.random.default_rng(seed).random(tied.shape[1])
    rank = (draws * tied.sum(axis=0)).astype(np.int64)
    return _first(np.cumsum(tied, axis=0) > rank)
