"""Writing videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import MediaError
from harness.media import probe, write_video


def test_it_returns_the_number_of_frames_and_keeps_a_broken_rate(tmp_path: Path, make_pictures) -> None:
    assert write_video(tmp_path / "clip.mp4", iter(make_pictures(7)), 24000 / 1001) == 7
    assert probe(tmp_path / "clip.mp4").frames_per_second == pytest.approx(23.976, abs=1e-3)


def test_one_thread_gives_the_same_bytes_twice(tmp_path: Path, make_pictures) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, make_pictures(10), 25, threads=1)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_no_frames_are_no_video_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="a video needs at least one frame"):
        write_video(tmp_path / "clip.mp4", [], 25)
    assert not (tmp_path / "clip.mp4").exists()


def test_frames_of_two_sizes_are_refused(tmp_path: Path) -> None:
    frames = [np.zeros((32, 32, 3), np.uint8), np.zeros((32, 34, 3), np.uint8)]
    with pytest.raises(MediaError, match="frame 1 is 34x32, the video 32x32"):
        write_video(tmp_path / "clip.mp4", frames, 25)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_positive(tmp_path: Path, rate: float) -> None:
    with pytest.raises(MediaError, match="no frame rate"):
        write_video(tmp_path / "clip.mp4", [np.zeros((32, 32, 3), np.uint8)], rate)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot be written \(No such file or directory\)"):
        write_video(tmp_path / "nowhere" / "clip.mp4", [np.zeros((32, 32, 3), np.uint8)], 25)
