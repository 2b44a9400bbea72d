"""A validation part that shares no subject with the training part, and has the classes in like proportions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_by_subject(
    labels: NDArray[np.int64], subjects: NDArray[np.str_], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the training and of the validation part, ascending.

    labels (N,) class ids >= 0; subjects (N,). Whole subjects are taken, those with rare classes first, as long as
    each brings the validation part's class counts closer to `fraction` of the whole; the last subject that shows a
    class always stays in training. The validation part is empty if there is too little to share.
    """
    rows = np.arange(len(labels), dtype=np.int64)
    if fraction == 0:
        return rows, rows[:0]
    _, group = np.unique(subjects, return_inverse=True)
    counts = np.zeros((int(group.max()) + 1, int(labels.max()) + 1))
    np.add.at(counts, (group, labels), 1)
    held_out = np.isin(group, _chosen(counts, fraction, seed))
    return rows[~held_out], rows[held_out]


def _chosen(counts: NDArray[np.float64], fraction: float, seed: int) -> list[int]:
    """Numbers of the groups to hold out; counts (G, C) of each group and class."""
    total = counts.sum(0)
    scale = 1 / np.maximum(total, 1)
    missing, left = fraction * total, total.copy()
    chosen = []
    for group in _rarest_first(counts, total, seed):
        closer = (((missing - counts[group]) * scale) ** 2).sum() < ((missing * scale) ** 2).sum()
        still_learnt = bool(np.all((left - counts[group] > 0) | (counts[group] == 0)))
        if closer and still_learnt:
            chosen.append(group)
            missing, left = missing - counts[group], left - counts[group]
    return chosen


def _rarest_first(counts: NDArray[np.float64], total: NDArray[np.float64], seed: int) -> list[int]:
    rarest = np.where(counts > 0, total, np.inf).min(1)
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    return [int(group) for group in shuffled[np.argsort(rarest[shuffled], kind="stable")]]
