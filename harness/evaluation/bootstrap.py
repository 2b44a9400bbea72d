"""95% intervals by a percentile bootstrap over clips.

Frames of one clip are nearly copies of each other, so clips are drawn with replacement, not frames (a cluster
bootstrap). A resample is a vector of how often each clip was drawn; times the counts per clip it gives the sums of
the resample, so that thousands of resamples are one matrix product, whatever the number of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats], Floats]
LEVEL = 0.95
CHUNK = 2**21  # numbers in memory at once: 16 MB of weights


def resampled(sums: NDArray[np.int64], resamples: int, seed: int) -> Iterator[Floats]:
    """(K, 3, C) sums per clip -> chunks (r, 3, C) of the sums of resamples, `resamples` rows in all.

    The same K, C and seed draw the same clips: two systems scored on the same clips are resampled alike.
    """
    clips = len(sums)
    rng = np.random.default_rng(seed)
    flat = sums.reshape(clips, -1).astype(np.float64)
    most = max(1, CHUNK // max(clips, flat.shape[1], 1))
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        yield (_weights(rng, rows, clips) @ flat).reshape(rows, *sums.shape[1:])


def intervals(
    sums: NDArray[np.int64], metrics: Mapping[str, Metric], resamples: int, seed: int
) -> dict[str, tuple[Floats, Floats]]:
    """(K, 3, C) sums per clip -> for each metric the lower and upper end of its percentile interval."""
    values: dict[str, list[Floats]] = {name: [] for name in metrics}
    for chunk in resampled(sums, resamples, seed):
        for name, metric in metrics.items():
            values[name].append(metric(chunk))
    ends = (100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2)
    found = {name: np.percentile(np.concatenate(chunks), ends, axis=0) for name, chunks in values.items()}
    return {name: (low, high) for name, (low, high) in found.items()}


def _weights(rng: np.random.Generator, rows: int, clips: int) -> Floats:
    """(rows, clips) how often each clip is drawn in `clips` draws; each row is a multinomial sample."""
    # counting uniform draws is some three times faster than Generator.multinomial, which draws one binomial a clip
    drawn = rng.integers(0, clips, (rows, clips))
    drawn += np.arange(rows)[:, None] * clips
    return np.bincount(drawn.ravel(), minlength=rows * clips).reshape(rows, clips).astype(np.float64)
