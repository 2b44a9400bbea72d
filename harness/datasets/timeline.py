"""From the time segments of many clips to labels of frames, or one line that says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from harness.datasets.segments import Segment, Timeline, frames_beyond, labels_of, overlaps
from harness.datasets.wording import many
from harness.errors import DataError, listed

FrameLabels = dict[str, dict[int, str]]  # clip -> frame (0-based) -> class name, "" for none of the classes


@dataclass(frozen=True)
class Timing:
    """How long a clip is and how fast it runs; None where that is not known."""

    frames: int | None = None
    rate: Fraction | None = None


def label_frames(
    source: Path, timeline: Timeline, timings: Mapping[str, Timing], slack: int
) -> tuple[FrameLabels, list[str]]:
    """The labels of all frames that lie in a segment, and notices.

    DataError, naming up to ten culprits and their number: clips of unknown rate, segments that share a frame, clips
    whose annotation runs more than `slack` frames past their end. What runs past it by less is cut, with a notice.
    """
    rates = {clip: rate for clip in timeline if (rate := timings[clip].rate) is not None}
    unknown = [clip for clip in timeline if clip not in rates]
    if unknown:
        raise DataError(
            f"{source}: time segments need a frame rate, which is unknown of {_clips(unknown)}: set frames_per_second"
        )
    _refuse_overlaps(source, timeline, rates)
    beyond = {
        clip: over
        for clip, segments in timeline.items()
        if (frames := timings[clip].frames) is not None and (over := frames_beyond(segments, rates[clip], frames)) > 0
    }
    _refuse_too_long(source, timeline, timings, rates, {clip: by for clip, by in beyond.items() if by > slack})
    labels = {clip: labels_of(segments, rates[clip], timings[clip].frames) for clip, segments in timeline.items()}
    cut = [f"{clip} ({by})" for clip, by in beyond.items()]
    return labels, [f"annotated frames past the end of a clip are cut: {listed(cut)}"] if cut else []


def _refuse_overlaps(source: Path, timeline: Timeline, rates: Mapping[str, Fraction]) -> None:
    pairs = [
        f"{clip} {first} and {second}"
        for clip, segments in timeline.items()
        for first, second in overlaps(segments, rates[clip])
    ]
    if pairs:
        raise DataError(f"{source}: {many(len(pairs), 'overlap')} of time segments: {listed(pairs)}")


def _refuse_too_long(
    source: Path,
    timeline: Timeline,
    timings: Mapping[str, Timing],
    rates: Mapping[str, Fraction],
    beyond: Mapping[str, int],
) -> None:
    culprits = [
        f"{clip} (to {max(timeline[clip], key=_end)}, frame {frames + by} of {frames} at {float(rates[clip]):g}/s)"
        for clip, by in beyond.items()
        if (frames := timings[clip].frames) is not None
    ]
    if culprits:
        raise DataError(
            f"{source}: the annotation runs past the end of {many(len(culprits), 'clip')}: {listed(culprits)}; "
            "is it another video's, or is frames_per_second wrong?"
        )


def _end(segment: Segment) -> Fraction:
    return segment.end


def _clips(names: Sequence[str]) -> str:
    return f"{many(len(names), 'clip')} ({listed(names)})"
