"""Which of the distinct faces are labelled."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, nearest
from harness.labeling.changes import Crops, changed

RULES = ("all", "every", "per-clip", "changes")


def sample_faces(
    clips: Sequence[str] | NDArray[Any], frames: NDArray[np.integer], sample: Mapping[str, Any],
    crops: Crops | None = None,
) -> NDArray[np.bool_]:  # fmt: skip
    """Which of N distinct faces are labelled: (N,) bool. clips (N,): names; frames (N,): their frames, 0-based.

    sample: {"rule": "all"}; {"rule": "every", "every": k}: of each clip its faces 0, k, 2k, ... in the order of frames;
    {"rule": "per-clip", "per_clip": n, "seed": s}: of each clip one face from each of n equal stretches, all of them
    if it has no more than n; {"rule": "changes", "change": c}: of each clip the first face and then each whose crop
    differs by at least c in [0, 1] from the last one taken (see `changes`). What is drawn of a clip depends on the seed
    and the clip's id, not on the other clips.

    crops: needed by the rule "changes"; row numbers -> their small grey crops, in that order.
    """
    rule = sample.get("rule", "all")
    if rule not in RULES:
        raise ConfigError(f"sampling rule {rule!r} is not known{nearest(str(rule), RULES)}")
    chosen = np.zeros(len(clips), bool)
    if rule == "all":
        return ~chosen
    for clip, rows in _clips(clips, frames):
        match rule:
            case "every":
                chosen[rows[:: int(sample["every"])]] = True
            case "per-clip":
                chosen[rows[_spread(len(rows), int(sample["per_clip"]), int(sample.get("seed", 0)), clip)]] = True
            case "changes":
                if crops is None:
                    raise ConfigError("sampling rule 'changes' looks at the faces, and there are none to look at")
                chosen[rows] = np.fromiter(changed(crops(rows), float(sample["change"])), bool, len(rows))
    return chosen


def _clips(clips: Sequence[str] | NDArray[Any], frames: NDArray[np.integer]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each clip and its rows in the order of frames, the clips as they first appear."""
    ids: dict[str, int] = {}
    codes = np.fromiter((ids.setdefault(clip, len(ids)) for clip in clips), np.int64, len(clips))
    order = np.lexsort((np.asarray(frames), codes))
    ends = np.cumsum(np.bincount(codes, minlength=len(ids)))
    for clip, rows in zip(ids, np.split(order, ends)[:-1], strict=True):
        yield str(clip), rows


def _spread(count: int, wanted: int, seed: int, clip: str) -> NDArray[np.int64]:
    """Positions in 0..count-1, one drawn from each of `wanted` equal stretches; all if there are fewer."""
    if count <= wanted:
        return np.arange(count)
    edges = np.linspace(0, count, wanted + 1).astype(np.int64)
    random = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(clip.encode())])
    return random.integers(edges[:-1], edges[1:])
