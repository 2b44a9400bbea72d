"""Small trees in the layouts that the data sets are published in."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.media import write_video

Build = Callable[..., Path]
HEADER = (
    '"Begin Time - hh:mm:ss.ms","End Time - hh:mm:ss.ms","Fearfully Surprised","Happily Surprised","Sadly Surprised",'
    '"Disgustedly Surprised","Angrily Surprised","Sadly Fearful","Sadly Angry","Other"\n'
)
SUBMISSION = (
    "image_location,Fearfully_Surprised,Happily_Surprised,Sadly_Surprised,Disgustedly_Surprised,Angrily_Surprised,"
    "Sadly_Fearful,Sadly_Angry\n"
)


def image(path: Path, size: tuple[int, int] = (100, 100)) -> None:
    """A picture of noise, another one for every path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(zlib.crc32(path.name.encode())).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=50)


@pytest.fixture
def raf_db() -> Build:
    """raf_db(root, {"train_0001": 1, ...}, part="compound", inner=""): the part's list and its aligned images."""

    def build(root: Path, labels: Mapping[str, int], part: str = "compound", inner: str = "") -> Path:
        place = root / part
        (place / "EmoLabel").mkdir(parents=True)
        lines = [f"{name}.jpg {label}\n" for name, label in labels.items()]
        (place / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
        for name in labels:
            image(place / "Image" / "aligned" / inner / f"{name}_aligned.jpg")
            image(place / "Image" / "original" / f"{name}.jpg", (160, 120))
        return root

    return build


@pytest.fixture
def raf_ce() -> Build:
    """raf_ce(root, {"0001": (emotion, units, part), ...}): the three lists and the aligned images."""

    def build(root: Path, rows: Mapping[str, tuple[int, str, int]]) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        for file, place in (("emolabel", 0), ("AUlabel", 1), ("partition", 2)):
            lines = [f"{name}.jpg {row[place]}\n" for name, row in rows.items()]
            (root / f"RAFCE_{file}.txt").write_text("".join(lines))
        for name in rows:
            image(root / "aligned" / f"{name}_aligned.jpg")
        return root

    return build


@pytest.fixture
def frame_list() -> Build:
    """frame_list(path, {"01": 50, ...}): the challenge's list."""

    def build(path: Path, frames: Mapping[str, int]) -> Path:
        lines = [f"{clip}/{frame:05}.jpg,\n" for clip, count in frames.items() for frame in range(1, count + 1)]
        path.write_text(SUBMISSION + "".join(lines))
        return path

    return build


@pytest.fixture
def segments() -> Build:
    """segments(folder, {"01": [("00:00:00.000", "00:00:01.000", column), ...]}): column 0..6, or 7 for "Other"."""

    def build(folder: Path, clips: Mapping[str, Sequence[tuple[str, str, int]]]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for clip, rows in clips.items():
            lines = [f'{begin},{end},{"," * column}"1"{"," * (7 - column)}\n' for begin, end, column in rows]
            (folder / f"{clip}.csv").write_text(HEADER + "".join(lines))
        return folder

    return build


@pytest.fixture
def videos() -> Build:
    """videos(root, {"01": (frames, rate), ...}): small videos of noise."""

    def build(root: Path, clips: Mapping[str, tuple[int, int]]) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        for clip, (frames, rate) in clips.items():
            pixels = np.random.default_rng(frames).integers(0, 256, (frames, 32, 48, 3), dtype=np.uint8)
            write_video(root / f"{clip}.mp4", iter(pixels), rate, 30, threads=1)
        return root

    return build
