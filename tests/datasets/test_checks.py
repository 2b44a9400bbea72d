"""Whether a data set is whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.datasets import c_expr_survey, raf_db
from harness.datasets.c_expr_db import CExprDb
from harness.datasets.checks import Report, as_json, check, sizes_of
from harness.datasets.folder import Folder
from harness.datasets.options import CExprDbOptions, FolderOptions, RafCeOptions, RafDbOptions, VideosOptions
from harness.datasets.raf_ce import RafCe
from harness.datasets.survey import FileFacts
from harness.datasets.videos import Videos

Build = Callable[..., Path]


def looked_at(dataset: object, *, deep: bool = False) -> Report:
    return check(dataset, lambda *_: None, deep=deep)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Mapping[str, int]]], None]:
    """Pretend that these are the published counts of RAF-DB's compound part."""

    def replace(counts: Mapping[str, Mapping[str, int]]) -> None:
        monkeypatch.setitem(raf_db.PUBLISHED, "compound", counts)
        monkeypatch.setitem(raf_db.TOTALS, "compound", {part: sum(of.values()) for part, of in counts.items()})

    return replace


def raf(root: Path) -> raf_db.RafDb:
    return raf_db.RafDb(RafDbOptions(root=root), root)


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_data_set_has_no_problem(
    tmp_path: Path, raf_db: Build, published: Callable[..., None], deep: bool
) -> None:
    published({"train": {"Sadly Angry": 2}, "test": {"Sadly Angry": 1}})
    report = looked_at(raf(raf_db(tmp_path, {"train_1": 4, "train_2": 4, "test_1": 4})), deep=deep)
    assert report.whole, report.problems
    assert report.files == 3
    assert report.sizes is not None
    assert report.sizes.commonest == ((100, 100, 3),)
    assert [(one.part, one.found, one.published) for one in report.counts] == [("train", 2, 2), ("test", 1, 1)]


def test_counts_that_differ_are_named(tmp_path: Path, raf_db: Build, published: Callable[..., None]) -> None:
    published({"train": {"Sadly Angry": 3}, "test": {"Sadly Angry": 1}})
    report = looked_at(raf(raf_db(tmp_path, {"train_1": 4, "test_1": 4})))
    assert report.problems == (
        "counts of images that differ from the published ones, 2: train Sadly Angry 1 for 3, train in all 1 for 3",
    )


def test_missing_and_unreadable_files_are_listed_with_their_number(
    tmp_path: Path, raf_db: Build, published: Callable[..., None]
) -> None:
    published({"train": {"Sadly Angry": 14}})
    folder = raf_db(tmp_path, {f"train_{number:02}": 4 for number in range(14)}) / "compound/Image/aligned"
    for number in range(11):
        (folder / f"train_{number:02}_aligned.jpg").unlink()
    (folder / "train_11_aligned.jpg").write_bytes(b"")
    (folder / "train_12_aligned.jpg").write_bytes(b"no image")
    report = looked_at(raf(tmp_path))
    missing, unreadable = report.problems
    assert missing.startswith("missing, 11 of 14 files: train_00_aligned.jpg, train_01_aligned.jpg")
    assert missing.endswith("train_09_aligned.jpg and 1 more")
    assert unreadable == (
        "not readable, 2 of 14 files: train_11_aligned.jpg (the file is empty (0 bytes)), train_12_aligned.jpg (not a "
        "video or image that can be read)"
    )


def test_half_an_image_is_found_by_decoding_alone(
    tmp_path: Path, raf_db: Build, published: Callable[..., None]
) -> None:
    published({"train": {"Sadly Angry": 1}})
    path = raf_db(tmp_path, {"train_1": 4}) / "compound/Image/aligned/train_1_aligned.jpg"
    path.write_bytes(path.read_bytes()[:-1500])
    assert looked_at(raf(tmp_path)).whole
    (problem,) = looked_at(raf(tmp_path), deep=True).problems
    assert problem.startswith("not readable, 1 of 1 files: train_1_aligned.jpg (damaged image")


def test_a_file_in_two_splits_is_found_by_decoding(
    tmp_path: Path, raf_db: Build, published: Callable[..., None]
) -> None:
    published({"train": {"Sadly Angry": 1}, "test": {"Sadly Angry": 1}})
    folder = raf_db(tmp_path, {"train_1": 4, "test_1": 4}) / "compound/Image/aligned"
    (folder / "test_1_aligned.jpg").write_bytes((folder / "train_1_aligned.jpg").read_bytes())
    assert looked_at(raf(tmp_path), deep=True).problems == (
        "identical files in more than one split, 1: train train_1 = test test_1",
    )


def test_subjects_and_files_that_cross_a_split_are_named(tmp_path: Path, raf_db: Build) -> None:
    raf_db(tmp_path / "raf", {"train_1": 4, "train_2": 4})
    root = tmp_path / "raf/compound/Image/original"
    (tmp_path / "table.csv").write_text(
        f"file,label,subject,split\ntrain_1.jpg,a,ann,train\ntrain_2.jpg,a,ann,test\n{root}/train_1.jpg,a,bob,test\n"
    )
    report = looked_at(Folder(FolderOptions(root=root, manifest=tmp_path / "table.csv"), root))
    assert report.problems == (
        "subjects in more than one split, 1: ann (test, train)",
        f"clips in more than one split, 1: train train_1 = test {root}/train_1",
    )


def test_raf_ce_is_held_against_its_published_splits(tmp_path: Path, raf_ce: Build) -> None:
    report = looked_at(RafCe(RafCeOptions(root=raf_ce(tmp_path, {"0001": (0, "1", 0)})), tmp_path))
    assert report.problems == (
        "counts of images that differ from the published ones, 3: train in all 1 for 2709, test in all 0 for 909, "
        "validation in all 0 for 931",
    )


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the challenge set has the videos 01, 05 and 09, with 30 frames listed."""
    monkeypatch.setattr(c_expr_survey, "VIDEOS", ("01", "05", "09"))
    monkeypatch.setattr(c_expr_survey, "LISTED_FRAMES", 30)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("deep", "how"), [(False, "headers say (--deep counts)"), (True, "decoding gives")])
def test_the_frame_count_trap_is_told_and_is_no_fault(
    tmp_path: Path, videos: Build, frame_list: Build, deep: bool, how: str
) -> None:
    root = videos(tmp_path / "videos", {"01": (10, 25), "05": (9, 25), "09": (11, 25)})
    listed = frame_list(tmp_path / "list.txt", {"01": 10, "05": 10, "09": 10})
    report = looked_at(CExprDb(CExprDbOptions(root=root, frame_list=listed), tmp_path), deep=deep)
    assert report.whole, report.problems
    assert report.remarks == (
        "frame list: 30 frames of 3 videos, as published",
        f"{how} one frame too few (repeat the last prediction) in 05; as known",
        f"{how} one frame too many (drop the last prediction) in 09; as known",
    )


@pytest.mark.usefixtures("three")
def test_other_differences_between_list_and_videos_are_faults(tmp_path: Path, videos: Build, frame_list: Build) -> None:
    root = videos(tmp_path / "videos", {"01": (10, 25), "05": (30, 25)})
    listed = frame_list(tmp_path / "list.txt", {"01": 20, "05": 9, "09": 1})
    report = looked_at(CExprDb(CExprDbOptions(root=root, frame_list=listed), tmp_path))
    assert report.problems == (
        "1 of the 3 videos is missing: 09",
        "the frame list names frames beyond the end of 1 video: 01 (20 listed, 10 in the video)",
        "more frames than the frame list names in 1 video: 05 (+21)",
    )


@pytest.mark.usefixtures("three")
def test_a_bad_annotation_is_a_problem_among_others(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    listed = frame_list(tmp_path / "list.txt", {"01": 10, "05": 10, "09": 10})
    notes = segments(tmp_path / "notes", {"01": [("0", "9", 1)]})
    (problem,) = looked_at(CExprDb(CExprDbOptions(frame_list=listed, annotations=notes), tmp_path)).problems
    assert "runs past the end of 1 clip" in problem


def test_any_data_set_can_be_checked(tmp_path: Path, videos: Build) -> None:
    root = videos(tmp_path / "videos", {"a": (4, 25), "b": (4, 25)})
    (tmp_path / "truth.csv").write_text("clip,begin,end,label\na,0,0.08,x\n")
    report = looked_at(Videos(VideosOptions(root=root, annotations=tmp_path / "truth.csv"), root), deep=True)
    assert report.whole
    assert [(one.label, one.found) for one in report.counts] == [("x", 2)]
    assert report.remarks == ("no subjects are given: every clip counts as its own",)
    (root / "b.mp4").write_bytes((root / "b.mp4").read_bytes()[:-200])
    broken = looked_at(Videos(VideosOptions(root=root), root), deep=True)
    assert len(broken.problems) == 1
    assert "b.mp4" in broken.problems[0]
    assert broken.remarks[-1] == "nothing is annotated: labels can be made, not scored"


def test_sizes_are_summed_up() -> None:
    sizes = sizes_of([FileFacts(width, 10) for width in (1, 2, 2, 3, 4, 5, 6)])
    assert sizes is not None
    assert (sizes.width, sizes.height, sizes.kinds) == ((1, 3, 6), (10, 10, 10), 6)
    assert sizes.commonest[0] == (2, 10, 2)
    assert len(sizes.commonest) == 5
    assert sizes_of([]) is None


def test_a_report_as_plain_data(tmp_path: Path, raf_ce: Build) -> None:
    report = looked_at(RafCe(RafCeOptions(root=raf_ce(tmp_path, {"0001": (0, "1", 0)})), tmp_path))
    plain = as_json(report, {"data_set": "raf-ce"})
    assert (plain["data_set"], plain["whole"], plain["files"]) == ("raf-ce", False, 1)
    assert plain["counts"] == [{"part": "train", "class": "Happily Surprised", "found": 1, "published": None}]
    assert plain["sizes"]["width"] == (100, 100, 100)
