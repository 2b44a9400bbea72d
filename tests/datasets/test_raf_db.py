"""RAF-DB in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.datasets.options import RafDbOptions
from harness.datasets.raf_db import NAMES, PUBLISHED, TOTALS, RafDb
from harness.datasets.stills import count
from harness.errors import DataError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7
from harness.testing import check_dataset

LABELS = {"train_0001": 1, "train_0002": 8, "train_0003": 2, "test_0001": 11, "test_0002": 4}
Build = Callable[..., Path]


def load(root: Path, **options: object) -> RafDb:
    return RafDb(RafDbOptions(root=root, **options), root)


def labels(dataset: RafDb) -> dict[str, str]:
    table = dataset.annotations()
    assert (table["frame"] == 0).all()
    return dict(zip(table["clip"], table["label"], strict=True))


def test_the_training_part_is_face_crops_with_compound_names(tmp_path: Path, raf_db: Build) -> None:
    dataset = load(raf_db(tmp_path, LABELS))
    check_dataset(dataset)
    assert labels(dataset) == {
        "train_0001": "Happily Surprised",
        "train_0002": "Fearfully Surprised",
        "train_0003": "Happily Disgusted",
    }
    first = dataset.clips()[0]
    assert (first.id, first.subject, first.cropped) == ("train_0001", None, True)
    assert first.source == tmp_path / "compound/Image/aligned/train_0001_aligned.jpg"
    assert not dataset.licence.faces_may_leave


def test_the_split_chooses(tmp_path: Path, raf_db: Build) -> None:
    raf_db(tmp_path, LABELS)
    assert list(labels(load(tmp_path, split="test"))) == ["test_0001", "test_0002"]
    assert list(labels(load(tmp_path, split="both"))) == list(LABELS)
    with pytest.raises(ValidationError):
        load(tmp_path, split="validation")


def test_archives_unpacked_into_a_folder_of_their_own_are_found(tmp_path: Path, raf_db: Build) -> None:
    dataset = load(raf_db(tmp_path, LABELS, inner="aligned"))
    assert dataset.clips()[0].source == tmp_path / "compound/Image/aligned/aligned/train_0001_aligned.jpg"


def test_originals_are_photographs_in_which_faces_are_looked_for(tmp_path: Path, raf_db: Build) -> None:
    first = load(raf_db(tmp_path, LABELS), images="original").clips()[0]
    assert (first.source.name, first.cropped) == ("train_0001.jpg", False)


def test_the_basic_part(tmp_path: Path, raf_db: Build) -> None:
    dataset = load(raf_db(tmp_path, {"train_00001": 7, "test_0001": 1}, part="basic"), part="basic", split="both")
    check_dataset(dataset, RAF_DB_BASIC_7)
    assert labels(dataset) == {"train_00001": "Neutral", "test_0001": "Surprise"}


def test_the_root_may_be_the_part_itself(tmp_path: Path, raf_db: Build) -> None:
    raf_db(tmp_path, LABELS)
    assert len(load(tmp_path / "compound").clips()) == 3


def test_ids_lead_to_the_official_classes_as_the_method_says() -> None:
    to_official = {"8": 0, "1": 1, "5": 2, "11": 3, "9": 4, "3": 5, "4": 6}
    found = {number: ABAW_COMPOUND_7.find(name) for number, name in NAMES["compound"].items()}
    assert {number: place for number, place in found.items() if place is not None} == to_official
    assert tuple(NAMES["basic"].values()) == RAF_DB_BASIC_7.names


def test_published_counts_add_up() -> None:
    assert [sum(counts.values()) for counts in PUBLISHED["compound"].values()] == [1562, 397]
    assert {part: sum(counts.values()) for part, counts in PUBLISHED["basic"].items()} == TOTALS["basic"]


def test_the_survey_counts_every_split(tmp_path: Path, raf_db: Build) -> None:
    dataset = load(raf_db(tmp_path, LABELS))
    survey = dataset.survey({})
    assert survey.counts["test"] == {"Disgustedly Surprised": 1, "Sadly Angry": 1}
    assert len(dataset.items()) == 5
    assert survey.totals == {"train": 3162, "test": 792}
    assert "no" not in count([])


def test_the_contents_of_the_part_alone_are_in_the_fingerprint(tmp_path: Path, raf_db: Build) -> None:
    raf_db(tmp_path, LABELS)
    assert RafDbOptions(root=tmp_path).sources() == [tmp_path / "compound"]
    assert RafDbOptions(root=tmp_path / "compound").sources() == [tmp_path / "compound"]


def list_of(root: Path) -> Path:
    return root / "compound/EmoLabel/list_patition_label.txt"


def test_a_mended_spelling_of_the_list_is_taken(tmp_path: Path, raf_db: Build) -> None:
    path = list_of(raf_db(tmp_path, LABELS))
    path.rename(path.with_name("list_partition_label.txt"))
    assert len(load(tmp_path).clips()) == 3


def test_a_wrong_root_is_named_and_the_right_one_suggested(tmp_path: Path, raf_db: Build) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; root is the folder that holds compound/ and basic/"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no compound/EmoLabel/list_patition_label\.txt; is this RAF-DB"):
        load(tmp_path)
    raf_db(tmp_path / "RAF", LABELS)
    with pytest.raises(DataError, match=r"is .*RAF meant\?"):
        load(tmp_path)


def test_the_list_that_is_gone(tmp_path: Path, raf_db: Build) -> None:
    list_of(raf_db(tmp_path, LABELS)).unlink()
    with pytest.raises(DataError, match=r"list_patition_label\.txt: no such file; it should hold label"):
        load(tmp_path)


def test_an_archive_that_is_still_packed_is_named(tmp_path: Path, raf_db: Build) -> None:
    place = raf_db(tmp_path, LABELS) / "compound/Image"
    for path in (place / "aligned").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"aligned: holds no image; is the archive unpacked\?"):
        load(tmp_path)
    (place / "aligned.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"aligned: holds no image; unpack aligned\.zip there"):
        load(tmp_path)


def test_images_in_the_list_that_are_missing_are_listed(tmp_path: Path, raf_db: Build) -> None:
    many = {f"train_{number:04}": 1 for number in range(1, 15)}
    raf_db(tmp_path, many)
    for number in range(1, 13):
        (tmp_path / f"compound/Image/aligned/train_{number:04}_aligned.jpg").unlink()
    with pytest.raises(
        DataError,
        match=r"12 of the 14 images that are listed are missing: train_0001_aligned\.jpg, .*train_0010_aligned\.jpg "
        r"and 2 more; is the archive unpacked whole\?",
    ):
        load(tmp_path).clips()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "train_1.jpg 12\ntest_1.jpg x\n",
            r"unknown label of 2 images: train_1\.jpg 12, test_1\.jpg x \(known: 1, ",
        ),
        ("train_1.jpg\n\ntrain_2.jpg 1 2\n", r"2 lines not of the form 'image label': line 1 'train_1\.jpg', line 3"),
        ("train_1.jpg 1\ntrain_1.jpg 2\n", r"two different labels of 1 image: train_1\.jpg"),
        ("0001.jpg 1\n", r"names that begin with neither train_ nor test_: 0001\.jpg"),
        ("\n", "the list is empty"),
    ],
)
def test_what_is_wrong_with_the_list_is_named(tmp_path: Path, raf_db: Build, text: str, message: str) -> None:
    list_of(raf_db(tmp_path, LABELS)).write_text(text)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_list_that_is_no_text(tmp_path: Path, raf_db: Build) -> None:
    list_of(raf_db(tmp_path, LABELS)).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        load(tmp_path)
