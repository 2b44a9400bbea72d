"""The forms that annotation files of C-EXPR-DB come in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.c_expr_annotations import read_annotation
from harness.datasets.c_expr_db import CExprDb
from harness.datasets.options import CExprDbOptions
from harness.errors import DataError
from harness.expressions import ABAW_COMPOUND_7

Build = Callable[..., Path]
NAMES = ABAW_COMPOUND_7.names


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_marks_with_stray_spaces_count(tmp_path: Path) -> None:
    header = "Begin Time - hh:mm:ss.ms,End Time - hh:mm:ss.ms,Happily Surprised,Other\n"
    write(tmp_path / "14.csv", header + "00:00:00.000,00:00:01.000,1  ,\n00:00:01.000,00:00:02.000,, 1\n")
    (first, second) = read_annotation(tmp_path).segments["14"]
    assert (first.label, second.label) == ("Happily Surprised", "")


def test_segments_may_name_their_label(tmp_path: Path) -> None:
    write(tmp_path / "01.csv", "begin,end,label\n0,1.5,Sadly Angry\n1.5,2,3\n")
    assert [one.label for one in read_annotation(tmp_path).segments["01"]] == ["Sadly Angry", NAMES[3]]


def test_one_label_a_line_by_id_or_name(tmp_path: Path) -> None:
    write(tmp_path / "01.txt", "0\n6\n-1\n7\nHappily Surprised\nother\n")
    write(tmp_path / "02.txt", "label\n2\n")
    write(tmp_path / "03.txt", "Neutral,Anger\n1\n0\n-1\n")
    found = read_annotation(tmp_path)
    assert found.frames["01"] == {0: NAMES[0], 1: NAMES[6], 3: "", 4: "Happily Surprised", 5: ""}
    assert found.frames["02"] == {0: NAMES[2]}
    assert found.frames["03"] == {0: "Anger", 1: "Neutral"}
    assert found.lines == {"01": 6, "02": 1, "03": 3}


def test_frame_and_label_a_row(tmp_path: Path) -> None:
    write(tmp_path / "01.csv", "label,frame\nSadly Angry,4\n,5\n")
    write(tmp_path / "02.csv", "frame,label\n")
    assert read_annotation(tmp_path).frames == {"01": {4: "Sadly Angry", 5: ""}, "02": {}}


def test_one_table_for_all_videos(tmp_path: Path) -> None:
    path = write(tmp_path / "all.csv", "clip,frame,label\n01,0,Sadly Angry\n02,3,1\n")
    assert read_annotation(path).frames == {"01": {0: "Sadly Angry"}, "02": {3: NAMES[1]}}


@given(st.dictionaries(st.integers(0, 30), st.integers(-1, 7), min_size=1, max_size=20))
def test_a_submission_is_an_annotation(tmp_path_factory: pytest.TempPathFactory, ids: dict[int, int]) -> None:
    lines = [f"01/{frame + 1:05}.jpg,{label}\n" for frame, label in ids.items()]
    path = write(tmp_path_factory.mktemp("s") / "labels.txt", f"image_location,{','.join(NAMES)}\n{''.join(lines)}")
    expected = {frame: (*NAMES, "")[label] for frame, label in ids.items() if label >= 0}
    assert read_annotation(path).frames["01"] == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "01.csv",
            "Begin Time,End Time,A,B\n0,1,1,1\n1,2,,\n",
            r"2 time segments cannot be read: line 2 marks 2 classes, line 3",
        ),
        ("01.csv", "begin,end,label\n0,x,A\n2,1,A\n", r"line 2 'x' is no time, line 3 2 to 1 ends before it begins"),
        ("01.csv", "frame,label\n-1,A\n3\n", r"2 lines without frame .*: line 2 '-1,A', line 3 '3'"),
        ("01.csv", "frame,label\n1,A\n1,B\n", "annotated more than once: 01 frame 1"),
        ("01.txt", "0\n8\n", r"frame 1: label id 8 is unknown \(0\.\.7, or -1: not annotated\)"),
        ("01.txt", "0\n-2\n", "label id -2 is unknown"),
        ("01.txt", "0\n1,2\n", r"1 line not one label: line 2 '1,2'"),
        ("01.txt", "", "the file is empty"),
        ("01.csv", "x" * 200_000, "not a CSV file: field larger than field limit"),
        ("notes.md", "0\n", r"holds no annotation file \(NN\.csv or NN\.txt\)"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    write(tmp_path / name, text)
    with pytest.raises(DataError, match=message):
        read_annotation(tmp_path)


def test_two_files_of_a_video(tmp_path: Path) -> None:
    write(tmp_path / "01.csv", "frame,label\n0,A\n")
    write(tmp_path / "01.txt", "0\n")
    with pytest.raises(DataError, match="video 01 has more than one annotation file"):
        read_annotation(tmp_path)


def test_a_file_of_none_of_the_forms(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither a folder of annotation files, nor a table of clip, frame and label"):
        read_annotation(write(tmp_path / "x.csv", "a,b\n1,2\n"))
    with pytest.raises(DataError, match=r"gone\.csv: no such file"):
        read_annotation(tmp_path / "gone.csv")


def labels(tmp_path: Path, listed: Path) -> object:
    return CExprDb(CExprDbOptions(frame_list=listed, annotations=tmp_path / "notes"), tmp_path).annotations()


def test_labels_of_another_video_are_found_by_their_number(tmp_path: Path, frame_list: Build) -> None:
    listed = frame_list(tmp_path / "list.txt", {"01": 10, "02": 10})
    write(tmp_path / "notes/01.txt", "0\n" * 11)
    write(tmp_path / "notes/02.csv", "frame,label\n11,0\n")
    assert len(labels(tmp_path, listed)) == 10
    write(tmp_path / "notes/01.txt", "0\n" * 30)
    write(tmp_path / "notes/02.csv", "frame,label\n99,0\n")
    with pytest.raises(
        DataError,
        match=r"do not fit the length of 2 clips: 01 \(30 labels, 10 frames\), 02 \(frame 99 of 10\); are they",
    ):
        labels(tmp_path, listed)


@given(text=st.text(max_size=60))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "01.csv").write_text(text, encoding="utf-8", newline="", errors="surrogatepass")
    with contextlib.suppress(DataError):
        assert set(read_annotation(folder).clips) <= {"01"}
