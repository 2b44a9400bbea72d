"""Frames without a face: their probabilities by linear interpolation between the frames around them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Gaps = Literal["leave", "interpolate"]
Floats = NDArray[np.floating]


def interpolate(probabilities: Floats, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(F, C) probabilities of one clip in frame order, rows of NaN where absent -> (F, C) with the wanted ones filled.

    wanted (F,): absent rows to fill. Between two present rows linearly, so that rows that sum to 1 still do; before the
    first and after the last as those. Rows that are present or not wanted stay as they are; with none present, all.
    """
    filled = probabilities.astype(np.float64)
    present = ~np.isnan(filled).any(axis=1)
    anchors, gaps = np.flatnonzero(present), np.flatnonzero(wanted & ~present)
    if len(anchors) and len(gaps):
        filled[gaps] = np.stack([np.interp(gaps, anchors, column) for column in filled[anchors].T], axis=1)
    return filled


def closest_label(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F,) labels, -1 for none -> (F,) that of the closest frame that has one, the earlier of two; -1 if none has."""
    places, frames = np.flatnonzero(labels >= 0), np.arange(len(labels))
    if not len(places):
        return labels.copy()
    after = np.searchsorted(places, frames)
    later, earlier = places[np.minimum(after, len(places) - 1)], places[np.maximum(after - 1, 0)]
    nearest: NDArray[np.int64] = labels[np.where(np.abs(frames - earlier) <= np.abs(later - frames), earlier, later)]
    return nearest
