"""The kit finds aggregators that break their contract, and says which promise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.components import Decisions, Votes
from harness.testing import check_aggregator


def mean(votes: Votes) -> Decisions:
    present = ~np.isnan(votes.probabilities).any(2)
    count = present.sum(0)[:, None]
    total = np.nansum(votes.probabilities, axis=0)
    probabilities = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    labels = np.where(count[:, 0] > 0, np.nan_to_num(probabilities).argmax(1), -1)
    return Decisions(labels.astype(np.int64), probabilities.astype(np.float32))


class Aggregator:
    """The mean, then whatever `spoil` does to its decisions."""

    def __init__(self, spoil: Callable[[Decisions], Any] = lambda decisions: decisions) -> None:
        self.spoil = spoil

    def aggregate(self, votes: Votes) -> Any:
        return self.spoil(mean(votes))


class Moody(Aggregator):
    def __init__(self) -> None:
        self.calls = 0

    def aggregate(self, votes: Votes) -> Decisions:
        self.calls += 1
        decisions = mean(votes)
        return dataclasses.replace(decisions, labels=np.where(decisions.labels < 0, -1, self.calls % 2))


class Contrary(Aggregator):
    """Prefers the least probable class."""

    def aggregate(self, votes: Votes) -> Decisions:
        decisions = mean(votes)
        worst = np.where(decisions.labels < 0, -1, np.nan_to_num(decisions.probabilities).argmin(1))
        return dataclasses.replace(decisions, labels=worst)


class Scribbler(Aggregator):
    def aggregate(self, votes: Votes) -> Decisions:
        votes.probabilities[:] = 0
        return mean(votes)


def change(**changes: Callable[[Decisions], Any]) -> Aggregator:
    return Aggregator(lambda one: dataclasses.replace(one, **{key: made(one) for key, made in changes.items()}))


def test_a_sound_aggregator_passes() -> None:
    check_aggregator(Aggregator())
    check_aggregator(Aggregator(), voters=("one",), classes=2)


@pytest.mark.parametrize(
    ("aggregator", "promise"),
    [
        (Aggregator(lambda one: one.labels), r"^aggregate\(\) must return Decisions, not ndarray$"),
        (change(labels=lambda one: list(one.labels)), "labels must be a numpy array, not list"),
        (change(labels=lambda one: one.labels.astype(np.int32)), "labels must be int64, not int32"),
        (change(labels=lambda one: one.labels[:0]), r"labels must have the shape \(1\), not \(0,\)"),
        (change(labels=lambda one: one.labels + 9), r"labels must be class ids 0\.\.3, or -1 where nobody voted"),
        (change(labels=lambda one: abs(one.labels)), "an item that nobody voted on must have the label -1"),
        (change(labels=lambda one: one.labels * 0 - 1), "an item that somebody voted on must have a label"),
        (change(probabilities=lambda one: one.probabilities.astype(float)), "must be float32, not float64"),
        (change(probabilities=lambda one: one.probabilities[:, :2]), r"must have the shape \(0, 4\), not \(0, 2\)"),
        (change(probabilities=lambda one: one.probabilities / 2), "rows must sum to 1"),
        (change(probabilities=lambda one: one.probabilities * 2 - 0.25), r"must lie in \[0, 1\]"),
        (
            change(probabilities=lambda one: np.nan_to_num(one.probabilities, nan=0.25)),
            "NaN exactly where nobody voted",
        ),
        (Moody(), "the same decisions for the same votes"),
        (Contrary(), "where all voters agree for certain"),
    ],
)
def test_a_broken_promise_is_named(aggregator: Aggregator, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_aggregator(aggregator)


def test_a_row_that_is_half_nan_is_found() -> None:
    def half(decisions: Decisions) -> Decisions:
        decisions.probabilities[:, 0] = np.nan
        return decisions

    with pytest.raises(AssertionError, match="a row is wholly NaN or has no NaN"):
        check_aggregator(Aggregator(half))


def test_votes_may_not_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        check_aggregator(Scribbler())
