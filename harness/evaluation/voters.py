"""Which labelers to ask: the macro-F1 of the majority vote of every subset of them, and what it costs.

The best of many subsets is best by luck in part, and scores less on other clips. `held_out` says how much: each clip is
decided by the subset that is best on all the other clips.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, DataError
from harness.evaluation.metrics import f1
from harness.evaluation.noise import check

Integers = NDArray[np.integer]
Floats = NDArray[np.float64]
ALL = 12  # voters, of which every subset is tried
MOST = 2**ALL  # subsets
CELLS = 2**22  # numbers in memory at once: 32 MB


@dataclass(frozen=True)
class Subsets:
    """M subsets of V voters, small ones first, in the order of the voters.

    members (M, V): who votes   macro_f1 (M,)   cost (M,): sum of its voters', NaN where one is not known
    hits, predicted (M, K, C), support (K, C): per clip and class, what is right, predicted, and of the class; an item
    that nobody of the subset labelled counts as wrong.
    """

    members: NDArray[np.bool_]
    macro_f1: Floats
    cost: Floats
    hits: NDArray[np.int32]
    predicted: NDArray[np.int32]
    support: NDArray[np.int32]

    @property
    def size(self) -> NDArray[np.int64]:
        """(M,) voters of each subset."""
        return np.asarray(self.members.sum(axis=1), np.int64)

    def sums(self, subset: int) -> NDArray[np.int64]:
        """(K, 3, C) per clip, as Counts.sums gives them: for intervals and comparisons."""
        return np.stack([self.hits[subset], self.support, self.predicted[subset]], axis=1).astype(np.int64)

    def best_of_size(self) -> list[int]:
        """The best subset of each size, small ones first; of equally good ones the cheaper, then the first."""
        cost = np.nan_to_num(self.cost, nan=np.inf)
        order = np.lexsort((np.arange(len(cost)), cost, -self.macro_f1))
        size = self.size[order]
        return [int(order[size == one][0]) for one in np.unique(size)]

    def front(self) -> list[int]:
        """The Pareto front, cheap ones first: each is better than everything that costs no more.

        Where the cost of a voter is not known, subsets cost their number of voters.
        """
        cost = self.size.astype(np.float64) if np.isnan(self.cost).any() else self.cost
        found, most = [], -1.0
        for one in np.lexsort((self.size, -self.macro_f1, cost)).tolist():
            if self.macro_f1[one] > most:
                found.append(one)
                most = float(self.macro_f1[one])
        return found

    def held_out(self, size: int) -> float:
        """Macro-F1 when each clip is decided by the subset of that size that is the best on all the other clips.

        NaN with a single clip, or if no subset has the size.
        """
        kept = np.flatnonzero(self.size == size)
        clips = len(self.support)
        if clips < 2 or not len(kept):
            return math.nan
        hits, predicted = self.hits[kept], self.predicted[kept]
        all_hits, all_predicted, all_support = hits.sum(axis=1), predicted.sum(axis=1), self.support.sum(axis=0)
        sums = np.zeros((3, self.support.shape[1]), np.int64)
        for clip in range(clips):
            others = np.broadcast_to(all_support - self.support[clip], all_hits.shape)
            scores = f1(np.stack([all_hits - hits[:, clip], others, all_predicted - predicted[:, clip]], axis=1))
            chosen = int(scores.mean(axis=1).argmax())
            sums += np.stack([hits[chosen, clip], self.support[clip], predicted[chosen, clip]])
        return float(f1(sums).mean())


def largest_size(voters: int) -> int:
    """The size up to which all subsets of V voters are tried by default: V itself up to 12 voters."""
    total, size = 0, 0
    while size < voters and total + math.comb(voters, size + 1) <= MOST:
        size += 1
        total += math.comb(voters, size)
    return size


def subsets(
    labels: Integers, truth: Integers, clips: Integers, classes: int, costs: Floats, most: int | None = None
) -> Subsets:
    """The majority vote of every subset of V voters, of up to `most` of them, on N items.

    labels (V, N) class ids, -1 for no vote; truth (N,) class ids, items below 0 do not count; clips (N,) in [0, K);
    costs (V,) of each voter, NaN if not known. Ties go to the voter that comes first, as the aggregator majority-vote
    has them (ties = "model-order"). DataError without an item that has a truth; ConfigError for too many subsets.
    """
    check(labels, truth, classes)
    known = truth >= 0
    if not known.any():
        raise DataError("no labelled item has a truth: the gain of voters cannot be told")
    members = _members(len(labels), most)
    truth, clips = truth[known].astype(np.int64), clips[known].astype(np.int64)
    patterns, pattern = np.unique(labels[:, known].T, axis=0, return_inverse=True)
    number = int(clips.max()) + 1
    # items with the same votes, clip and truth count together
    place = (clips * classes + truth) * len(patterns) + pattern.ravel()
    cells, items = np.unique(place, return_counts=True)
    where, of_pattern = np.divmod(cells, len(patterns))
    clip, true = np.divmod(where, classes)
    shape = (len(members), number, classes)
    hits, predicted = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    truths, starts = np.unique(where, return_index=True)  # cells lie by clip and truth, so that each is a run of them
    for rows, decided in _votes(members, patterns, classes):
        label = decided[:, of_pattern]
        right = np.add.reduceat(np.where(label == true, items, 0), starts, axis=1)
        hits[rows].reshape(len(label), -1)[:, truths] = right
        code = (np.arange(len(label))[:, None] * number + clip) * (classes + 1) + label + 1
        weights = np.broadcast_to(items, code.shape).ravel()
        found = np.bincount(code.ravel(), weights, len(label) * number * (classes + 1))
        predicted[rows] = found.reshape(len(label), number, classes + 1)[:, :, 1:]
    support = np.bincount(where, items, number * classes).reshape(number, classes).astype(np.int32)
    whole = np.broadcast_to(support.sum(axis=0), (len(members), classes))
    scores = f1(np.stack([hits.sum(axis=1), whole, predicted.sum(axis=1)], axis=1)).mean(axis=1)
    cost = np.where(members, costs, 0.0).sum(axis=1)
    return Subsets(members, np.asarray(scores, np.float64), cost, hits, predicted, support)


def _members(voters: int, most: int | None) -> NDArray[np.bool_]:
    """(M, V) every subset of 1 to `most` of V voters."""
    size = largest_size(voters) if most is None else min(most, voters)
    total = sum(math.comb(voters, one) for one in range(1, size + 1))
    if total > MOST or size < 1:
        raise ConfigError(
            f"{voters} voters have {total:,} subsets of up to {size} of them, more than {MOST:,}; try subsets of up to "
            f"{largest_size(voters)}"
        )
    chosen = [one for many in range(1, size + 1) for one in itertools.combinations(range(voters), many)]
    found = np.zeros((len(chosen), voters), np.bool_)
    for row, one in enumerate(chosen):
        found[row, list(one)] = True
    return found


def _votes(members: NDArray[np.bool_], patterns: Integers, classes: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Chunks (rows, decided (r, P)): the majority of each subset on P patterns of votes (P, V); -1 without a vote."""
    voters = members.shape[1]
    # what all later voters have on top is less than what one earlier has: it decides ties and nothing else
    exact = np.float32 if voters <= 16 else np.float64
    weights = (1 + 0.25 * 0.5 ** np.arange(voters)).astype(exact)
    cast = np.stack([(patterns == one).T for one in range(classes)]).astype(exact)  # (C, V, P)
    step = max(1, CELLS // (classes * len(patterns)))
    for start in range(0, len(members), step):
        rows = slice(start, min(start + step, len(members)))
        given = members[rows] * weights
        most = np.zeros((len(given), len(patterns)), exact)
        decided = np.full(most.shape, -1)
        for one in range(classes):
            ballots = given @ cast[one]
            np.copyto(decided, one, where=ballots > most)
            np.maximum(most, ballots, out=most)
        yield rows, decided
