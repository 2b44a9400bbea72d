"""Ranks that can be believed: every system of a table against every other one, on the clips they share.

All systems are left without the same clip, clip by clip; how their macro-F1 moves together gives the standard error
of every difference (the jackknife over clusters), Student's t its p, and Holm's correction over all pairs says which
differences stand. What cannot be told apart is tied: a system's rank is an interval. Means over seeds vary with the
seeds as well; systems with as many seeds are paired seed by seed, as those are that share their trainings.

The jackknife, because with few clips it errs as often as it says (5% of equal systems told apart at 8 to 56 clips),
where a bootstrap of the difference errs more often (12% at 8 clips, 7% at 56; docs/statistics.md).

12,000 systems are 72 million pairs: blocks of the table are gone through twice, once to find the size from which
differences stand, once to count them, so that no table of pairs is ever held.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.holm import holm
from harness.evaluation.student import critical, t_of, two_sided

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ALPHA = 0.05
BLOCK = 2**21  # pairs in memory at once: 16 MB
BINS = 2**15  # of |t|, for Holm's step-down over more pairs than one would sort
EXACT = 1e-12  # of a variance: what is less is rounding


@dataclass(frozen=True)
class Ranks:
    """Of N systems, in the order given; all arrays (N,).

    value: macro-F1, the mean over seeds where there are several; error: its standard error over clips and seeds, NaN
    where it cannot be estimated. set: systems of the same items share a number, 0 is the largest set; size: systems in
    the set. Within its set: rank, 1 + systems with a higher value; best, 1 + systems that are significantly better;
    worst, those that are not significantly worse, itself included; group, from 1: the first of a group is significantly
    worse than the first of the group before, and nobody is told apart from the first of his own group.
    difference, low, high, p, adjusted: value minus that of the reference, its 95% interval, two-sided p, and p after
    Holm's correction over all that are compared with the reference; NaN without a reference, for the reference itself,
    for other items and where nothing can be estimated.
    """

    value: Floats
    error: Floats
    set: Integers
    size: Integers
    rank: Integers
    best: Integers
    worst: Integers
    group: Integers
    difference: Floats
    low: Floats
    high: Floats
    p: Floats
    adjusted: Floats


def rank(
    sums: Sequence[NDArray[np.int64]], items: Sequence[Hashable], *, reference: int | None = None, alpha: float = ALPHA
) -> Ranks:
    """Rank N systems by macro-F1.

    sums: of each (K, 3, C) per clip (Counts.sums), or (S, K, 3, C) of S seeds; items: of each what it was scored on
    (Items.fingerprint), clips of equal ones in the same order (Items.order); reference: position of the system that
    others are seen against. DataError for sums that do not fit their items.
    """
    if len(sums) != len(items):
        raise DataError(f"{len(sums)} systems with sums, but {len(items)} with items; give each both")
    found = _nothing(len(sums))
    for number, rows in enumerate(_sets(items)):
        _check([sums[row] for row in rows])
        one = _Set.of([sums[row] for row in rows])
        found.value[rows], found.error[rows] = one.value, one.error
        found.set[rows], found.size[rows] = number, len(rows)
        order = np.argsort(-one.value, kind="stable")
        found.rank[rows] = 1 + np.searchsorted(np.sort(-one.value), -one.value)
        better, worse, group = _compared(one.taken(order), alpha)
        inverse = rows[order]
        found.best[inverse], found.worst[inverse], found.group[inverse] = 1 + better, len(rows) - worse, group
        if reference is not None and reference in rows:
            _against(found, one, rows, int(np.flatnonzero(rows == reference)[0]), alpha)
    return found


@dataclass(frozen=True)
class _Set:
    """N systems of the same K clips: value (N,), moves (M, N) whose products summed over M are covariances of the
    values (from clips, then from seeds), freedom: K - 1."""

    value: Floats
    moves: Floats
    freedom: int

    @classmethod
    def of(cls, sums: Sequence[NDArray[np.int64]]) -> _Set:
        clips = int(sums[0].shape[-3])
        value, moves = np.empty(len(sums)), np.empty((clips, len(sums)))
        seeds: dict[int, Floats] = {}
        for several, rows, stack in _alike(sums):
            whole = _without_each(stack)  # (K + 1, S, n): the last one without none
            value[rows], moves[:, rows] = whole[-1].mean(axis=0), whole[:-1].mean(axis=1)
            if several > 1:
                apart = (whole[-1] - value[rows]) / np.sqrt(several * (several - 1))
                seeds.setdefault(several, np.zeros((several, len(sums))))[:, rows] = apart
        moves -= moves.mean(axis=0)
        moves *= np.sqrt((clips - 1) / clips)
        return cls(value, np.concatenate([moves, *seeds.values()]), clips - 1)

    @property
    def error(self) -> Floats:
        """(N,) standard errors of the values."""
        if self.freedom < 1:
            return np.full(len(self.value), np.nan)
        return np.asarray(np.sqrt(np.einsum("kn,kn->n", self.moves, self.moves)), np.float64)

    def taken(self, order: Integers) -> _Set:
        """The systems in another order."""
        return _Set(self.value[order], np.ascontiguousarray(self.moves[:, order]), self.freedom)

    def sizes(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """(n, m) difference of values, rows minus columns, and its standard error; 0 for systems that move alike."""
        own = np.einsum("kn,kn->n", self.moves, self.moves)
        apart = own[rows, None] + own[None, columns]
        variance = apart - 2 * (self.moves[:, rows].T @ self.moves[:, columns])
        variance[variance < EXACT * apart] = 0
        return self.value[rows, None] - self.value[None, columns], np.sqrt(variance)

    def t(self, rows: slice, columns: slice) -> Floats:
        """(n, m) |difference| / standard error, infinite where only the latter is 0; 0 between equal values."""
        difference, error = self.sizes(rows, columns)
        return t_of(difference, error)


def _compared(systems: _Set, alpha: float) -> tuple[Integers, Integers, Integers]:
    """Of systems, best first: how many are significantly better, how many worse, and the group of each."""
    count = len(systems.value)
    better, worse = np.zeros(count, np.int64), np.zeros(count, np.int64)
    bar = _bar(systems, alpha) if systems.freedom > 0 and count > 1 else np.inf
    if not np.isfinite(bar):
        return better, worse, np.ones(count, np.int64)
    for start, t in _blocks(systems):
        apart = t >= bar
        worse[start : start + len(t)] += apart.sum(axis=1)
        better[start:] += apart.sum(axis=0)
    return better, worse, _groups(systems, bar)


def _blocks(systems: _Set) -> Iterator[tuple[int, Floats]]:
    """(first row, t (n, N - first row)) of all pairs, each once: where the column is not after the row, -1."""
    count = len(systems.value)
    start = 0
    while start < count:
        rows = min(max(1, BLOCK // (count - start)), count - start)
        t = systems.t(slice(start, start + rows), slice(start, count))
        t[np.tril_indices(rows)] = -1
        yield start, t
        start += rows


def _bar(systems: _Set, alpha: float) -> float:
    """The least |t| that Holm's step-down over all pairs rejects; infinite if none.

    The pairs are counted in narrow bins of |t|, and a bin is rejected if its least t is at its first step: never more
    than Holm rejects, and fewer only within a bin (0.02% of |t|).
    """
    count = len(systems.value)
    pairs = count * (count - 1) // 2
    least = critical(alpha, systems.freedom)
    edges = least * np.exp(np.arange(BINS + 1) * 2e-4)
    filled = np.zeros(BINS + 2, np.int64)
    for _, t in _blocks(systems):
        filled += np.bincount(np.searchsorted(edges, t[t >= least], side="right"), minlength=BINS + 2)
    # from the largest |t| down: pairs before a bin are rejected, its first is at step (pairs - those before)
    held = np.flatnonzero(filled)[::-1]
    before = np.cumsum(filled[held]) - filled[held]
    p = two_sided(edges[held - 1], systems.freedom)
    failed = np.flatnonzero(p * (pairs - before) > alpha)
    rejected = held[: failed[0]] if len(failed) else held
    return float(edges[rejected[-1] - 1]) if len(rejected) else np.inf


def _groups(systems: _Set, bar: float) -> Integers:
    count = len(systems.value)
    group = np.ones(count, np.int64)
    leader = 0
    while True:
        apart = np.flatnonzero(systems.t(slice(leader, leader + 1), slice(leader, count))[0] >= bar)
        if not len(apart):
            return group
        leader += int(apart[0])
        group[leader:] += 1


def _against(found: Ranks, systems: _Set, rows: Integers, place: int, alpha: float) -> None:
    """Fill in the differences to the system at `place` of the set."""
    difference, error = (one[:, 0] for one in systems.sizes(slice(0, len(rows)), slice(place, place + 1)))
    difference[place] = np.nan
    found.difference[rows] = difference
    if systems.freedom < 1:
        return
    margin = critical(alpha, systems.freedom) * error
    found.low[rows], found.high[rows] = difference - margin, difference + margin
    found.p[rows] = np.where(np.isnan(difference), np.nan, two_sided(t_of(difference, error), systems.freedom))
    found.adjusted[rows] = holm(found.p[rows])


def _without_each(sums: Floats) -> Floats:
    """(S, n, K, 3, C) -> (K + 1, S, n): macro-F1 without each clip, and at last with all of them."""
    hits, shown = sums[..., 0, :], sums[..., 1, :] + sums[..., 2, :]
    found = np.zeros((sums.shape[2] + 1, *sums.shape[:2]))
    for one in range(sums.shape[-1]):
        all_hits, all_shown = hits[..., one].sum(axis=2), shown[..., one].sum(axis=2)
        above = np.concatenate([np.moveaxis(all_hits[..., None] - hits[..., one], 2, 0), all_hits[None]])
        below = np.concatenate([np.moveaxis(all_shown[..., None] - shown[..., one], 2, 0), all_shown[None]])
        found += np.divide(2 * above, below, out=np.zeros_like(above), where=below > 0)
    found /= sums.shape[-1]
    return found


def _alike(sums: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, Integers, Floats]]:
    """(seeds S, rows, their sums (S, n, K, 3, C)), a bounded number of rows at once."""
    seeds = np.array([len(one) if one.ndim == 4 else 1 for one in sums])
    for several in np.unique(seeds).tolist():
        rows = np.flatnonzero(seeds == several)
        most = max(1, BLOCK // (several * int(np.prod(sums[0].shape[-3:]))))
        for start in range(0, len(rows), most):
            taken = rows[start : start + most]
            stack = np.stack([sums[row].reshape(several, *sums[row].shape[-3:]) for row in taken], axis=1)
            yield several, taken, stack.astype(np.float64)


def _sets(items: Sequence[Hashable]) -> list[Integers]:
    """The positions of equal items, the largest set first, equally large ones in their order."""
    found: dict[Hashable, list[int]] = {}
    for position, one in enumerate(items):
        found.setdefault(one, []).append(position)
    return [np.array(rows, np.int64) for rows in sorted(found.values(), key=len, reverse=True)]


def _check(sums: Sequence[NDArray[np.int64]]) -> None:
    shapes = {one.shape[-3:] for one in sums}
    if len(shapes) > 1 or any(one.ndim not in (3, 4) or one.shape[-2] != 3 or not one.size for one in sums):
        raise DataError(
            f"sums of shapes {sorted({one.shape for one in sums})} for the same items: expected (clips, 3, classes) "
            "or (seeds, clips, 3, classes), alike"
        )


def _nothing(count: int) -> Ranks:
    """N systems of which nothing is known yet."""
    ones = [np.ones(count, np.int64) for _ in range(6)]
    unknown = [np.full(count, np.nan) for _ in range(7)]
    return Ranks(*unknown[:2], *ones, *unknown[2:])
