"""Label noise of labelers, from labels and truth: what each takes for what, and whether they err on the same items.

labels (V, N): class ids of V labelers for N items, -1 where one gave none; truth (N,) class ids. Items without a truth
(below 0) do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Integers = NDArray[np.integer]
Floats = NDArray[np.float64]


def transitions(labels: Integers, truth: Integers, classes: int) -> NDArray[np.int64]:
    """(V, C, C + 1): items of each true class by the label that each labeler gave them, the last column none.

    A row over its sum is the class's row of the noise transition matrix T, T_ij = P(label j | class i) (Patrini et al.
    2017, "Making deep neural networks robust to label noise", eq. 1). DataError for ids outside the classes.
    """
    check(labels, truth, classes)
    known = truth >= 0
    given = np.where(labels[:, known] < 0, classes, labels[:, known]).astype(np.int64)
    voter = np.arange(len(labels))[:, None]
    cell = (voter * classes + truth[known].astype(np.int64)) * (classes + 1) + given
    counts = np.bincount(cell.ravel(), minlength=len(labels) * classes * (classes + 1))
    return counts.reshape(len(labels), classes, classes + 1)


def error_correlation(labels: Integers, truth: Integers) -> Floats:
    """(V, V) phi of wrong and right, over the items that both labelled: 1 where two always err together, 0 where the
    errors of one say nothing about the other's, below 0 where one errs when the other does not.

    Phi is Pearson's correlation of two yes-or-no values. A vote of labelers whose errors correlate gains little over
    one of them. NaN where one of the two is always right or always wrong on the items they share; so is then the
    diagonal.
    """
    check(labels, truth)
    given = (labels >= 0) & (truth >= 0)
    right = (labels == truth) & given
    # counts over the items that both of a pair have, as products of 0 and 1: exact in float64
    both, own = given.astype(np.float64), right.astype(np.float64)
    shared = both @ both.T
    hits = own @ both.T  # [i, j]: items of both that i has right
    together = own @ own.T
    covariance = shared * together - hits * hits.T
    spread = np.sqrt((hits * (shared - hits)) * (hits * (shared - hits)).T)
    found: Floats = np.divide(covariance, spread, out=np.full_like(spread, np.nan), where=spread > 0)
    return found


def check(labels: Integers, truth: Integers, classes: int | None = None) -> None:
    """DataError for labels and truth that do not fit each other or the classes."""
    if labels.ndim != 2 or truth.shape != labels.shape[1:]:
        raise DataError(
            f"labels of shape {labels.shape} and truth of shape {truth.shape}: expected (labelers, items) and (items,)"
        )
    for what, ids in (("label", labels), ("truth", truth)):
        _within(what, ids, classes)


def _within(what: str, ids: NDArray[Any], classes: int | None) -> None:
    if classes is not None and ids.size and ids.max() >= classes:
        raise DataError(f"{what}: class id {int(ids.max())} is not one of {classes}")
