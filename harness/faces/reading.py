"""The clips of a data set as one stream of detector batches, decoded ahead of their use.

Frames of one size share a batch even across clips, so that thousands of single images cost no more than a video.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    """A clip is through: its frames (readable or not), rate, size, damage, and the error if it could not be read."""

    clip: int
    frames: int = 0
    frames_per_second: float = float("nan")
    width: int = 0
    height: int = 0
    problems: tuple[str, ...] = ()
    error: str = ""


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
    """Facts of the videos and folders among the clips, and the number of all frames if it is known."""
    several = [position for position, clip in enumerate(clips) if not _is_image(clip)]
    if len(several) > _MOST_SURVEYED:
        return {}, None
    facts: dict[int, MediaInfo] = {}
    total: int | None = len(clips) - len(several)
    for position in several:
        try:
            facts[position] = probe(clips[position].source)
        except MediaError:
            continue  # reported when its turn comes
        frames = facts[position].frames
        total = None if total is None or frames is None else total + frames
    return facts, total


def _is_image(clip: Clip) -> bool:
    try:
        return medium_of(clip.source) == "image"
    except MediaError:
        return False


def parcels(clips: Sequence[Clip], facts: Mapping[int, MediaInfo], batch: int) -> Iterator[Parcel]:
    """All frames of all clips in order, in batches of at most `batch` (fewer where frames are large)."""
    open_batch = _Batch()
    for event in _events(clips, facts):
        if isinstance(event, ClipEnd):
            open_batch.ends.append(event)
            continue
        position, frame = event
        if open_batch.frames and not open_batch.fits(frame, clips[position].cropped, batch):
            yield open_batch.sealed()
            open_batch = _Batch()
        open_batch.cropped = clips[position].cropped
        open_batch.frames.append(frame)
        open_batch.clips.append(position)
    if open_batch.frames or open_batch.ends:
        yield open_batch.sealed()


@dataclass
class _Batch:
    """A parcel that still grows."""

    cropped: bool = False
    frames: list[Frame] = field(default_factory=list)
    clips: list[int] = field(default_factory=list)
    ends: list[ClipEnd] = field(default_factory=list)

    def fits(self, frame: Frame, cropped: bool, batch: int) -> bool:
        return (
            self.frames[0].pixels.shape == frame.pixels.shape
            and self.cropped == cropped
            and len(self.frames) < capacity(frame.pixels, batch)
        )

    def sealed(self) -> Parcel:
        return Parcel(
            np.stack([frame.pixels for frame in self.frames]) if self.frames else None,
            tuple(self.clips),
            tuple(frame.index for frame in self.frames),
            tuple(frame.time for frame in self.frames),
            self.cropped,
            tuple(self.ends),
        )


def _events(clips: Iterable[Clip], facts: Mapping[int, MediaInfo]) -> Iterator[tuple[int, Frame] | ClipEnd]:
    for position, clip in enumerate(clips):
        problems: list[str] = []
        count, width, height = 0, 0, 0
        error = ""
        info = facts.get(position)
        try:
            if info is None and not _is_image(clip):
                info = probe(clip.source)
            for frame in iter_frames(clip.source, problems=problems.append):
                if count == 0:
                    height, width = frame.pixels.shape[:2]
                count = frame.index + 1
                yield position, frame
            if clip.source.is_dir() and info is not None and info.frames is not None:
                count = info.frames  # unreadable images at the end are frames, too
        except MediaError as raised:
            error = str(raised)
        rate = float("nan") if info is None or info.frames_per_second is None else info.frames_per_second
        yield ClipEnd(position, count, rate, width, height, tuple(problems), error)
