"""Tail probabilities and quantiles of Student's t, for arrays, without scipy."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
POINTS = 4096  # of the curve that many values are read from
LEAST = 1e-300
EQUAL = 1e-12  # of a difference: what is less is rounding
STEPS = 10_000
TINY = 1e-300


def two_sided(t: NDArray[Any] | float, freedom: int) -> Floats:
    """P(|T| >= |t|) of Student's t with `freedom` >= 1 degrees of freedom, to 12 digits also far out in the tails.

    Many values are read from a curve of 4,096 points, to 4 digits or better; nothing is less than 1e-300.
    """
    sizes = np.abs(np.asarray(t, np.float64))
    finite = np.where(np.isfinite(sizes), sizes, 1.0)
    found = _exactly(finite, freedom) if sizes.size <= POINTS else _from_curve(finite, freedom)
    return np.where(np.isnan(sizes), np.nan, np.where(np.isinf(sizes), LEAST, found))


@functools.lru_cache(maxsize=256)
def critical(p: float, freedom: int) -> float:
    """The t that is exceeded on either side with probability p in (0, 1): two_sided(critical(p, n), n) = p."""
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > p:
        low, high = high, high * 2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > p else (low, middle)
    return high


def t_of(difference: NDArray[Any] | float, error: NDArray[Any] | float) -> Floats:
    """|difference| / standard error: 0 between equal values, infinite where only the error is 0."""
    size = np.abs(np.asarray(difference, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size < EQUAL, 0.0, size / error)


def _exactly(t: Floats, freedom: int) -> Floats:
    """The regularised incomplete beta function I_x(n / 2, 1 / 2) at x = n / (n + t^2)."""
    square = t * t
    x, rest = freedom / (freedom + square), square / (freedom + square)
    near = x > (freedom + 2) / (freedom + 5)  # there the fraction of the complement converges fast
    tail = _fraction(np.where(near, 0.5, x), np.where(near, 0.5, rest), freedom / 2, 0.5)
    centre = 1 - _fraction(np.where(near, rest, 0.5), np.where(near, x, 0.5), 0.5, freedom / 2)
    return np.asarray(np.clip(np.where(near, centre, tail), LEAST, 1.0), np.float64)


def _fraction(x: Floats, rest: Floats, a: float, b: float) -> Floats:
    """I_x(a, b), rest = 1 - x, by its continued fraction (Abramowitz and Stegun 26.5.8) in Lentz's form."""
    with np.errstate(divide="ignore"):
        scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * np.log(x) + b * np.log(rest)
    upper, lower, value = np.ones_like(x), np.zeros_like(x), np.ones_like(x)
    for step in range(STEPS):
        half = step // 2
        if step == 0:
            term = np.ones_like(x)
        elif step % 2:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        lower = 1 + term * lower
        lower = 1 / np.where(np.abs(lower) < TINY, TINY, lower)
        upper = 1 + term / upper
        upper = np.where(np.abs(upper) < TINY, TINY, upper)
        value = value * upper * lower
        if step > 2 and np.all(np.abs(upper * lower - 1) < 1e-14):
            break
    # Lentz's form cannot begin with 0, so that value is 1 + the fraction
    return np.asarray(np.exp(scale) / a * (value - 1), np.float64)


def _from_curve(t: Floats, freedom: int) -> Floats:
    # log p is close to a straight line over log t far out, and over t near the middle
    most = max(float(t.max()), 1.0)
    grid = np.concatenate([[0.0], np.geomspace(1e-3, most, POINTS)])
    return np.asarray(np.exp(np.interp(t, grid, np.log(_exactly(grid, freedom)))), np.float64)
