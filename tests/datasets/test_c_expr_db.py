"""C-EXPR-DB: videos, frame lists and annotations in the layouts they come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.datasets.c_expr_db import CExprDb
from harness.datasets.options import CExprDbOptions
from harness.errors import ConfigError, DataError
from harness.expressions import ABAW_COMPOUND_7
from harness.testing import check_dataset

Build = Callable[..., Path]


def load(folder: Path, **options: object) -> CExprDb:
    return CExprDb(CExprDbOptions(**options), folder)


def labelled(dataset: CExprDb, clip: str) -> dict[int, str]:
    table = dataset.annotations()
    assert table is not None
    rows = table[table["clip"] == clip]
    return dict(zip(rows["frame"], rows["label"], strict=True))


def test_a_frame_list_alone_gives_clips_without_media(tmp_path: Path, frame_list: Build) -> None:
    dataset = load(tmp_path, frame_list=frame_list(tmp_path / "list.txt", {"01": 50, "02": 30}))
    check_dataset(dataset)
    assert [(clip.id, clip.source, clip.frames, clip.frames_per_second) for clip in dataset.clips()] == [
        ("01", None, 50, None),
        ("02", None, 30, None),
    ]
    assert dataset.annotations() is None
    assert not dataset.licence.faces_may_leave


def test_segments_become_frames_and_other_is_no_class(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    rows = [("00:00:00.000", "00:00:00.400", 0), ("00:00:01.000", "00:00:02.000", 7)]
    dataset = load(
        tmp_path,
        frame_list=frame_list(tmp_path / "list.txt", {"01": 50, "02": 10}),
        annotations=segments(tmp_path / "notes", {"01": rows}),
    )
    check_dataset(dataset, ABAW_COMPOUND_7)
    found = labelled(dataset, "01")
    assert [frame for frame, label in found.items() if label == "Fearfully Surprised"] == list(range(10))
    assert [frame for frame, label in found.items() if label == ""] == list(range(25, 50))
    assert dataset.clips()[0].frames_per_second == 25
    assert dataset.clips()[1].frames_per_second is None
    assert dataset.notices == [
        "videos without annotation: 02",
        "frame rates are inferred from the end of the annotation and the number of frames: 25 for 1 clip",
    ]


def test_the_rate_may_be_given_for_all_or_for_some(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    listed = frame_list(tmp_path / "list.txt", {"01": 60, "02": 60})
    notes = segments(tmp_path / "notes", {clip: [("0", "2", 1)] for clip in ("01", "02")})
    rates = {
        str(option): [
            clip.frames_per_second for clip in load(tmp_path, frame_list=listed, annotations=notes, **option).clips()
        ]
        for option in ({}, {"frames_per_second": 15}, {"frames_per_second": {"01": 20}})
    }
    assert list(rates.values()) == [[30, 30], [15, 15], [20, 30]]
    with pytest.raises(ConfigError, match=r"frames_per_second: no clip 03 \(clips are 01, 02\)"):
        load(tmp_path, frame_list=listed, frames_per_second={"03": 25}).clips()


def test_a_doubtful_rate_is_said(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    dataset = load(
        tmp_path,
        frame_list=frame_list(tmp_path / "list.txt", {"03": 60}),
        annotations=segments(tmp_path / "notes", {"03": [("0", "1", 1)]}),
    )
    dataset.annotations()
    assert dataset.notices[-1] == (
        "25 frames a second would fit 1 clip as well as 30, which is taken: 03; frames_per_second sets another"
    )


def test_an_annotation_slightly_longer_than_the_clip_is_cut_with_a_notice(
    tmp_path: Path, frame_list: Build, segments: Build
) -> None:
    dataset = load(
        tmp_path,
        frame_list=frame_list(tmp_path / "list.txt", {"10": 34}),
        annotations=segments(tmp_path / "notes", {"10": [("00:00:00.430", "00:00:01.444", 2)]}),
    )
    assert max(labelled(dataset, "10")) == 33
    assert "annotated frames past the end of a clip are cut: 10 (3)" in dataset.notices


def test_videos_know_their_own_rate(tmp_path: Path, videos: Build, segments: Build) -> None:
    root = videos(tmp_path / "videos", {"01": (12, 10), "02": (6, 30)})
    dataset = load(tmp_path, root=root, annotations=segments(tmp_path / "notes", {"01": [("0.5", "1.2", 6)]}))
    check_dataset(dataset)
    assert [(clip.id, clip.source) for clip in dataset.clips()] == [("01", root / "01.mp4"), ("02", root / "02.mp4")]
    assert sorted(labelled(dataset, "01")) == list(range(5, 12))
    assert not any("inferred" in line for line in dataset.notices)


def test_folders_of_frames_are_videos_of_unknown_rate(tmp_path: Path, raf_db: Build, segments: Build) -> None:
    raf_db(tmp_path / "raf", {"train_0001": 1, "train_0002": 1})
    root = tmp_path / "videos"
    root.mkdir()
    (tmp_path / "raf/compound/Image/aligned").rename(root / "01")
    dataset = load(
        tmp_path, root=root, frames_per_second=2, annotations=segments(tmp_path / "n", {"01": [("0", "0.6", 0)]})
    )
    assert sorted(labelled(dataset, "01")) == [0, 1]


def test_with_some_of_the_videos_the_rest_of_the_list_is_left_out(
    tmp_path: Path, videos: Build, frame_list: Build, segments: Build
) -> None:
    root = videos(tmp_path / "videos", {"02": (6, 25), "99": (6, 25)})
    dataset = load(
        tmp_path,
        root=root,
        frame_list=frame_list(tmp_path / "list.txt", {"01": 5, "02": 6}),
        annotations=segments(tmp_path / "notes", {"01": [("0", "0.2", 1)], "02": [("0", "0.2", 1)]}),
    )
    assert [clip.id for clip in dataset.clips()] == ["02"]
    assert set(dataset.annotations()["clip"]) == {"02"}
    assert dataset.notices == [
        "videos of the frame list that are not there are left out: 01",
        "videos that the frame list does not name are left out: 99",
    ]


def test_neither_videos_nor_a_list() -> None:
    with pytest.raises(ValidationError, match=r"root \(the videos\) or frame_list \(clips without media\) is needed"):
        CExprDbOptions()


def test_wrong_roots(tmp_path: Path, videos: Build, frame_list: Build) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; root is the folder of 01\.mp4 \.\. 56\.mp4"):
        load(tmp_path, root=tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no video and no folder of frames; is this the folder of 01\.mp4"):
        load(tmp_path, root=tmp_path)
    (tmp_path / "test_videos.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"unpack test_videos\.zip there"):
        load(tmp_path, root=tmp_path)
    root = videos(tmp_path / "videos", {"a": (2, 25)})
    listed = frame_list(tmp_path / "list.txt", {"01": 2})
    with pytest.raises(
        DataError, match=r"none of the 1 videos of the frame list is there \(there are a; the list names 01\)"
    ):
        load(tmp_path, root=root, frame_list=listed)
    (root / "a.avi").write_bytes(b"x")
    with pytest.raises(DataError, match=r"video a is there twice: a\.avi and a\.mp4"):
        load(tmp_path, root=root)


def test_a_list_that_names_frames_the_video_does_not_have(tmp_path: Path, videos: Build, frame_list: Build) -> None:
    root = videos(tmp_path / "videos", {"01": (6, 25), "02": (6, 25)})
    dataset = load(tmp_path, root=root, frame_list=frame_list(tmp_path / "list.txt", {"01": 7, "02": 20}))
    with pytest.raises(
        DataError,
        match=r"list\.txt: the frame list names frames beyond the end of 1 video: 02 \(20 listed, 6 in the video\)",
    ):
        dataset.annotations()


def annotate(tmp_path: Path, frame_list: Build, notes: Path, **frames: int) -> CExprDb:
    listed = frame_list(tmp_path / "list.txt", {clip.removeprefix("v"): count for clip, count in frames.items()})
    return load(tmp_path, frame_list=listed, annotations=notes)


def test_annotations_of_videos_that_are_not_there(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    notes = segments(tmp_path / "notes", {clip: [("0", "1", 1)] for clip in ("01", "57", "60")})
    with pytest.raises(DataError, match=r"annotates 2 videos not in the data set: 57, 60 \(its videos are 01\)"):
        annotate(tmp_path, frame_list, notes, v01=25).annotations()


def test_segments_that_overlap_are_listed(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    rows = [("0", "1.0", 1), ("0.9", "2", 2), ("2", "2.5", 3)]
    notes = segments(tmp_path / "notes", {"01": rows, "02": rows[1:]})
    with pytest.raises(
        DataError,
        match=r"1 overlap of time segments: 01 0:00:00\.000-0:00:01\.000 Happily Surprised and 0:00:00\.900-",
    ):
        annotate(tmp_path, frame_list, notes, v01=75, v02=75).annotations()


def test_annotations_that_run_past_the_end_are_listed(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    notes = segments(tmp_path / "notes", {f"{number:02}": [("0", "60", 1)] for number in range(1, 13)})
    frames = {f"v{number:02}": 75 for number in range(1, 13)}
    with pytest.raises(
        DataError,
        match=r"runs past the end of 12 clips: 01 \(to 0:00:00\.000-0:01:00\.000 Happily Surprised, frame 1500 of 75 "
        r"at 25/s\), .* and 2 more; is it another video's, or is frames_per_second wrong\?",
    ):
        annotate(tmp_path, frame_list, notes, **frames).annotations()


def test_segments_need_a_rate(tmp_path: Path, segments: Build, raf_db: Build) -> None:
    raf_db(tmp_path / "raf", {"train_0001": 1})
    (tmp_path / "videos").mkdir()
    (tmp_path / "raf/compound/Image/aligned").rename(tmp_path / "videos/01")
    notes = segments(tmp_path / "notes", {"01": []})
    assert load(tmp_path, root=tmp_path / "videos", annotations=notes, frames_per_second=25).annotations().empty
    with pytest.raises(DataError, match=r"need a frame rate, which is unknown of 1 clip \(01\): set frames_per_second"):
        load(tmp_path, root=tmp_path / "videos", annotations=notes).annotations()


def test_the_survey_tells_missing_videos_and_a_list_that_differs(tmp_path: Path, frame_list: Build) -> None:
    survey = load(tmp_path, frame_list=frame_list(tmp_path / "list.txt", {"01": 50})).survey({})
    assert survey.problems == [
        "55 of the 56 videos are missing: 02, 03, 04, 05, 06, 07, 08, 09, 10, 11 and 45 more",
        "frame list: 50 frames of 1 video, published are 26145",
    ]
