"""Holm's correction: what is left of many p-values when all of them are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError


def holm(p: NDArray[Any]) -> NDArray[np.float64]:
    """Adjusted p-values (..., like p) of one family; NaN, a test that could not be made, stays and does not count.

    Holm (1979), "A simple sequentially rejective multiple test procedure": the i-th smallest of m is multiplied by
    m - i + 1, and none is less than the one before it. Rejecting what is at most alpha makes one false rejection or
    more with probability alpha at most, whatever the dependence between the tests. DataError for a p outside [0, 1].
    """
    values = np.asarray(p, np.float64)
    known = np.flatnonzero(~np.isnan(values))
    given = values.ravel()[known]
    if len(given) and not 0 <= given.min() <= given.max() <= 1:
        raise DataError(f"p-value {given.min() if given.min() < 0 else given.max()} does not lie between 0 and 1")
    order = np.argsort(given, kind="stable")
    factors = np.arange(len(given), 0, -1)
    adjusted = np.full(values.size, np.nan)
    adjusted[known[order]] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted.reshape(values.shape)
