"""The frames of a clip, whatever it is made of, as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import MediaError
from harness.media.images import image_size, read_image
from harness.media.paths import frame_images, medium_of
from harness.media.videos import Problems, iter_video, probe_video

# Bounds the memory of a batch whatever the resolution: 5 frames of 1080p, 1 of 4K.
BATCH_BYTES = 32 * 2**20


@dataclass(frozen=True)
class MediaInfo:
    """Facts of a clip without decoding it whole; None where it does not say. duration in seconds.

    frames may be an estimate for containers that do not count; only reading tells. Width and height as shown,
    of the first frame.
    """

    frames: int | None
    frames_per_second: float | None
    width: int
    height: int
    duration: float | None


@dataclass(frozen=True)
class Frame:
    """One frame: its number in the clip (0-based), seconds since the first frame, pixels (H, W, 3) RGB uint8.

    time is NaN in a folder of images, which has no clock.
    """

    index: int
    time: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class FrameBatch:
    """Frames of one size: frames (N, H, W, 3) RGB uint8, indices (N,) int64, times (N,) float64 seconds."""

    frames: NDArray[np.uint8]
    indices: NDArray[np.int64]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indices)


def ignore(_problem: str) -> None:
    """The default of `problems`: nobody is told."""


def probe(path: Path) -> MediaInfo:
    """Facts of a video, a folder of images or an image; MediaError if it is none of them."""
    medium = medium_of(path)
    if medium == "video":
        facts = probe_video(path)
        return MediaInfo(facts.frames, facts.frames_per_second, facts.width, facts.height, facts.duration)
    images = _images(path) if medium == "folder" else [path]
    width, height = image_size(images[0])
    return MediaInfo(len(images), None, width, height, None)


def iter_frames(path: Path, *, start: int = 0, stop: int | None = None, problems: Problems = ignore) -> Iterator[Frame]:
    """Decode a clip frame by frame, from frame `start` up to before `stop`.

    problems: called with one line about every damaged part; what is readable is yielded all the same, and the
    frames behind an unreadable image of a folder keep their numbers. MediaError if nothing can be read.
    """
    medium = medium_of(path)
    if medium == "video":
        for index, time, pixels in iter_video(path, start, stop, problems):
            yield Frame(index, time, pixels)
    elif medium == "folder":
        yield from _folder_frames(path, start, stop, problems)
    elif start <= 0 and (stop is None or stop > 0):
        yield Frame(0, 0.0, read_image(path))


def read_frames(
    path: Path, *, batch: int = 16, start: int = 0, stop: int | None = None, problems: Problems = ignore
) -> Iterator[FrameBatch]:
    """`iter_frames` in batches of at most `batch` frames of one size (fewer where frames are large)."""
    for group in same_size(iter_frames(path, start=start, stop=stop, problems=problems), batch):
        yield FrameBatch(
            np.stack([frame.pixels for frame in group]),
            np.array([frame.index for frame in group], np.int64),
            np.array([frame.time for frame in group], np.float64),
        )


def same_size(frames: Iterable[Frame], batch: int) -> Iterator[list[Frame]]:
    """Consecutive frames in groups that share a size, at most `batch` frames and BATCH_BYTES each."""
    group: list[Frame] = []
    for frame in frames:
        if group and (frame.pixels.shape != group[0].pixels.shape or len(group) >= capacity(frame.pixels, batch)):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


def capacity(pixels: NDArray[np.uint8], batch: int) -> int:
    """How many frames of this size make a batch."""
    return max(1, min(batch, BATCH_BYTES // max(1, pixels.nbytes)))


def _images(folder: Path) -> list[Path]:
    images = frame_images(folder)
    if not images:
        raise MediaError(f"{folder}: the folder holds no images")
    return images


def _folder_frames(folder: Path, start: int, stop: int | None, problems: Problems) -> Iterator[Frame]:
    images = _images(folder)
    first_error: MediaError | None = None
    readable = 0
    for index in range(max(0, start), len(images) if stop is None else min(stop, len(images))):
        try:
            pixels = read_image(images[index])
        except MediaError as error:
            first_error = first_error or error
            problems(f"frame {index} ({images[index].name}) could not be decoded; the other frames are used")
            continue
        readable += 1
        yield Frame(index, float("nan"), pixels)
    if not readable and first_error is not None:
        raise MediaError(f"{folder}: none of the images can be read (first: {first_error})")
