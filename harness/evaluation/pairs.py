"""Two systems on the same clips: their difference, how sure it is, and what difference could have been found.

Whatever is drawn, swapped or left out is a clip, with all its frames and for both systems at once: what makes a clip
hard makes it hard for both, and cancels. sums of a system are (K, 3, C) per clip (Counts.sums), or (S, K, 3, C) of S
seeds, whose metrics are averaged; where both systems have S seeds, seeds are drawn in pairs, else apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation import metrics, student
from harness.evaluation.bootstrap import CHUNK, LEVEL, Floats, draws

Sums = NDArray[np.int64]
Metric = Callable[[Floats], Floats]
METRICS: Mapping[str, Metric] = {
    "macro_f1": metrics.macro_f1,
    "accuracy": metrics.accuracy,
    "unweighted_average_recall": metrics.unweighted_average_recall,
    "f1": metrics.f1,
}
ENUMERATED = 15  # clips on which systems differ: up to 2^14 ways to swap them are all gone through
ROUNDING = 1e-12
POWER = 0.8
PERCENTILES = (100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2)


@dataclass(frozen=True)
class Difference:
    """Of one metric, first minus second; arrays of shape (), or (C,) of a metric a class.

    error: standard error by the jackknife over clips; low, high: the 95% interval that it gives with Student's t,
    and student: its two-sided p; detectable: the least difference that is found with probability 80%. drawn_low,
    drawn_high: percentile interval of the bootstrap, which is too narrow with few clips; bootstrap: its two-sided
    p, likewise too small. permutation: two-sided p of swapping clips, NaN where the systems have unlike numbers of
    seeds; exact: every way to swap was gone through.
    """

    first: Floats
    second: Floats
    difference: Floats
    error: Floats
    low: Floats
    high: Floats
    student: Floats
    detectable: Floats
    drawn_low: Floats
    drawn_high: Floats
    bootstrap: Floats
    permutation: Floats
    exact: bool


def compare(
    first: Sums, second: Sums, of: Mapping[str, Metric] = METRICS, *, resamples: int = 10_000, seed: int = 0
) -> dict[str, Difference]:
    """The difference of each metric between two systems; DataError for other clips or classes, or one clip only."""
    one, other = _checked(first, second)
    drawn = bootstrap(one, other, of, resamples, seed)
    swapped, exact = permutation(one, other, of, resamples, seed)
    errors = standard_error(one, other, of)
    found = {}
    for name, metric in of.items():
        values = [np.asarray(metric(system.sum(axis=1)).mean(axis=0), np.float64) for system in (one, other)]
        difference, freedom = values[0] - values[1], one.shape[1] - 1
        margin = student.critical(1 - LEVEL, freedom) * errors[name]
        ends = np.percentile(drawn[name], PERCENTILES, axis=0)
        found[name] = Difference(
            first=values[0],
            second=values[1],
            difference=difference,
            error=errors[name],
            low=difference - margin,
            high=difference + margin,
            student=student.two_sided(student.t_of(difference, errors[name]), freedom),
            detectable=detectable(errors[name]),
            drawn_low=ends[0],
            drawn_high=ends[1],
            bootstrap=two_sided(drawn[name]),
            permutation=swapped[name],
            exact=exact,
        )
    return found


def bootstrap(first: Sums, second: Sums, of: Mapping[str, Metric], resamples: int, seed: int) -> dict[str, Floats]:
    """(R, ...) differences of each metric when clips, and seeds where there are several, are drawn anew for both."""
    one, other = _checked(first, second)
    rng = np.random.default_rng((seed, 1))
    parts: dict[str, list[Floats]] = {name: [] for name in of}
    for weights in draws(np.ones(one.shape[1], np.int64), resamples, seed):
        seeds = [_seeds(rng, len(weights), len(system)) for system in (one, other)]
        if len(one) == len(other):
            seeds[1] = seeds[0]
        sides = [_drawn(weights, system) for system in (one, other)]
        for name, metric in of.items():
            means = [_mean(metric(side), share) for side, share in zip(sides, seeds, strict=True)]
            parts[name].append(means[0] - means[1])
    return {name: np.concatenate(chunks) for name, chunks in parts.items()}


def two_sided(differences: Floats) -> Floats:
    """p (...) of no difference, from bootstrapped ones (R, ...): twice the smaller share on either side of 0.

    The difference at hand counts as one more on its side, so that p is never 0; a difference of 0 is on both sides.
    """
    below = (differences <= ROUNDING).sum(axis=0)
    above = (differences >= -ROUNDING).sum(axis=0)
    return np.asarray(np.minimum(2 * (1 + np.minimum(below, above)) / (1 + len(differences)), 1.0), np.float64)


def permutation(
    first: Sums, second: Sums, of: Mapping[str, Metric], permutations: int, seed: int
) -> tuple[dict[str, Floats], bool]:
    """Two-sided p of each metric when the systems are swapped clip by clip, and whether every way was gone through.

    If nothing but chance decided which of the two did which clip that way, every swap is as likely as what was seen;
    p is the share of swaps with a difference as large. Exact for up to 15 clips on which they differ; else from random
    swaps, what was seen counting as one of them (Phipson and Smyth 2010). NaN for unlike numbers of seeds, which cannot
    be swapped.
    """
    one, other = _checked(first, second)
    if len(one) != len(other):
        return {name: np.full(metric(one[0, 0]).shape, np.nan) for name, metric in of.items()}, False
    differ = (one != other).any(axis=(0, 2, 3))
    exact = int(differ.sum()) <= ENUMERATED
    total, apart = one.sum(axis=1) + other.sum(axis=1), (one - other)[:, differ].astype(np.float64)
    as_large = {name: np.zeros(metric(one[0, 0]).shape, np.int64) for name, metric in of.items()}
    seen = {name: np.abs(_apart(metric, total, apart.sum(axis=1))) for name, metric in of.items()}
    count = 0
    for signs in _signs(apart.shape[1], permutations, seed, exact, apart[:, 0].size if differ.any() else 1):
        swapped = np.tensordot(signs, apart, (1, 1))
        count += len(signs)
        for name, metric in of.items():
            found = np.abs(_apart(metric, total, swapped))
            as_large[name] += (found >= seen[name] - ROUNDING).sum(axis=0)
    more = 0 if exact else 1
    return {name: (number + more) / (count + more) for name, number in as_large.items()}, exact


def standard_error(first: Sums, second: Sums, of: Mapping[str, Metric]) -> dict[str, Floats]:
    """Of each metric's difference (...), by leaving out clip after clip (the jackknife over clusters), and from the
    variance over seeds where there are several."""
    one, other = _checked(first, second)
    clips = one.shape[1]
    found = {}
    for name, metric in of.items():
        without = [metric(system.sum(axis=1, keepdims=True) - system) for system in (one, other)]
        moves = without[0].mean(axis=0) - without[1].mean(axis=0)
        whole = [metric(system.sum(axis=1)) for system in (one, other)]
        # (K - 1) / K times the sum of squares is (K - 1) times their mean
        found[name] = np.sqrt((clips - 1) * moves.var(axis=0) + _of_seeds(*whole))
    return found


def detectable(error: Floats, alpha: float = 1 - LEVEL, power: float = POWER) -> Floats:
    """The least difference that a two-sided test at alpha finds with probability `power`, from its standard error:
    (z of 1 - alpha / 2, and z of the power) times the error."""
    normal = NormalDist()
    return np.asarray(error * (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)), np.float64)


def _checked(first: Sums, second: Sums) -> tuple[Sums, Sums]:
    """Both as (S, K, 3, C)."""
    sides = [sums[None] if sums.ndim == 3 else sums for sums in (first, second)]
    shapes = [side.shape for side in sides]
    if any(len(shape) != 4 or shape[2] != 3 or not shape[0] for shape in shapes) or shapes[0][1:] != shapes[1][1:]:
        raise DataError(
            f"sums of shapes {first.shape} and {second.shape} cannot be paired: expected (clips, 3, classes), or "
            "(seeds, clips, 3, classes), of the same clips and classes"
        )
    if shapes[0][1] < 2:
        raise DataError("one clip is one observation, however many frames it has: no difference can be tested on it")
    return sides[0], sides[1]


def _drawn(weights: Floats, sums: Sums) -> Floats:
    """weights (r, K), sums (S, K, 3, C) -> (r, S, 3, C)"""
    return np.asarray(np.tensordot(weights, sums.astype(np.float64), (1, 1)), np.float64)


def _seeds(rng: np.random.Generator, rows: int, seeds: int) -> Floats:
    """(r, S) what share of the draws each seed has."""
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), rows) / seeds


def _mean(values: Floats, shares: Floats) -> Floats:
    """values (r, S, ...), shares (r, S) -> (r, ...)"""
    return np.asarray(np.einsum("rs...,rs->r...", values, shares), np.float64)


def _of_seeds(first: Floats, second: Floats) -> Floats:
    """Variance of the difference of means over seeds, (S, ...) and (T, ...) -> (...)."""
    if len(first) == len(second):
        return np.asarray(_variance(first - second), np.float64)
    return np.asarray(_variance(first) + _variance(second), np.float64)


def _variance(values: Floats) -> Floats:
    if len(values) < 2:
        return np.zeros(values.shape[1:])
    return np.asarray(values.var(axis=0, ddof=1) / len(values), np.float64)


def _apart(metric: Metric, total: Sums, difference: Floats) -> Floats:
    """The difference (...) of a metric, from both systems' sums together (S, 3, C) and apart, (..., S, 3, C)."""
    one, other = metric((total + difference) / 2), metric((total - difference) / 2)
    axis = difference.ndim - 3
    return np.asarray((one - other).mean(axis=axis), np.float64)


def _signs(clips: int, permutations: int, seed: int, exact: bool, width: int) -> Iterator[Floats]:
    """Chunks (r, clips) of +1 and -1: random ones, or all with the last at +1, as swapping all changes no size."""
    rows = max(1, CHUNK // max(clips, width))
    if exact:
        ways = np.arange(2 ** max(clips - 1, 0))
        for start in range(0, len(ways), rows):
            bits = ways[start : start + rows, None] >> np.arange(clips) & 1
            yield np.where(bits, -1.0, 1.0)
        return
    rng = np.random.default_rng((seed, 2))
    for start in range(0, permutations, rows):
        yield np.where(rng.random((min(rows, permutations - start), clips)) < 0.5, -1.0, 1.0)
