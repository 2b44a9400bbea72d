"""Writing H.264 videos."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import MediaError


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    frames_per_second: float,
    crf: int = 18,
    *,
    preset: str = "veryfast",
    threads: int = 0,
) -> int:
    """Write frames (H, W, 3) RGB uint8 as H.264 in the container of the suffix; returns their number.

    crf: 0 lossless .. 51 worst. threads=1 gives the same bytes on every machine. 4:2:0 video needs even sides:
    an odd one grows by a repeated row or column. A file that cannot be finished is removed.
    """
    import av

    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=_rate(frames_per_second))
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": str(crf), "preset": preset, "threads": str(threads)}
            if threads == 1:  # else x264 lets where the frames lie in memory decide between its routines
                stream.options = {**stream.options, "x264-params": "cpu-independent=1"}
            count = 0
            for frame in frames:
                picture = even(frame)
                if count == 0:
                    stream.height, stream.width = picture.shape[:2]
                if picture.shape[:2] != (stream.height, stream.width):
                    raise MediaError(
                        f"{path}: frame {count} is {frame.shape[1]}x{frame.shape[0]}, "
                        f"the video {stream.width}x{stream.height}; all frames need one size"
                    )
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                count += 1
            if count == 0:
                raise MediaError(f"{path}: a video needs at least one frame")
            container.mux(stream.encode())
    except (av.FFmpegError, MediaError) as error:
        Path(path).unlink(missing_ok=True)
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"{path}: the video cannot be written ({error.strerror})") from None
    return count


def _rate(frames_per_second: float) -> Fraction:
    if not 0 < frames_per_second < 1e6:
        raise MediaError(f"{frames_per_second} frames per second is no frame rate; give a positive number")
    return Fraction(frames_per_second).limit_denominator(1001)


def even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame with even sides: an odd one grows by a repeated row or column."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)
