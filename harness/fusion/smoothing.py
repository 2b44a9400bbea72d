"""Smoothing of class probabilities over the frames of one clip: box or Gaussian, by normalised convolution.

Normalised convolution (Knutsson and Westin 1993): the signal, with absent frames as 0, and its mask of present frames
are convolved with the same kernel and divided. Absent frames and the frames beyond a clip's ends so weigh nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.fusion.options import Smoothing

Floats = NDArray[np.floating]
# Smoothed probabilities this close are tied: float32 shares such as 3/5 are not exact, and their sums less so.
TIED = 1e-6


def kernel(settings: Smoothing) -> NDArray[np.float64]:
    """Weights of 2 r + 1 frames, the middle one for the frame itself; a Gaussian is cut at 4 sigma."""
    match settings.kind:
        case "none":
            return np.ones(1)
        case "box":
            return np.ones(settings.window)
        case "gaussian":
            radius = int(4 * settings.sigma + 0.5)
            weights: NDArray[np.float64] = np.exp(-0.5 * (np.arange(-radius, radius + 1) / settings.sigma) ** 2)
            return weights


def smooth(probabilities: Floats, weights: NDArray[np.float64], fill: bool = False) -> NDArray[np.float64]:
    """(F, C) probabilities of one clip in frame order, rows of NaN where absent -> (F, C) smoothed.

    weights: 2 r + 1 of them. Rows that summed to 1 still do. Absent rows stay NaN; with `fill` they take the value of
    the present frames within r, if there are any.
    """
    present = _present(probabilities)
    signal = np.where(present[:, None], probabilities, 0).astype(np.float64)
    total = _convolve(present.astype(np.float64), weights)
    sums = np.stack([_convolve(column, weights) for column in signal.T], axis=1)
    answered = (present | fill) & (total > 0)
    smoothed = np.full(sums.shape, np.nan)
    np.divide(sums, total[:, None], out=smoothed, where=answered[:, None])
    return smoothed


def relabel(smoothed: Floats, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F, C) smoothed probabilities and (F,) labels before -> (F,) labels after, -1 for rows of NaN.

    The most probable class; on a tie the label before if it is among the tied classes, or else the lowest id.
    """
    answered = _present(smoothed)
    scores = np.where(answered[:, None], smoothed, -1)
    tied = scores >= scores.max(axis=1, keepdims=True) - TIED
    keeps = (labels >= 0) & tied[np.arange(len(labels)), np.maximum(labels, 0)]
    return np.where(answered, np.where(keeps, labels, tied.argmax(axis=1)), -1)


def _present(rows: Floats) -> NDArray[np.bool_]:
    return ~np.asarray(np.isnan(rows).any(axis=1), np.bool_)


def _convolve(signal: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(signal):
        return signal
    radius = len(weights) // 2
    return np.convolve(signal, weights)[radius : radius + len(signal)]
