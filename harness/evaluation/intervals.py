"""95% intervals of metrics from resamples of clusters, of one system or of the mean over several seeds of it.

Three ways to read the ends off the resamples (Efron and Tibshirani 1993, chapters 12 to 14):

* percentile: the 2.5% and 97.5% quantiles of the resampled metric.
* bca: the quantiles are moved for bias (the share of resamples below the estimate) and acceleration (the skewness of
  the metric with each cluster left out).
* studentised (symmetric bootstrap-t; Hall 1988, "On symmetric bootstrap confidence intervals"): the 95% quantile of
  |resampled - estimate| / standard error of the resample, times the standard error of the estimate, to both sides of
  the estimate; each error by linearisation over the clusters (evaluation.ratios).

Where each of some 50 clips shows one or two of seven classes, a class rests on some eight clips. Macro-F1 is then too
low on average, in a resample more so than in the sample, and resamples spread too little: percentile and bca intervals
lie too low and are too narrow. A resample that lost a class counts 0 for it, as the metric does; with few clips that
makes studentised intervals wide, and percentile ones lie lower still. How often each kind holds the truth is in
benchmarks/test_coverage.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np

from harness.errors import DataError
from harness.evaluation.bootstrap import LEVEL, Floats, Units
from harness.evaluation.ratios import Ratios
from harness.evaluation.resampling import Resamples, resamples_of, whole

Method = Literal["percentile", "bca", "studentised"]
Ends = tuple[Floats, Floats]
NORMAL = NormalDist()
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
ROUNDING = 1e-9  # standard errors of metrics in [0, 1] below this are of clusters that all agree


def intervals(
    drawn: Sequence[Units], metrics: Mapping[str, Ratios], resamples: int, seed: int, method: Method = "percentile"
) -> dict[str, Ends]:
    """For each metric the lower and upper end of its interval, of shape () or (G,).

    drawn: the units of each of S seeds of one system; with S > 1 the interval is that of the mean over the seeds, see
    resampling.resamples_of. DataError for seeds that were scored on different clips.
    """
    if len({one.sums.shape for one in drawn}) > 1:
        raise DataError("the seeds of one system were scored on different clips; score them again")
    values: dict[str, list[Floats]] = {name: [] for name in metrics}
    variances: dict[str, list[Floats]] = {name: [] for name in metrics}
    for chunk in resamples_of(drawn, resamples, seed):
        for name, metric in metrics.items():
            values[name].append(chunk.values(metric))
            if method == "studentised":
                variances[name].append(chunk.variances(metric))
    sample = whole(drawn)
    found = {}
    for name, metric in metrics.items():
        resampled, estimate = np.concatenate(values[name]), sample.values(metric)[0]
        if method == "percentile":
            low, high = np.quantile(resampled, TAILS, axis=0)
        elif method == "bca":
            low, high = _corrected(resampled, estimate, _acceleration(sample, metric))
        else:
            # seeds are too few to estimate their variance anew in every resample: that of the sample is held
            between = _between_seeds(sample, metric)
            errors = np.sqrt(np.concatenate(variances[name]) + between)
            low, high = _studentised(resampled, errors, estimate, np.sqrt(sample.variances(metric)[0] + between))
        found[name] = np.asarray(low), np.asarray(high)
    return found


def _corrected(resampled: Floats, estimate: Floats, acceleration: Floats) -> Ends:
    """BCa: resampled (R, ...), estimate and acceleration (...) -> ends (...) (Efron 1987, "Better bootstrap confidence
    intervals")."""
    # a resample that equals the estimate counts half; a share of 0 or 1 would be an infinite bias
    most = len(resampled)
    shares = ((resampled < estimate).sum(axis=0) + (resampled <= estimate).sum(axis=0)) / (2 * most)
    bias = _normal(NORMAL.inv_cdf, np.clip(shares, 0.5 / most, 1 - 0.5 / most))
    ends = []
    for tail in TAILS:
        moved = bias + NORMAL.inv_cdf(tail)
        levels = _normal(NORMAL.cdf, bias + moved / (1 - acceleration * moved))
        ends.append(_quantiles(resampled, levels))
    return ends[0], ends[1]


def _acceleration(sample: Resamples, metric: Ratios) -> Floats:
    """A sixth of the skewness of the metric over the samples with one cluster left out (the jackknife); 0 where leaving
    none of them out changes it."""
    drawn = sample.drawn[0]
    left_out = [metric(total - one.sums) for total, one in zip(sample.totals, sample.drawn, strict=True)]
    values = np.mean(left_out, axis=0)
    many = drawn.many.reshape(-1, *[1] * (values.ndim - 1))
    steps = (many * values).sum(axis=0) / len(drawn) - values
    third, second = (many * steps**3).sum(axis=0), (many * steps**2).sum(axis=0)
    agree = second < ROUNDING**2
    return np.where(agree, 0.0, third / (6 * np.where(agree, 1.0, second) ** 1.5))


def _studentised(resampled: Floats, errors: Floats, estimate: Floats, error: Floats) -> Ends:
    """Symmetric bootstrap-t: resampled and their standard errors (R, ...), estimate and its error (...) -> ends (...),
    within [0, 1]."""
    apart = np.abs(resampled - estimate)
    exact = errors < ROUNDING  # every cluster drawn agrees: equal to the estimate, or infinitely many errors from it
    ratios = np.where(exact, np.where(apart < ROUNDING, 0.0, np.inf), apart / np.where(exact, 1.0, errors))
    most = np.quantile(ratios, LEVEL, axis=0, method="inverted_cdf")
    certain = error < ROUNDING
    width = np.where(certain, 0.0, most * np.where(certain, 1.0, error))
    return np.clip(estimate - width, 0, 1), np.clip(estimate + width, 0, 1)


def _between_seeds(sample: Resamples, metric: Ratios) -> Floats:
    """The variance of the mean over the seeds as far as it is due to the seeds."""
    of_seeds = np.stack([metric(total)[0] for total in sample.totals])
    seeds = len(of_seeds)
    return of_seeds.var(axis=0, ddof=1) / seeds if seeds > 1 else np.zeros(of_seeds.shape[1:])


def _normal(function: Callable[[float], float], values: Floats) -> Floats:
    return np.reshape([function(value) for value in np.ravel(values).tolist()], np.shape(values))


def _quantiles(resampled: Floats, levels: Floats) -> Floats:
    """resampled (R, ...) and a level of each column (...) -> (...)."""
    columns = resampled.reshape(len(resampled), -1).T
    found = [np.quantile(column, level) for column, level in zip(columns, np.ravel(levels), strict=True)]
    return np.reshape(found, np.shape(levels))
