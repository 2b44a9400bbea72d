"""Metrics made of ratios of sums, and how much each clip moves them (their linearisation)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.evaluation import metrics

Floats = NDArray[np.float64]
Numbers = NDArray[Any]


@dataclass(frozen=True)
class Ratios:
    """A metric of sums (..., 3, C): the mean of G ratios, shape (...), or each of them, (..., G).

    parts: sums -> numerators and denominators (..., G), linear in the sums.
    """

    parts: Callable[[Numbers], tuple[Floats, Floats]]
    mean: bool = True

    def __call__(self, sums: Numbers) -> Floats:
        ratios = metrics.share(*self.parts(sums))
        return np.asarray(ratios.mean(axis=-1), np.float64) if self.mean else ratios

    def influences(self, totals: Floats, units: Floats) -> Iterator[Floats]:
        """totals (R, 3, C), units (U, 3, C) -> (R, U) for the mean, or for each of the G ratios: what one more of each
        unit adds to the metric of those totals, to first order.

        The derivative of a / b along a unit of parts a', b' is (a' - a / b * b') / b. The sum of its squares over the
        units drawn is the metric's variance (the delta method; Särndal, Swensson, Wretman 1992, section 5.5).
        """
        above, below = self.parts(totals)
        ratios, inverse = metrics.share(above, below), metrics.share(np.ones_like(below), below)
        own_above, own_below = self.parts(units)
        if self.mean:
            yield (inverse @ own_above.T - (ratios * inverse) @ own_below.T) / inverse.shape[-1]
            return
        for one in range(inverse.shape[-1]):
            step = own_above[:, one] - ratios[:, one, None] * own_below[:, one]
            step *= inverse[:, one, None]
            yield step


MACRO_F1 = Ratios(metrics.f1_parts)
F1 = Ratios(metrics.f1_parts, mean=False)
ACCURACY = Ratios(metrics.accuracy_parts)
