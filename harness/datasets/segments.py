"""Time segments of an annotation, and the frames that lie in them.

A clip of rate r shows frame k from k / r seconds on. A segment is half-open: it holds the frames whose time stamp t
satisfies begin <= t < end, that is, k from ceil(begin * r) to ceil(end * r) - 1. Segments that touch share no frame, a
segment shorter than a frame may hold none. Computed with fractions: no rounding of floats moves a border.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)")
CANDIDATES = (Fraction(25), Fraction(30))


@dataclass(frozen=True)
class Segment:
    """From begin to before end (seconds): a class name, "" for none of the classes."""

    begin: Fraction
    end: Fraction
    label: str

    def __str__(self) -> str:
        return f"{clock(self.begin)}-{clock(self.end)} {self.label or 'other'}"


def seconds(text: str) -> Fraction:
    """ "hh:mm:ss.ms", "mm:ss.ms" or plain seconds, a decimal comma allowed; ValueError for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time")
    hours, minutes, rest = (Fraction((part or "0").replace(",", ".")) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def clock(time: Fraction) -> str:
    """Seconds as h:mm:ss.ms, rounded to the millisecond."""
    thousandths = round(time * 1000)
    whole, rest = divmod(thousandths, 1000)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{rest:03}"


def exact_rate(frames_per_second: float) -> Fraction:
    """A rate as a fraction; 29.97 and its like become n * 1000 / 1001, as video means them."""
    near = round(frames_per_second * 1.001) * Fraction(1000, 1001)
    if abs(float(near) - frames_per_second) < 5e-3 and not float(frames_per_second).is_integer():
        return near
    return Fraction(frames_per_second).limit_denominator(100_000)


def frames_in(segment: Segment, rate: Fraction) -> range:
    """The numbers (0-based) of the frames that a segment holds."""
    return range(math.ceil(segment.begin * rate), math.ceil(segment.end * rate))


def overlaps(segments: Iterable[Segment], rate: Fraction) -> list[tuple[Segment, Segment]]:
    """Pairs of segments that share a frame, earlier one first."""
    found = []
    longest: Segment | None = None
    for segment in sorted(segments, key=lambda one: (one.begin, one.end)):
        frames = frames_in(segment, rate)
        if longest is not None and frames and frames_in(longest, rate).stop > frames.start:
            found.append((longest, segment))
        if longest is None or segment.end > longest.end:
            longest = segment
    return found


def labels_of(segments: Iterable[Segment], rate: Fraction, frames: int | None) -> dict[int, str]:
    """frame -> label of segments that share no frame; frames from `frames` on are left out."""
    stop = math.inf if frames is None else frames
    return {frame: one.label for one in segments for frame in frames_in(one, rate) if frame < stop}


def frames_beyond(segments: Sequence[Segment], rate: Fraction, frames: int) -> int:
    """By how many frames the last annotated frame lies past the end of a clip; negative: before it."""
    return max((held.stop for one in segments if (held := frames_in(one, rate))), default=0) - frames


@dataclass(frozen=True)
class Inferred:
    """A frame rate found without a video; doubtful: a lower candidate fits, too, and the annotation ends before the
    clip does at either, so that nothing but the rule speaks for the higher one."""

    rate: Fraction
    doubtful: bool = False


def infer_rate(end: Fraction, frames: int, slack: int, candidates: Sequence[Fraction] = CANDIDATES) -> Inferred | None:
    """The highest of the candidate rates at which an annotation that ends at `end` (seconds) stays within `frames`
    frames, `slack` more allowed; None if it does not even at the lowest.

    An annotation covers its clip about to the end, and can hardly go beyond: of two rates that fit, the higher one
    leaves less of the clip without annotation.
    """
    last = Segment(Fraction(0), end, "")
    beyond = {rate: frames_beyond([last], rate, frames) for rate in candidates}
    fitting = [rate for rate in candidates if beyond[rate] <= slack]
    if not fitting:
        return None
    return Inferred(max(fitting), doubtful=len(fitting) > 1 and beyond[max(fitting)] < -slack)


Timeline = Mapping[str, Sequence[Segment]]  # clip -> its segments
