"""Frames without a face take that of the closest frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def closest(found: NDArray[np.bool_]) -> NDArray[np.int64]:
    """found (N,), whether each frame has a face -> (N,) number of the nearest frame that has one, ties to the earlier.

    All -1 if no frame has one.
    """
    frames = np.arange(len(found))
    places = np.flatnonzero(found)
    if not len(places):
        return np.full(len(found), -1, np.int64)
    after = np.searchsorted(places, frames)
    following = places[np.minimum(after, len(places) - 1)]
    earlier = places[np.maximum(after - 1, 0)]
    return np.where(np.abs(frames - earlier) <= np.abs(following - frames), earlier, following).astype(np.int64)
