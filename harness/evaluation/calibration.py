"""What probabilities are worth: bins of confidence, from which scores.Calibration has its error and Brier score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.scores import Calibration

BINS = 15
TOLERANCE = 1e-3  # of probabilities in 16-bit arithmetic


def calibration(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], truth: NDArray[np.int64]
) -> Calibration | None:
    """Bins and Brier sum of the frames that have both a label and a truth.

    probabilities (M, C), labels and truth (M,) class ids, -1 none. The confidence is the probability of the label, in
    15 bins of equal width, the lower end in and the upper out but for the last. None without such a frame, or where
    none of them has probabilities (rows of NaN). DataError if some are not probabilities.
    """
    answered = np.flatnonzero((labels >= 0) & (truth >= 0))
    rows = probabilities[answered].astype(np.float64)
    if not len(rows) or np.isnan(rows).all():
        return None
    _check(rows)
    label, true = labels[answered], truth[answered]
    confidence = np.clip(rows[np.arange(len(rows)), label], 0, 1)
    which = np.minimum(np.searchsorted(np.linspace(0, 1, BINS + 1), confidence, side="right") - 1, BINS - 1)
    frames = np.bincount(which, minlength=BINS)
    sums = np.bincount(which, weights=confidence, minlength=BINS)
    right = np.bincount(which[label == true], minlength=BINS)
    rows[np.arange(len(rows)), true] -= 1
    bins = list(zip(frames.tolist(), sums.tolist(), right.tolist(), strict=True))
    return Calibration(bins=bins, brier=float((rows * rows).sum()), frames=len(rows))


def pooled(found: list[Calibration]) -> Calibration:
    """The frames of several of them together."""
    columns = zip(*(one.bins for one in found), strict=True)
    bins = [(sum(row[0] for row in same), sum(row[1] for row in same), sum(row[2] for row in same)) for same in columns]
    return Calibration(bins=bins, brier=sum(one.brier for one in found), frames=sum(one.frames for one in found))


def _check(rows: NDArray[np.float64]) -> None:
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"the probabilities of {int(bad.sum())} of {len(rows)} labelled frames hold NaN or infinity; compute them "
            "again, or give a face without probabilities no label"
        )
    low, high = rows.min(), rows.max()
    if low < -TOLERANCE or high > 1 + TOLERANCE or np.abs(rows.sum(axis=1) - 1).max() > len(rows[0]) * TOLERANCE:
        raise DataError(
            f"probabilities are not shares that sum to 1 (they lie between {low:.3g} and {high:.3g}); "
            "give a softmax's output, not scores"
        )
