"""Agreement between labelers beyond chance, of class ids (-1: no label); nobody's labels are taken for the truth.

1 is perfect agreement, 0 what chance gives, below 0 less than that. NaN where it is not defined: nothing was labelled
by two, or every label is of one class, so that there is nothing to agree on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Integers = NDArray[np.integer]


@dataclass(frozen=True)
class Pair:
    """Two labelers, the faces that both labelled, the share of them with the same label, and Cohen's kappa."""

    first: str
    second: str
    shared: int
    same: float
    kappa: float


def cohen_kappa(a: Integers, b: Integers, classes: int) -> float:
    """Cohen's kappa (1960) of two labelers' class ids (N,) each, over the items that both labelled.

    (p_o - p_e) / (1 - p_e): p_o is the share of equal labels, p_e the share to be expected of labelers that draw from
    their own class frequencies. NaN without a shared item, or where p_e is 1. DataError for ids outside the classes.
    """
    _check(np.stack([a, b]), classes)
    both = (a >= 0) & (b >= 0)
    pairs = np.bincount(a[both].astype(np.int64) * classes + b[both], minlength=classes * classes)
    counts = pairs.reshape(classes, classes)
    shared = int(counts.sum())
    # in whole numbers up to the quotient, so that perfect agreement is exactly 1 and no agreement on one class NaN
    expected = int(counts.sum(axis=0) @ counts.sum(axis=1))
    if shared * shared == expected:
        return nan
    return (shared * int(np.trace(counts)) - expected) / (shared * shared - expected)


def krippendorff_alpha(labels: Integers) -> float:
    """Krippendorff's alpha, nominal; labels (V, N): class ids of V labelers for N items, -1 where one is missing.

    1 - D_o / D_e over the labels of items with at least two of them: D_o is the share of unequal pairs within items, an
    item of m labels weighing m; D_e the share among all pairs of labels (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability"). NaN where no two labels can be paired, or all are of one class.
    """
    _check(labels)
    classes = max(int(labels.max(initial=-1)) + 1, 1)
    counts = np.stack([(labels == class_id).sum(axis=0) for class_id in range(classes)]).astype(np.float64)
    counts = counts[:, counts.sum(axis=0) > 1]
    of_item, of_class = counts.sum(axis=0), counts.sum(axis=1)
    values = of_class.sum()
    unequal = (values * values - of_class @ of_class) / max(values - 1, 1)
    if not unequal:
        return nan
    within = ((of_item * of_item - (counts * counts).sum(axis=0)) / (of_item - 1)).sum()
    return float(1 - within / unequal)


def pairwise(names: Sequence[str], labels: Integers, classes: int) -> list[Pair]:
    """Every two of V labelers, in their order; labels (V, N) class ids, -1 where one is missing."""
    if len(names) != len(labels):
        raise DataError(f"{len(names)} names for the labels of {len(labels)} labelers; give each one")
    return list(_pairs(names, labels, classes))


def _pairs(names: Sequence[str], labels: Integers, classes: int) -> Iterator[Pair]:
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            both = (labels[i] >= 0) & (labels[j] >= 0)
            shared = int(both.sum())
            same = float((labels[i][both] == labels[j][both]).mean()) if shared else nan
            yield Pair(names[i], names[j], shared, same, cohen_kappa(labels[i], labels[j], classes))


def _check(labels: Integers, classes: int | None = None) -> None:
    if labels.ndim != 2:
        raise DataError(f"labels of shape {labels.shape}: expected (labelers, items)")
    least, most = int(labels.min(initial=0)), int(labels.max(initial=-1))
    if least < -1 or (classes is not None and most >= classes):
        raise DataError(
            f"class id {least if least < -1 else most} is not one of {classes or most + 1}, nor -1 for none"
        )
