"""How long the clips of C-EXPR-DB are and how fast they run, from videos, frame list and annotation.

Length: the frame list's where there is one (that is what a submission must cover), else what the video's header says.
Rate: the option frames_per_second; else the video's header; else the rate, 25 or 30, that fits the annotation to the
number of frames (`segments.infer_rate`); else unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from harness.datasets.c_expr_annotations import Annotation
from harness.datasets.segments import CANDIDATES, Inferred, exact_rate, infer_rate
from harness.datasets.timeline import Timing
from harness.datasets.wording import many
from harness.errors import ConfigError, MediaError, listed
from harness.media import MediaInfo, probe


@dataclass
class Lengths:
    """Lengths and rates of the clips `names`.

    listed: the frame list's; ends: seconds at which a clip's annotation ends; rates: the option.
    """

    names: Sequence[str]
    videos: Mapping[str, Path]
    listed: Mapping[str, int] | None
    ends: Mapping[str, Fraction]
    rates: float | Mapping[str, float] | None
    slack: int

    def __post_init__(self) -> None:
        if isinstance(self.rates, Mapping):
            strangers = [name for name in self.rates if name not in self.names and name not in (self.listed or ())]
            if strangers:
                raise ConfigError(f"frames_per_second: no clip {listed(strangers)} (clips are {listed(self.names, 3)})")

    @cached_property
    def headers(self) -> dict[str, MediaInfo]:
        """What the videos' headers say, of those that can be read."""
        found = {}
        for name in self.names:
            if name in self.videos:
                try:
                    found[name] = probe(self.videos[name])
                except MediaError:
                    continue  # what decodes the video reports it
        return found

    @property
    def header_frames(self) -> dict[str, int]:
        """Frames of each video by its header, where that knows them."""
        return {name: one.frames for name, one in self.headers.items() if one.frames is not None}

    def frames(self, name: str) -> int | None:
        """Frames of a clip, by list or header."""
        if self.listed is not None and name in self.listed:
            return self.listed[name]
        header = self.headers.get(name)
        return None if header is None else header.frames

    def timing(self, name: str) -> Timing:
        """Length and rate of a clip, as far as they are known."""
        return Timing(self.frames(name), self._rate(name))

    def frames_per_second(self, name: str) -> float | None:
        """A clip's rate, or None."""
        rate = self._rate(name)
        return None if rate is None else float(rate)

    @property
    def notices(self) -> list[str]:
        """Which rates were inferred, and of which clips another one would have fitted, too."""
        if not self.inferred:
            return []
        groups = {
            rate: [name for name, one in self.inferred.items() if one.rate == rate] for rate in sorted(CANDIDATES)
        }
        rates = "; ".join(f"{int(rate)} for {many(len(names), 'clip')}" for rate, names in groups.items() if names)
        doubtful = [name for name, one in self.inferred.items() if one.doubtful]
        lines = [f"frame rates are inferred from the end of the annotation and the number of frames: {rates}"]
        if doubtful:
            lines.append(
                f"{int(min(CANDIDATES))} frames a second would fit {many(len(doubtful), 'clip')} as well as "
                f"{int(max(CANDIDATES))}, which is taken: {listed(doubtful)}; frames_per_second sets another"
            )
        return lines

    @cached_property
    def inferred(self) -> dict[str, Inferred]:
        """Rates found by annotation and number of frames, of clips that have no other."""
        found = {}
        for name, end in self.ends.items():
            frames = self.frames(name)
            if self._stated(name) is None and frames is not None:
                rate = infer_rate(end, frames, self.slack)
                # An annotation that does not fit the slowest rate is refused by what reads it.
                found[name] = rate or Inferred(min(CANDIDATES))
        return found

    def _rate(self, name: str) -> Fraction | None:
        stated = self._stated(name)
        if stated is not None or name not in self.inferred:
            return stated
        return self.inferred[name].rate

    def _stated(self, name: str) -> Fraction | None:
        option = self.rates.get(name) if isinstance(self.rates, Mapping) else self.rates
        if option is None and name in self.videos and (header := self.headers.get(name)) is not None:
            option = header.frames_per_second
        return None if option is None else exact_rate(option)


def missing_frames(listed_frames: Mapping[str, int], in_video: Mapping[str, int], slack: int) -> str:
    """What is wrong if a frame list names more frames than videos have, `slack` more allowed; "" if nothing is."""
    culprits = [
        f"{name} ({listed_frames[name]} listed, {frames} in the video)"
        for name, frames in in_video.items()
        if name in listed_frames and listed_frames[name] > frames + slack
    ]
    if not culprits:
        return ""
    return f"the frame list names frames beyond the end of {many(len(culprits), 'video')}: {listed(culprits)}"


def by_line_problems(path: Path, found: Annotation, timings: Mapping[str, Timing], slack: int) -> str:
    """What is wrong with labels by frame: more than the clip has frames, or not one line a frame; "" if nothing is."""
    culprits = []
    for name, labels in found.frames.items():
        frames = timings[name].frames
        if frames is None:
            continue
        if name in found.lines and abs(found.lines[name] - frames) > slack:
            culprits.append(f"{name} ({found.lines[name]} labels, {frames} frames)")
        elif name not in found.lines and labels and max(labels) >= frames + slack:
            culprits.append(f"{name} (frame {max(labels)} of {frames})")
    if not culprits:
        return ""
    return (
        f"{path}: the labels do not fit the length of {many(len(culprits), 'clip')}: "
        f"{listed(culprits)}; are they another video's?"
    )
