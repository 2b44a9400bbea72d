"""Video files: decoded packet by packet, so that a damaged one gives its readable part and says what is missing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import MediaError

# ffmpeg also "plays" text files and subtitles; a clip must be a video.
_NO_VIDEOS = {"tty", "ansi", "bin", "xbin", "adf", "idf"}
Problems = Callable[[str], None]


@dataclass(frozen=True)
class VideoFacts:
    """What a container says without decoding: frames and duration are None if it does not know."""

    frames: int | None
    frames_per_second: float | None
    width: int
    height: int
    duration: float | None


def probe_video(path: Path) -> VideoFacts:
    """Facts from the header and the first frame (which knows the rotation)."""
    with _opened(path) as (container, stream):
        rate = stream.average_rate or stream.guessed_rate
        frames = stream.frames or None
        duration = _seconds(stream, container)
        if frames is None and rate and duration:
            frames = round(duration * float(rate))
        first = next((frame for frame in _decoded(container, stream, _Damage())), None)
        if first is None:
            raise MediaError(f"{path}: a video of 0 frames")
        width, height = (first.height, first.width) if _quarter_turns(first) % 2 else (first.width, first.height)
        return VideoFacts(frames, float(rate) if rate else None, width, height, duration)


def iter_video(path: Path, start: int, stop: int | None, problems: Problems) -> Iterator[tuple[int, float, Any]]:
    """(frame number, seconds since the first frame, (H, W, 3) RGB) of the frames start..stop-1, upright."""
    damage = _Damage()
    first: float | None = None
    end = 0.0
    with _opened(path) as (container, stream):
        step = 1 / float(stream.average_rate or stream.guessed_rate or 25)
        for number, frame in enumerate(_decoded(container, stream, damage)):
            if stop is not None and number >= stop:
                break
            # A frame without a timestamp follows its predecessor at the average rate.
            stamp = frame.time if frame.time is not None else end
            first = stamp if first is None else first
            end = stamp + max(step, float((frame.duration or 0) * (frame.time_base or 0)))
            if number >= start:
                yield number, stamp - first, upright(frame)
        else:
            damage.promised = _promise(container, stream, damage.decoded, end - (first or 0.0), step)
    if first is None:
        raise MediaError(f"{path}: a video of 0 frames" + (f" ({damage.text()})" if damage else ""))
    if damage:
        problems(f"{damage.text()}; the readable part is used")


def upright(frame: Any) -> NDArray[np.uint8]:
    """A decoded frame as RGB, turned as its display matrix asks."""
    pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = _quarter_turns(frame)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _quarter_turns(frame: Any) -> int:
    """Counter-clockwise quarter turns of the display matrix; players round other angles likewise."""
    return int(round(frame.rotation / 90) % 4)


@dataclass
class _Damage:
    """What of a video could not be decoded."""

    packets: int = 0
    repaired: int = 0
    decoded: int = 0
    after: int = -1
    cut: bool = False
    promised: str = ""

    def __bool__(self) -> bool:
        return bool(self.packets or self.repaired or self.cut or self.promised)

    def note(self) -> None:
        if not self:
            self.after = self.decoded - 1

    def text(self) -> str:
        parts = []
        if self.packets:
            parts.append(f"{_many(self.packets, 'packet')} could not be decoded")
        if self.repaired:
            parts.append(f"{_many(self.repaired, 'frame')} had to be repaired by the decoder")
        if self.cut:
            parts.append("the file breaks off")
        if self.promised:
            parts.append(f"{_many(self.decoded, 'frame')} could be read, its header promises {self.promised}")
        after = self.after if parts[1:] or not self.promised else self.decoded - 1
        place = f"after frame {after}" if after >= 0 else "at the beginning"
        return f"{place}: {', '.join(parts)}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _decoded(container: Any, stream: Any, damage: _Damage) -> Iterator[Any]:
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            damage.note()
            damage.cut = True
            packet = None  # flush what the decoder still holds
        try:
            frames = stream.decode(packet)
        except av.EOFError:
            return
        except av.FFmpegError:
            damage.note()
            damage.packets += 1
            frames = []
        for frame in frames:
            if frame.is_corrupt:
                damage.note()
                damage.repaired += 1
            yield frame
            damage.decoded += 1
        if packet is None:
            return


def _promise(container: Any, stream: Any, frames: int, seconds: float, step: float) -> str:
    """What the header promised if clearly more than that was read, else "".

    One frame is forgiven: edit lists and encoders that count differently are no damage.
    """
    if stream.frames:
        return f"{stream.frames} frames" if stream.frames - frames >= 2 else ""
    # Matroska keeps the length of each stream in a tag; that of the container may be its sound's.
    promised = _clock(stream.metadata.get("DURATION", ""))
    if promised is None and len(container.streams) == 1 and container.duration:
        promised = container.duration / 1e6
    return f"{promised:.2f} s" if promised is not None and promised - seconds > 2.5 * step else ""


def _clock(text: str) -> float | None:
    """Seconds of "00:01:02.5"."""
    match = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", text.strip())
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    import av

    try:
        # An absolute path is never taken for a protocol ("concat:...") by ffmpeg.
        container = av.open(str(Path(path).absolute()), metadata_errors="replace")
    except av.FFmpegError:
        raise MediaError(f"{path}: not a video or image that can be read{_cut_mp4(path)}") from None
    with contextlib.closing(container):
        if not container.streams.video or container.format.name in _NO_VIDEOS:
            raise MediaError(f"{path}: not a video or image that can be read (it has no video stream)")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise MediaError(f"{path}: this build of PyAV has no decoder for the video's codec")
        stream.thread_type = "AUTO"
        yield container, stream


def _seconds(stream: Any, container: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _cut_mp4(path: Path) -> str:
    with Path(path).open("rb") as file:
        begins_well = file.read(12)[4:8] == b"ftyp"
    return " (an MP4 file without its index; it was probably cut off while it was written)" if begins_well else ""
