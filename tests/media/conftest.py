"""Small real videos and images, written as the tests need them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from harness.media import write_video


def pictures(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """(count, H, W, 3): brightness changes with the frame number; the top left quarter is red."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    for number in range(count):
        frames[number] = 40 + 4 * number % 160
        frames[number, : height // 2, : width // 2] = (220, 20, 20)
    return frames


@pytest.fixture
def make_pictures():
    return pictures


@pytest.fixture
def make_video(tmp_path: Path):
    """A function that writes a video of `count` frames and returns its path."""

    def write(name: str = "clip.mp4", count: int = 20, height: int = 48, width: int = 64, rate: float = 25) -> Path:
        path = tmp_path / name
        write_video(path, pictures(count, height, width), rate)
        return path

    return write


@pytest.fixture
def make_variable_video(tmp_path: Path):
    """A function that writes a video whose frames stand at the given milliseconds."""

    def write(stamps: list[int], name: str = "variable.mkv") -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            for stamp, picture in zip(stamps, pictures(len(stamps)), strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = stamp, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def turn():
    """A function that writes a quarter-turn display matrix into an MP4's track header, as telephones do."""

    def rewrite(path: Path, clockwise: int) -> None:
        matrices = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
        a, b, c, d = (value * 65536 for value in matrices[clockwise])
        content = bytearray(path.read_bytes())
        place = content.index(b"tkhd") + 4 + 40
        rows = (a, b, 0, c, d, 0, 0, 0, 0x40000000)
        content[place : place + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in rows)
        path.write_bytes(content)

    return rewrite
