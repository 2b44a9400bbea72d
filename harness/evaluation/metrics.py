"""Metrics as pure functions of sums (..., 3, C): hits, frames of the class, frames predicted as the class.

The leading axes are anything: one data set, clips, bootstrap resamples. A quotient with a denominator of 0 is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Floats = NDArray[np.float64]


def precision(sums: Numbers) -> Floats:
    """(..., C) share of the frames predicted as a class that are of it."""
    return _share(sums[..., 0, :], sums[..., 2, :])


def recall(sums: Numbers) -> Floats:
    """(..., C) share of the frames of a class that are predicted as it."""
    return _share(sums[..., 0, :], sums[..., 1, :])


def f1(sums: Numbers) -> Floats:
    """(..., C) harmonic mean of precision and recall: 2 hits / (frames of the class + frames predicted as it)."""
    return _share(2 * sums[..., 0, :], sums[..., 1, :] + sums[..., 2, :])


def macro_f1(sums: Numbers) -> Floats:
    """(...) unweighted mean of the F1 of ALL classes of the label space, the metric of the ABAW challenge.

    A class that occurs neither in the truth nor among the predictions counts 0, and is not left out of the mean (as
    scikit-learn does with labels=range(C), zero_division=0).
    """
    return np.asarray(f1(sums).mean(axis=-1), np.float64)


def accuracy(sums: Numbers) -> Floats:
    """(...) share of the frames whose prediction is right."""
    return _share(sums[..., 0, :].sum(axis=-1), sums[..., 1, :].sum(axis=-1))


def unweighted_average_recall(sums: Numbers) -> Floats:
    """(...) mean recall of the classes that occur in the truth (balanced accuracy)."""
    occurs = sums[..., 1, :] > 0
    return _share((recall(sums) * occurs).sum(axis=-1), occurs.sum(axis=-1))


def chance(support: Numbers) -> Floats:
    """support (C,) frames of each class -> (3, C) the sums to be expected of guessing each class equally often.

    macro_f1 of it is the limit for many frames of the macro-F1 of uniform random guessing: with class share p and C
    classes the F1 of a class is 2 (p / C) / (p + 1 / C).
    """
    classes = support.shape[-1]
    return np.stack([support / classes, support, np.full(classes, support.sum() / classes)])


def _share(part: Numbers, whole: Numbers) -> Floats:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
