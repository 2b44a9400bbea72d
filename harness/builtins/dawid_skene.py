"""Aggregators that learn how reliable each voter is from all votes together, by expectation maximisation (EM).

dawid-skene  each voter has a confusion matrix: P(it says k | the truth is c)
             (Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM algorithm")
one-coin     each voter has one accuracy s; it says each wrong class with (1 - s) / (C - 1)
             (Zhang, Chen, Zhou and Jordan 2016, "Spectral methods meet EM", section 5)

A vote counts as its most probable class. Because the voters' reliability is learnt, an item's label depends on the
other items: more or other faces may change it. Their order does not matter, and neither does that of the voters,
except that the first voter's choice decides where classes tie.

What that costs: a confusion matrix has C (C - 1) numbers a voter. Simulated with seven classes, 200 items and three
voters that are right in 70, 50 and 40% of the cases, dawid-skene is right in 58%, one-coin in 69%, a majority in 70%;
with one voter of three that swaps two classes, and 1000 items, in 84, 76 and 76%.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from harness.builtins.aggregator_options import DawidSkeneOptions, OneCoinOptions
from harness.builtins.aggregators import checked, first_choice, hard_votes
from harness.components import Decisions, Votes

Floats = NDArray[np.float64]
_LEAST = 1e-10  # a probability never becomes 0, whose logarithm would overrule every other vote
_DIGITS = 12  # rounding noise would break a tie of classes one way or the other, and grow from step to step


class _ExpectationMaximisation(ABC):
    """The steps that both models share; what a voter's errors look like is theirs."""

    def __init__(self, options: DawidSkeneOptions | OneCoinOptions) -> None:
        self.options = options

    def aggregate(self, votes: Votes) -> Decisions:
        """The posterior probabilities of each item's classes; the most probable one is its label."""
        ballots = checked(votes)
        choices = hard_votes(ballots)
        # Items with the same votes have the same posterior: one of each kind, times how many there are.
        kinds, kind_of, times = np.unique(choices, axis=1, return_inverse=True, return_counts=True)
        cast = (kinds >= 0).any(axis=0)
        said = (kinds[:, cast][:, None, :] == np.arange(len(ballots))[:, None]).astype(np.float64)
        posterior = np.full((len(ballots), len(times)), np.nan)
        posterior[:, cast] = self._posterior(said, times[cast].astype(np.float64))
        of_items = posterior[:, kind_of.reshape(-1)]
        tied = of_items >= of_items.max(axis=0) - 10.0**-_DIGITS
        labels = np.where((choices >= 0).any(axis=0), first_choice(tied, choices), -1)
        return Decisions(labels, np.ascontiguousarray(of_items.T, np.float32))

    def _posterior(self, said: Floats, times: Floats) -> Floats:
        """said (V, C, U): 1 where a voter says a class of a kind of item, times (U,): items of it; returns (C, U)."""
        voters, classes, kinds = said.shape
        flat = said.reshape(voters * classes, kinds)
        posterior: Floats = said.sum(axis=0) / said.sum(axis=(0, 1))
        for _ in range(self.options.iterations if kinds else 0):
            before = posterior
            weighted = posterior * times
            prior = _share(weighted.sum(axis=1) + self.options.smoothing)
            counts = (flat @ weighted.T).reshape(voters, classes, classes)
            errors = np.maximum(self._errors(counts), _LEAST).reshape(voters * classes, classes)
            likelihood = np.log(errors).T @ flat + np.log(np.maximum(prior, _LEAST))[:, None]
            posterior = np.round(_share(np.exp(likelihood - likelihood.max(axis=0))), _DIGITS)
            if np.abs(posterior - before).max() <= self.options.tolerance:
                break
        return posterior

    @abstractmethod
    def _errors(self, counts: Floats) -> Floats:
        """counts (V, C said, C true): expected number of such votes -> (V, C said, C true) P(said | true)."""


class DawidSkene(_ExpectationMaximisation):
    """One confusion matrix a voter."""

    def _errors(self, counts: Floats) -> Floats:
        smoothed = np.maximum(counts + self.options.smoothing, _LEAST)
        return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


class OneCoin(_ExpectationMaximisation):
    """One accuracy a voter."""

    def _errors(self, counts: Floats) -> Floats:
        classes = counts.shape[1]
        hits = np.trace(counts, axis1=1, axis2=2) + self.options.smoothing
        cast = counts.sum(axis=(1, 2)) + classes * self.options.smoothing
        # a voter without a vote tells nothing; neither does one that guesses
        accuracy = np.divide(hits, cast, out=np.full(len(counts), 1 / classes), where=cast > 0)
        accuracy = np.clip(accuracy, _LEAST, 1 - _LEAST)[:, None, None]
        right = np.eye(classes, dtype=bool)
        return np.asarray(np.where(right, accuracy, (1 - accuracy) / max(classes - 1, 1)), np.float64)


def _share(values: Floats) -> Floats:
    return np.asarray(values / values.sum(axis=0))
