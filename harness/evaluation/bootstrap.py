"""The bootstrap over clusters: clips, or all clips of a subject, or single frames.

Frames of one clip are nearly copies of each other, so clips are drawn with replacement, not frames (a cluster
bootstrap). A resample is a vector of how often each cluster was drawn; times the counts of each it gives the sums of
the resample, so that thousands of resamples are one matrix product, whatever the number of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.counts import Counts, Policy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Metric = Callable[[Floats], Floats]
Clusters = Literal["clip", "subject", "frame"]
LEVEL = 0.95
CHUNK = 2**21  # numbers in memory at once: 16 MB of weights
LEAST_WIDTH = 64  # numbers a resample takes, however few clusters there are

MOST_KEPT = 2**22  # numbers of one kind of draws that `kept_draws` keeps, 32 MB, and of how many kinds
KINDS_KEPT = 4
_kept: dict[tuple[object, ...], list[Floats]] | None = None


@dataclass(frozen=True)
class Units:
    """What is drawn with replacement: sums (U, 3, C) of one unit of each kind, and many (U,) how many of a kind are.

    A clip or subject is one of its kind; frames are as many of a kind as their cell of the confusion holds.
    """

    sums: Integers
    many: Integers

    def __len__(self) -> int:
        return int(self.many.sum())


def units(counts: Counts, policy: Policy, clusters: Clusters = "clip", subjects: Sequence[str] = ()) -> Units:
    """The units of K clips' counts; clips without a scored frame are none.

    subjects: who is seen in each of the K clips; where none are given every clip is of its own subject. DataError for
    another number of subjects than clips.
    """
    if len(subjects) not in (0, len(counts.confusion)):
        raise DataError(f"{len(subjects)} subjects for {len(counts.confusion)} clips; give one a clip, or none at all")
    if clusters == "frame":
        return _frames(counts, policy)
    present = np.flatnonzero(counts.confusion.sum(axis=(1, 2)) + counts.unanswered.sum(axis=1))
    sums = counts.sums(policy)[present]
    if clusters == "subject" and len(subjects):
        # in the order they appear, not of their names: records hold other names, and must give the same interval
        _, first, name = np.unique(np.asarray(subjects)[present], return_index=True, return_inverse=True)
        subject = np.argsort(np.argsort(first))[name]
        together = np.zeros((len(first), *sums.shape[1:]), np.int64)
        np.add.at(together, subject, sums)
        sums = together
    return Units(sums, np.ones(len(sums), np.int64))


def _frames(counts: Counts, policy: Policy) -> Units:
    """Every cell of the confusion, empty or not, is a kind of frame: a resample is multinomial over the cells."""
    classes = counts.unanswered.shape[1]
    one = np.eye(classes, dtype=np.int64)
    true, predicted = np.repeat(one, classes, axis=0), np.tile(one, (classes, 1))
    sums, many = np.stack([true * predicted, true, predicted], axis=1), counts.confusion.sum(axis=0).ravel()
    if policy == "wrong":
        none = np.zeros_like(one)
        sums = np.concatenate([sums, np.stack([none, one, none], axis=1)])
        many = np.concatenate([many, counts.unanswered.sum(axis=0)])
    return Units(sums, many)


def draws(many: Integers, resamples: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    """many (U,) units of each kind -> chunks (r, U): how often a kind is drawn in as many draws as there are units.

    The same numbers and seed give the same draws: two systems scored on the same clips are resampled alike.
    """
    if _kept is None or (many != 1).any() or resamples * len(many) > MOST_KEPT:
        yield from _drawn(many, resamples, seed)
        return
    key = (len(many), resamples, seed if isinstance(seed, int) else tuple(seed))
    if key not in _kept:
        if len(_kept) >= KINDS_KEPT:
            _kept.clear()
        _kept[key] = list(_drawn(many, resamples, seed))
    yield from _kept[key]


@contextmanager
def kept_draws() -> Iterator[None]:
    """Within, the same draws are made once: for who computes many intervals from as many clips, as a check does."""
    global _kept
    before, _kept = _kept, {} if _kept is None else _kept
    try:
        yield
    finally:
        _kept = before


def _drawn(many: Integers, resamples: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    most = max(1, CHUNK // max(len(many), LEAST_WIDTH))
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        if (many != 1).any():
            yield rng.multinomial(many.sum(), many / many.sum(), rows).astype(np.float64)
        else:
            yield _alike(rng, rows, len(many))


def _alike(rng: np.random.Generator, rows: int, clusters: int) -> Floats:
    """(rows, clusters): each row is a multinomial sample of `clusters` draws with equal chances."""
    # counting uniform draws is some three times faster than Generator.multinomial, which draws one binomial a cluster
    drawn = rng.integers(0, clusters, (rows, clusters))
    drawn += np.arange(rows)[:, None] * clusters
    return np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)


def resampled(sums: Integers, resamples: int, seed: int, many: Integers | None = None) -> Iterator[Floats]:
    """(U, 3, C) sums of one unit of each kind -> chunks (r, 3, C) of the sums of resamples, `resamples` rows in all.

    many (U,): units of each kind, one if not given.
    """
    flat = sums.reshape(len(sums), -1).astype(np.float64)
    for weights in draws(np.ones(len(sums), np.int64) if many is None else many, resamples, seed):
        yield (weights @ flat).reshape(len(weights), *sums.shape[1:])
