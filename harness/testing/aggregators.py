"""Do aggregators keep their contract?"""

from __future__ import annotations

import numpy as np

from harness.components import Aggregator, Decisions, Votes
from harness.testing.expect import expect, expect_array, expect_distributions, frozen


def check_aggregator(aggregator: Aggregator, *, voters: tuple[str, ...] = ("a", "b", "c"), classes: int = 4) -> None:
    """Votes of every kind (soft, hard, missing, none at all) in; whole, repeatable decisions out.

    voters: names the aggregator knows, if its options name voters.
    """
    for items in (0, 1, 40):
        votes = _votes(len(voters), items, classes)
        decisions = aggregator.aggregate(Votes(frozen(votes), voters))
        _check_shape(decisions, items, classes)
        _check_missing(decisions, votes)
        again = aggregator.aggregate(Votes(frozen(votes), voters))
        same = np.array_equal(decisions.labels, again.labels) and np.array_equal(
            decisions.probabilities, again.probabilities, equal_nan=True
        )
        expect(same, "aggregate() must give the same decisions for the same votes")
    _check_unanimous(aggregator, voters, classes)


def _votes(voters: int, items: int, classes: int) -> np.ndarray:
    """(V, N, C): soft votes, every third item hard, a fifth of the votes missing, every seventh item without any."""
    draw = np.random.default_rng(0)
    votes = draw.dirichlet(np.ones(classes), size=(voters, items)).astype(np.float32)
    hard = np.eye(classes, dtype=np.float32)[votes.argmax(-1)]
    votes[:, ::3] = hard[:, ::3]
    votes[draw.random((voters, items)) < 0.2] = np.nan
    votes[:, ::7] = np.nan
    return votes


def _check_shape(decisions: Decisions, items: int, classes: int) -> None:
    expect(isinstance(decisions, Decisions), f"aggregate() must return Decisions, not {type(decisions).__name__}")
    expect_array(decisions.labels, "decisions.labels", "int64", (items,))
    expect_array(decisions.probabilities, "decisions.probabilities", "float32", (items, classes))
    expect_distributions(decisions.probabilities, "decisions.probabilities", classes)
    inside = (decisions.labels >= -1) & (decisions.labels < classes)
    expect(inside.all(), f"decisions.labels must be class ids 0..{classes - 1}, or -1 where nobody voted")


def _check_missing(decisions: Decisions, votes: np.ndarray) -> None:
    nobody = np.isnan(votes).all(axis=(0, 2))
    expect((decisions.labels[nobody] == -1).all(), "an item that nobody voted on must have the label -1")
    expect((decisions.labels[~nobody] >= 0).all(), "an item that somebody voted on must have a label")
    undecided = np.isnan(decisions.probabilities).all(1)
    expect((undecided == nobody).all(), "probabilities must be NaN exactly where nobody voted")


def _check_unanimous(aggregator: Aggregator, voters: tuple[str, ...], classes: int) -> None:
    wanted = np.arange(classes, dtype=np.int64)
    votes = np.repeat(np.eye(classes, dtype=np.float32)[None], len(voters), axis=0)
    decisions = aggregator.aggregate(Votes(frozen(votes), voters))
    expect(np.array_equal(decisions.labels, wanted), "where all voters agree for certain, theirs must be the label")
