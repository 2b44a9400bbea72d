"""Resamples of one system, or of several seeds of it: a metric's value and standard error in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.evaluation.bootstrap import Floats, Units, draws
from harness.evaluation.ratios import Ratios


@dataclass(frozen=True)
class Resamples:
    """R resamples of S seeds.

    weights: for each seed (R, U), how often each unit is drawn, one and the same array where these are the same
    clusters; shares (R, S): what each seed counts for in the mean over the seeds.
    """

    drawn: Sequence[Units]
    weights: Sequence[Floats]
    shares: Floats

    @cached_property
    def totals(self) -> list[Floats]:
        """(R, 3, C) sums, for each seed."""
        found = []
        for one, weights in zip(self.drawn, self.weights, strict=True):
            flat = one.sums.reshape(len(one.sums), -1).astype(np.float64)
            found.append((weights @ flat).reshape(len(weights), *one.sums.shape[1:]))
        return found

    def values(self, metric: Ratios) -> Floats:
        """(R,) or (R, G) the metric, averaged over the seeds."""
        found = [_times(share, metric(total)) for share, total in zip(self.shares.T, self.totals, strict=True)]
        return np.asarray(np.sum(found, axis=0))

    def variances(self, metric: Ratios) -> Floats:
        """(R,) or (R, G) squared standard errors of the metric over the units, to first order."""
        units = [one.sums.astype(np.float64) for one in self.drawn]
        of_seeds = [metric.influences(total, own) for total, own in zip(self.totals, units, strict=True)]
        found = [self._variance(steps) for steps in zip(*of_seeds, strict=True)]
        return found[0] if metric.mean else np.stack(found, axis=-1)

    def _variance(self, steps: Sequence[Floats]) -> Floats:
        shared = [_times(share, step) for share, step in zip(self.shares.T, steps, strict=True)]
        if all(weights is self.weights[0] for weights in self.weights):
            return _weighted_squares(self.weights[0], np.sum(shared, axis=0) if len(shared) > 1 else shared[0])
        # other units for each seed: their variances add up
        apart = [_weighted_squares(weights, steps) for weights, steps in zip(self.weights, shared, strict=True)]
        return np.asarray(np.sum(apart, axis=0))


def whole(drawn: Sequence[Units]) -> Resamples:
    """The sample itself as the one resample."""
    weights = [one.many[None].astype(np.float64) for one in drawn]
    same = [weights[0]] * len(drawn) if same_units(drawn) else weights
    return Resamples(drawn, same, np.full((1, len(drawn)), 1 / len(drawn)))


def resamples_of(drawn: Sequence[Units], resamples: int, seed: int) -> Iterator[Resamples]:
    """Chunks of resamples. Clips and subjects are drawn alike for all seeds, frames for each seed on its own; of S > 1
    seeds S - 1 are drawn with replacement, which makes the variance between them unbiased (Rao and Wu 1988)."""
    shares = _shares(len(drawn), resamples, seed)
    start = 0
    for weights in _weights(drawn, resamples, seed):
        rows = len(weights[0])
        yield Resamples(drawn, weights, shares[start : start + rows])
        start += rows


def same_units(drawn: Sequence[Units]) -> bool:
    """Whether the units of all seeds are the same clips or subjects, each one of its kind."""
    return all((one.many == 1).all() for one in drawn)


def _weights(drawn: Sequence[Units], resamples: int, seed: int) -> Iterator[list[Floats]]:
    if same_units(drawn):
        for weights in draws(drawn[0].many, resamples, seed):
            yield [weights] * len(drawn)
    else:
        streams = [draws(one.many, resamples, [seed, number]) for number, one in enumerate(drawn)]
        yield from map(list, zip(*streams, strict=True))


def _shares(seeds: int, resamples: int, seed: int) -> Floats:
    if seeds == 1:
        return np.ones((resamples, 1))
    drawn = np.random.default_rng([seed, seeds]).multinomial(seeds - 1, np.full(seeds, 1 / seeds), resamples)
    return drawn / (seeds - 1)


def _times(share: Floats, values: Floats) -> Floats:
    """share (R,) times values (R, ...)."""
    return values if (share == 1).all() else share.reshape(-1, *[1] * (values.ndim - 1)) * values


def _weighted_squares(weights: Floats, steps: Floats) -> Floats:
    return np.asarray(np.einsum("ru,ru,ru->r", weights, steps, steps))
