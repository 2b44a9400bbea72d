"""Which of the distinct faces are labelled."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, nearest

if TYPE_CHECKING:
    import pandas as pd

RULES = ("all", "every", "per-clip")


def sample_faces(faces: pd.DataFrame, sample: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which rows of `faces` (columns clip, frame; one row a distinct face) are labelled: (N,) bool.

    sample: {"rule": "all"}; {"rule": "every", "every": k}: of each clip its faces 0, k, 2k, ... in the order of frames;
    {"rule": "per-clip", "per_clip": n, "seed": s}: of each clip one face from each of n equal stretches, all of them
    if it has no more than n. What is drawn of a clip depends on the seed and the clip's id, not on the other clips.
    """
    rule = sample.get("rule", "all")
    if rule not in RULES:
        raise ConfigError(f"sampling rule {rule!r} is not known{nearest(str(rule), RULES)}")
    chosen = np.zeros(len(faces), bool)
    if rule == "all":
        return ~chosen
    clips = faces["clip"].to_numpy()
    frames = faces["frame"].to_numpy()
    for clip in dict.fromkeys(clips):
        rows = np.flatnonzero(clips == clip)
        rows = rows[np.argsort(frames[rows], kind="stable")]
        if rule == "every":
            chosen[rows[:: int(sample["every"])]] = True
        else:
            chosen[rows[_spread(len(rows), int(sample["per_clip"]), int(sample.get("seed", 0)), str(clip))]] = True
    return chosen


def _spread(count: int, wanted: int, seed: int, clip: str) -> NDArray[np.int64]:
    """Positions in 0..count-1, one drawn from each of `wanted` equal stretches; all if there are fewer."""
    if count <= wanted:
        return np.arange(count)
    edges = np.linspace(0, count, wanted + 1).astype(np.int64)
    random = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(clip.encode())])
    return random.integers(edges[:-1], edges[1:])
