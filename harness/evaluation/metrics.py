"""Metrics as pure functions of sums (..., 3, C): hits, frames of the class, frames predicted as the class.

The leading axes are anything: one data set, clips, bootstrap resamples. A quotient with a denominator of 0 is 0, but
for kappa. Frames that are predicted as no class (frames of all classes less frames predicted as any) are one more
column of the confusion: that is all that kappa and Matthews need to know of it beside the sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Floats = NDArray[np.float64]


def precision(sums: Numbers) -> Floats:
    """(..., C) share of the frames predicted as a class that are of it."""
    return share(sums[..., 0, :], sums[..., 2, :])


def recall(sums: Numbers) -> Floats:
    """(..., C) share of the frames of a class that are predicted as it."""
    return share(sums[..., 0, :], sums[..., 1, :])


def f1(sums: Numbers) -> Floats:
    """(..., C) harmonic mean of precision and recall: 2 hits / (frames of the class + frames predicted as it)."""
    return share(*f1_parts(sums))


def f1_parts(sums: Numbers) -> tuple[Floats, Floats]:
    """Numerators and denominators (..., C) of the F1 of each class."""
    return 2 * sums[..., 0, :], sums[..., 1, :] + sums[..., 2, :]


def macro_f1(sums: Numbers) -> Floats:
    """(...) unweighted mean of the F1 of ALL classes of the label space, the metric of the ABAW challenge.

    A class that occurs neither in the truth nor among the predictions counts 0, and is not left out of the mean (as
    scikit-learn does with labels=range(C), zero_division=0).
    """
    return np.asarray(f1(sums).mean(axis=-1), np.float64)


def accuracy(sums: Numbers) -> Floats:
    """(...) share of the frames whose prediction is right."""
    above, below = accuracy_parts(sums)
    return share(above[..., 0], below[..., 0])


def accuracy_parts(sums: Numbers) -> tuple[Floats, Floats]:
    """Numerator and denominator (..., 1) of accuracy."""
    return sums[..., 0, :].sum(axis=-1, keepdims=True), sums[..., 1, :].sum(axis=-1, keepdims=True)


def unweighted_average_recall(sums: Numbers) -> Floats:
    """(...) mean recall of the classes that occur in the truth (balanced accuracy)."""
    occurs = sums[..., 1, :] > 0
    return share((recall(sums) * occurs).sum(axis=-1), occurs.sum(axis=-1))


def weighted_f1(sums: Numbers) -> Floats:
    """(...) mean of the F1 of the classes, each weighing as many frames as are of it."""
    frames = sums[..., 1, :]
    return share((f1(sums) * frames).sum(axis=-1), frames.sum(axis=-1))


def kappa(sums: Numbers) -> Floats:
    """(...) Cohen's kappa (1960) of predictions and truth: (p_o - p_e) / (1 - p_e), of the accuracy p_o and the share
    p_e of right ones to be expected of the same frequencies by chance; a frame without a prediction is never right.

    1 is perfect, 0 as by chance. NaN where truth and predictions are all of one same class, or there are no frames.
    """
    right, frames, _, expected = _chance_terms(sums)
    undefined = frames * frames - expected <= 0
    return np.where(undefined, np.nan, share(right * frames - expected, frames * frames - expected))


def matthews(sums: Numbers) -> Floats:
    """(...) Matthews correlation for many classes (Gorodkin 2004, R_K): covariance of truth and predictions over the
    root of the product of their variances, each the sum over the classes; 0 where either is all of one class."""
    right, frames, unanswered, expected = _chance_terms(sums)
    truth = frames * frames - (sums[..., 1, :] ** 2).sum(axis=-1)
    predicted = frames * frames - (sums[..., 2, :] ** 2).sum(axis=-1) - unanswered * unanswered
    return share(right * frames - expected, np.sqrt(truth) * np.sqrt(np.maximum(predicted, 0)))


def chance(support: Numbers) -> Floats:
    """support (C,) frames of each class -> (3, C) the sums to be expected of guessing each class equally often.

    macro_f1 of it is the limit for many frames of the macro-F1 of uniform random guessing: with class share p and C
    classes the F1 of a class is 2 (p / C) / (p + 1 / C).
    """
    classes = support.shape[-1]
    return np.stack([support / classes, support, np.full(classes, support.sum() / classes)])


def _chance_terms(sums: Numbers) -> tuple[Floats, Floats, Floats, Floats]:
    """Right frames, all frames, those without a prediction, and the sum over classes of truth times predictions."""
    hits, truth, predicted = np.moveaxis(np.asarray(sums, np.float64), -2, 0)
    frames = truth.sum(axis=-1)
    return hits.sum(axis=-1), frames, frames - predicted.sum(axis=-1), (truth * predicted).sum(axis=-1)


def share(part: Numbers, whole: Numbers) -> Floats:
    """part / whole, 0 where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
