"""The data set of a user's own videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from harness.datasets.options import VideosOptions
from harness.datasets.videos import Videos
from harness.errors import DataError


def lay(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def ids(root: Path, **options: object) -> list[str]:
    return [clip.id for clip in Videos(VideosOptions(root=root, **options), root).clips()]


def test_videos_image_folders_and_single_images_are_clips_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, "v10.mp4", "v2.MOV", "notes.txt", "face.jpg", "walk/1.png", "walk/2.png", "day1/a/x.mkv", ".h.mp4")
    lay(tmp_path, "day1/thumb.png", ".cache/c.mp4")
    videos = Videos(VideosOptions(root=tmp_path), tmp_path)
    assert [clip.id for clip in videos.clips()] == ["day1/a/x", "day1/thumb", "face", "v2", "v10", "walk"]
    assert videos.clips()[-1].source == tmp_path / "walk"
    assert all(clip.subject is None and not clip.cropped for clip in videos.clips())
    assert (videos.licence.name, videos.licence.faces_may_leave) == ("unknown", False)
    assert videos.annotations() is None


def test_images_beside_videos_are_clips_of_their_own(tmp_path: Path) -> None:
    assert ids(lay(tmp_path, "s/a.mp4", "s/b.png")) == ["s/a", "s/b"]


def test_the_root_may_be_one_video_file(tmp_path: Path) -> None:
    lay(tmp_path, "mine.mp4")
    (clip,) = Videos(VideosOptions(root=tmp_path / "mine.mp4"), tmp_path).clips()
    assert (clip.id, clip.source) == ("mine", tmp_path / "mine.mp4")


def test_a_pattern_keeps_matching_paths(tmp_path: Path) -> None:
    lay(tmp_path, "a/1.mp4", "a/2.avi", "b/3.mp4")
    assert ids(tmp_path, pattern="a/*") == ["a/1", "a/2"]
    assert ids(tmp_path, pattern="*.mp4") == ["a/1", "b/3"]


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    lay(tmp_path, "a/1.mp4")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert ids(tmp_path) == ["a/1"]


def test_no_such_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such file or folder"):
        ids(tmp_path / "nowhere")


def test_a_folder_without_clips(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no video, image or folder of images in it; is this the right folder"):
        ids(lay(tmp_path, "notes.txt"))
    with pytest.raises(DataError, match=r"in it matches the pattern '\*\.avi'"):
        ids(lay(tmp_path, "a.mp4"), pattern="*.avi")


def test_clips_that_differ_in_their_suffix_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.(mp4|avi), a\.(mp4|avi) differ in their suffix alone \(1 such name: a\)"):
        ids(lay(tmp_path, "a.mp4", "a.avi", "b.mp4"))


def annotated(root: Path, text: str) -> pd.DataFrame:
    lay(root, "001.mp4", "b.mp4")
    (root / "truth.csv").write_text(text)
    table = Videos(VideosOptions(root=root, annotations=root / "truth.csv"), root).annotations()
    assert table is not None
    return table


def test_annotations_keep_their_text(tmp_path: Path) -> None:
    table = annotated(tmp_path, "clip,frame,label,by\n001,0,Sadly Angry,x\n001,1,,x\nb,7,None,y\n")
    assert table.to_dict("list") == {
        "clip": ["001", "001", "b"],
        "frame": [0, 1, 7],
        "label": ["Sadly Angry", "", "None"],
    }


def test_annotations_may_be_parquet(tmp_path: Path) -> None:
    lay(tmp_path, "a.mp4")
    pd.DataFrame({"clip": ["a"], "frame": [3], "label": [None]}).to_parquet(tmp_path / "truth.parquet")
    table = Videos(VideosOptions(root=tmp_path, annotations=tmp_path / "truth.parquet"), tmp_path).annotations()
    assert table.to_dict("list") == {"clip": ["a"], "frame": [3], "label": [""]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,image\nb,1\n", r"truth\.csv: column frame, label is missing \(found: clip, image\)"),
        ("clip,frame,label\nc,1,x\nd,1,x\nb,1,x\n", r"2 clips not in the data set: c, d \(its clips are 001, b\)"),
        ("clip,frame,label\nb,-1,x\nb,1.5,x\nb,two,x\n", r"not a whole number from 0 on: '-1', '1\.5', 'two'"),
        ("clip,frame,label\nb,1,x\nb,1,y\n", "annotated more than once: b frame 1"),
        ("", r"truth\.csv: annotations cannot be read"),
    ],
)
def test_what_is_wrong_with_annotations_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        annotated(tmp_path, text)


def test_at_most_ten_unknown_clips_are_listed(tmp_path: Path) -> None:
    rows = "".join(f"x{number},0,a\n" for number in range(14))
    with pytest.raises(DataError, match=r"14 clips not in the data set: x0, .*, x9 and 4 more"):
        annotated(tmp_path, "clip,frame,label\n" + rows)


def test_an_annotations_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "a.mp4", "broken.parquet")
    for name, message in (("gone.csv", "no such annotations file"), ("broken.parquet", "annotations cannot be read")):
        with pytest.raises(DataError, match=f"{name}: {message}"):
            Videos(VideosOptions(root=tmp_path, annotations=tmp_path / name), tmp_path).annotations()


def test_images_may_be_face_crops_already(tmp_path: Path) -> None:
    lay(tmp_path, "a.png")
    for root in (tmp_path, tmp_path / "a.png"):
        for cropped in (False, True):
            (clip,) = Videos(VideosOptions(root=root, cropped=cropped), tmp_path).clips()
            assert clip.cropped is cropped


def test_time_segments_become_frames_at_the_videos_rate(tmp_path: Path, videos: Callable[..., Path]) -> None:
    root = videos(tmp_path / "videos", {"a": (10, 10), "b": (10, 10)})
    notes = tmp_path / "notes.csv"
    notes.write_text("clip,begin,end,label\na,0,0.3,x\na,00:00:00.300,0.5,\nb,0.85,1.2,y\n")
    dataset = Videos(VideosOptions(root=root, annotations=notes), root)
    table = dataset.annotations()
    assert table.values.tolist() == [
        ["a", 0, "x"], ["a", 1, "x"], ["a", 2, "x"], ["a", 3, ""], ["a", 4, ""], ["b", 9, "y"],
    ]  # fmt: skip
    assert dataset.notices == ["annotated frames past the end of a clip are cut: b (2)"]
    slower = Videos(VideosOptions(root=root, annotations=notes, frames_per_second=5), root).annotations()
    assert slower["clip"].tolist() == ["a", "a", "a", "b"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,0,x,l\na,1,0,l\n", r"2 time segments cannot be read: line 2 'x' is no time, line 3 1 to 0 ends before"),
        ("a,0,0.5,l\na,0.4,0.6,m\n", r"1 overlap of time segments: a 0:00:00\.000-0:00:00\.500 l and 0:00:00\.400-"),
        ("a,0,9,l\n", r"runs past the end of 1 clip: a \(to .*, frame 90 of 10 at 10/s\)"),
        ("c,0,1,l\n", "1 clip not in the data set: c"),
    ],
)
def test_what_is_wrong_with_time_segments_is_named(
    tmp_path: Path, videos: Callable[..., Path], rows: str, message: str
) -> None:
    root = videos(tmp_path / "videos", {"a": (10, 10)})
    (tmp_path / "notes.csv").write_text("clip,begin,end,label\n" + rows)
    with pytest.raises(DataError, match=message):
        Videos(VideosOptions(root=root, annotations=tmp_path / "notes.csv"), root).annotations()


def test_the_user_states_the_licence(tmp_path: Path) -> None:
    lay(tmp_path, "a.mp4")
    dataset = Videos(VideosOptions(root=tmp_path, licence="mine", faces_may_leave=True), tmp_path)
    assert (dataset.licence.name, dataset.licence.faces_may_leave) == ("mine", True)
