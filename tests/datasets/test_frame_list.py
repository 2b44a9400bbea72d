"""The challenge's list of frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.datasets.frame_list import read_frame_labels, read_frame_list
from harness.errors import DataError

Build = Callable[..., Path]
NAMES = st.text("0123456789abc_-", min_size=1, max_size=4)


def test_clips_and_their_numbers_of_frames_in_the_lists_order(tmp_path: Path, frame_list: Build) -> None:
    counts = read_frame_list(frame_list(tmp_path / "list.txt", {"02": 3, "01": 2}))
    assert list(counts.items()) == [("02", 3), ("01", 2)]


def test_a_list_without_header_and_a_submission_are_lists_too(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("01/00001.jpg\n01/00002.jpg\n\n")
    assert read_frame_list(path) == {"01": 2}
    path.write_text("image_location,A,B\r\n01/00001.jpg,0\r\n01/00002.jpg,6\r\n")
    assert read_frame_list(path) == {"01": 2}
    assert read_frame_labels(path) == [("01", 0, "0"), ("01", 1, "6")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.dictionaries(NAMES, st.integers(1, 12), min_size=1, max_size=4))
def test_any_list_survives_writing_and_reading(tmp_path: Path, frame_list: Build, frames: dict[str, int]) -> None:
    assert read_frame_list(frame_list(tmp_path / "list.txt", frames)) == frames


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("01/1.png\nframe 2\n01/x.jpg\n", r"2 lines not like 01/00001\.jpg: line 2 'frame 2', line 3 '01/x\.jpg'"),
        ("01/00001.jpg\n01/00003.jpg\n", r"not so in 1 place: line 2 01/00003\.jpg after frame 1"),
        ("01/00000.jpg\n", r"not so in 1 place: line 1 01/00000\.jpg after frame 0"),
        ("image_location,A\n", "the list names no frame"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_frame_list(path)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt: no such file; it should hold a list of frames"):
        read_frame_list(tmp_path / "gone.txt")


def test_labels_need_a_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("01/00001.jpg\n01/00002.jpg,1,2\n01/00000.jpg,1\n01/00004.jpg,1\n")
    with pytest.raises(DataError, match=r"3 lines not like 01/00001\.jpg,5: line 1 '01/00001\.jpg'"):
        read_frame_labels(path)
