"""From the frames that were decoded to the frames that a list asks for.

Decoders disagree by one frame: of 56 challenge videos plain decoding gives one frame too few for eleven, one too many
for four. The last prediction is repeated there, or dropped, and told; a larger difference is another video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError, listed
from harness.fusion.gaps import closest_label

Labels = NDArray[np.int64]
SLACK = 1  # frames


@dataclass(frozen=True)
class Fitted:
    """labels: clip -> class ids, in the list's order. Clips whose last frame was repeated or dropped; filled: clip ->
    how many frames took the label of the nearest one that has any."""

    labels: Mapping[str, Labels]
    repeated: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    filled: Mapping[str, int] = field(default_factory=dict)


def fit(decided: Mapping[str, Labels], counts: Mapping[str, int] | None, *, fill: bool = False) -> Fitted:
    """decided: clip -> (F,) class ids of its decoded frames, -1 for none; counts: clip -> frames that are asked for, in
    the order of the file, or None for those that were decoded.

    DataError if the clips are not the list's, if a length differs by more than one frame, or for frames without a
    prediction, unless they are to be filled from the nearest frame.
    """
    counts = {clip: len(ids) for clip, ids in decided.items()} if counts is None else counts
    _same_clips(decided, counts)
    _same_lengths(decided, counts)
    filled = _missing(decided, fill)
    labels = {clip: closest_label(decided[clip])[:count] for clip, count in counts.items()}
    repeated = [clip for clip, count in counts.items() if count > len(decided[clip])]
    dropped = [clip for clip, count in counts.items() if count < len(decided[clip])]
    for clip in repeated:
        labels[clip] = np.pad(labels[clip], (0, counts[clip] - len(labels[clip])), mode="edge")
    return Fitted(labels, repeated, dropped, filled)


def _same_clips(decided: Mapping[str, Labels], counts: Mapping[str, int]) -> None:
    absent = [clip for clip in counts if clip not in decided]
    strange = [clip for clip in decided if clip not in counts]
    parts = [f"{len(absent)} of the list's {len(counts)} are not in the run: {listed(absent)}"] if absent else []
    parts += [f"{len(strange)} of the run's {len(decided)} are not in the list: {listed(strange)}"] if strange else []
    if parts:
        raise DataError(f"the run's clips are not those of the frame list: {'; '.join(parts)}")


def _same_lengths(decided: Mapping[str, Labels], counts: Mapping[str, int]) -> None:
    other = [clip for clip, count in counts.items() if abs(count - len(decided[clip])) > SLACK]
    if other:
        named = listed(f"{clip} ({len(decided[clip])} decoded, {counts[clip]} listed)" for clip in other)
        raise DataError(
            f"the lengths of {_clips(len(other))} differ from the frame list's by more than one frame: {named}; are "
            "these the videos of the list, and whole?"
        )


def _missing(decided: Mapping[str, Labels], fill: bool) -> dict[str, int]:
    """clip -> frames without a prediction."""
    missing = {clip: int((ids < 0).sum()) for clip, ids in decided.items() if (ids < 0).any()}
    empty = [clip for clip, ids in decided.items() if not (ids >= 0).any()]
    if empty:
        raise DataError(f"no frame of {_clips(len(empty))} has a prediction: {listed(empty)}")
    if missing and not fill:
        named = listed(f"{clip} ({count})" for clip, count in missing.items())
        raise DataError(
            f"{sum(missing.values())} frames of {_clips(len(missing))} have no prediction, and the challenge wants one "
            f"for every frame: {named}; give them the nearest frame's with --fill, or smooth with fusion.smoothing.fill"
        )
    return missing


def _clips(count: int) -> str:
    return f"{count} clip{'' if count == 1 else 's'}"
