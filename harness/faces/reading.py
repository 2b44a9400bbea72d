"""The clips of a data set as one stream of detector batches, decoded ahead of their use.

Frames of one size share a batch even across clips, so that thousands of single images cost no more than a video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.components import Clip
from harness.errors import MediaError
from harness.media import Frame, MediaInfo, iter_frames, probe
from harness.media.frames import capacity
from harness.media.paths import medium_of

# Beyond this many videos and folders, opening each one beforehand to count its frames costs more than it tells.
_MOST_SURVEYED = 500


@dataclass(frozen=True)
class ClipEnd:
    """A clip is through: its frames (readable or not), rate, size, damage, and the error if it could not be read.

    listed: it has no media, and its frames are known by number alone.
    """

    clip: int
    frames: int = 0
    frames_per_second: float = float("nan")
    width: int = 0
    height: int = 0
    problems: tuple[str, ...] = ()
    error: str = ""
    listed: bool = False


@dataclass(frozen=True)
class Parcel:
    """A batch of N frames of one size, and the clips that end with it.

    pixels (N, H, W, 3) RGB, None if N is 0; for each frame the clip's position, its number there and its time.
    Every frame of a clip lies in this parcel or an earlier one when its end arrives.
    """

    pixels: NDArray[np.uint8] | None
    clips: tuple[int, ...]
    frames: tuple[int, ...]
    times: tuple[float, ...]
    cropped: bool
    ends: tuple[ClipEnd, ...]


def survey(clips: Sequence[Clip]) -> tuple[dict[int, MediaInfo], int | None]:
    """Facts of the videos and folders among the clips, and the number of frames to decode if it is known."""
    sources = {position: clip.source for position, clip in enumerate(clips) if clip.source is not None}
    several = {position: source for position, source in sources.items() if not _is_image(source)}
    if len(several) > _MOST_SURVEYED:
        return {}, None
    facts: dict[int, MediaInfo] = {}
    total: int | None = len(sources) - len(several)
    for position, source in several.items():
        try:
            facts[position] = probe(source)
        except MediaError:
            continue  # reported when its turn comes
        frames = facts[position].frames
        total = None if total is None or frames is None else total + frames
    return facts, total


def _is_image(source: Path) -> bool:
    try:
        return medium_of(source) == "image"
    except MediaError:
        return False


def parcels(clips: Sequence[Clip], facts: Mapping[int, MediaInfo], batch: int) -> Iterator[Parcel]:
    """All frames of all clips in order, in batches of at most `batch` (fewer where frames are large)."""
    growing = _Batch()
    for event in _events(clips, facts):
        if isinstance(event, ClipEnd):
            if event.listed:  # faces are numbered in the order of clips: those before it come first
                if growing.clips or growing.ends:
                    yield growing.sealed()
                yield _Batch(ends=[event]).sealed()
                growing = _Batch()
            else:
                growing.ends.append(event)
            continue
        position, frame = event
        cropped = clips[position].cropped
        if not growing.takes(frame, cropped):
            yield growing.sealed()
            growing = _Batch()
        growing.add(position, frame, cropped, batch)
    if growing.clips or growing.ends:
        yield growing.sealed()


@dataclass
class _Batch:
    """A parcel that still grows; its frames are laid into one array as they come, so that none lies here twice."""

    pixels: NDArray[np.uint8] | None = None
    cropped: bool = False
    clips: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    ends: list[ClipEnd] = field(default_factory=list)

    def takes(self, frame: Frame, cropped: bool) -> bool:
        """Whether the frame still fits in: it does in an empty batch."""
        if self.pixels is None:
            return True
        return (
            len(self.clips) < len(self.pixels)
            and self.pixels.shape[1:] == frame.pixels.shape
            and self.cropped == cropped
        )

    def add(self, clip: int, frame: Frame, cropped: bool, batch: int) -> None:
        if self.pixels is None:
            self.pixels = np.empty((capacity(frame.pixels, batch), *frame.pixels.shape), np.uint8)
            self.cropped = cropped
        self.pixels[len(self.clips)] = frame.pixels
        self.clips.append(clip)
        self.frames.append(frame.index)
        self.times.append(frame.time)

    def sealed(self) -> Parcel:
        pixels = None if self.pixels is None else self.pixels[: len(self.clips)]
        return Parcel(pixels, tuple(self.clips), tuple(self.frames), tuple(self.times), self.cropped, tuple(self.ends))


def _events(clips: Iterable[Clip], facts: Mapping[int, MediaInfo]) -> Iterator[tuple[int, Frame] | ClipEnd]:
    for position, clip in enumerate(clips):
        source = clip.source
        if source is None:
            yield _listed(position, clip)
            continue
        problems: list[str] = []
        count, width, height = 0, 0, 0
        error = ""
        info = facts.get(position)
        try:
            if info is None and not _is_image(source):
                info = probe(source)
            for frame in iter_frames(source, problems=problems.append):
                if count == 0:
                    height, width = frame.pixels.shape[:2]
                count = frame.index + 1
                yield position, frame
            if source.is_dir() and info is not None and info.frames is not None:
                count = info.frames  # unreadable images at the end are frames, too
        except MediaError as raised:
            error = str(raised)
        rate = float("nan") if info is None or info.frames_per_second is None else info.frames_per_second
        yield ClipEnd(position, count, rate, width, height, tuple(problems), error)


def _listed(position: int, clip: Clip) -> ClipEnd:
    if not clip.frames or clip.frames < 0:
        return ClipEnd(position, error="it has no media, and no frames are listed", listed=True)
    rate = float("nan") if clip.frames_per_second is None else clip.frames_per_second
    return ClipEnd(position, clip.frames, rate, listed=True)
