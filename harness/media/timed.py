"""Writing H.264 videos whose frames keep the times they had elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import MediaError
from harness.media.writing import even

CLOCK = 90_000  # ticks a second: divides 24, 25, 30, 50 and 60 frames a second, and their NTSC neighbours closely


def write_timed_video(
    path: Path,
    frames: Iterable[tuple[float, NDArray[np.uint8]]],
    frames_per_second: float,
    crf: int = 20,
    *,
    preset: str = "veryfast",
) -> int:
    """Write (seconds, (H, W, 3) RGB uint8) frames as H.264 in the container of the suffix; returns their number.

    Times count from the first frame's and rise; one that does not comes a tick after its predecessor. A frame without a
    time (NaN) follows at the rate. An odd side grows by a repeated row or column. A file that cannot be finished is
    removed.
    """
    import av

    step = max(1, round(CLOCK / frames_per_second))
    count, last = 0, -step
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(frames_per_second).limit_denominator(1001))
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, CLOCK)
            stream.options = {"crf": str(crf), "preset": preset}
            for time, pixels in frames:
                picture = even(pixels)
                if count == 0:
                    stream.height, stream.width = picture.shape[:2]
                if picture.shape[:2] != (stream.height, stream.width):
                    raise MediaError(f"{path}: frame {count} has another size than those before; a video has one")
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                last = last + step if np.isnan(time) else max(last + 1, round(time * CLOCK))
                frame.pts, frame.time_base = last, Fraction(1, CLOCK)
                container.mux(stream.encode(frame))
                count += 1
            if count == 0:
                raise MediaError(f"{path}: a video needs at least one frame")
            container.mux(stream.encode())
    except BaseException as error:
        Path(path).unlink(missing_ok=True)
        if isinstance(error, av.FFmpegError):
            raise MediaError(f"{path}: the video cannot be written ({error.strerror})") from None
        raise
    return count
