"""The user's own labelled images: class folders and manifests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.datasets.folder import Folder
from harness.datasets.options import FolderOptions
from harness.errors import DataError
from harness.expressions import RAF_DB_BASIC_7
from harness.testing import check_dataset


def lay(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def load(root: Path, **options: object) -> Folder:
    return Folder(FolderOptions(root=root, **options), root)


def labels(dataset: Folder) -> dict[str, str]:
    table = dataset.annotations()
    return dict(zip(table["clip"], table["label"], strict=True))


def test_class_folders_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, "sad/2.jpg", "sad/10.png", "Happy/deep/er/1.jpg", "sad/notes.txt", ".cache/x.jpg", "loose.jpg")
    dataset = load(tmp_path)
    check_dataset(dataset, RAF_DB_BASIC_7)
    assert labels(dataset) == {"Happy/deep/er/1": "Happy", "sad/2": "sad", "sad/10": "sad"}
    assert not dataset.clips()[0].cropped
    assert (dataset.licence.name, dataset.licence.faces_may_leave) == ("unknown", False)


def test_the_user_states_licence_and_crops(tmp_path: Path) -> None:
    dataset = load(lay(tmp_path, "a/1.jpg"), cropped=True, licence="CC0", faces_may_leave=True)
    assert dataset.clips()[0].cropped
    assert (dataset.licence.name, dataset.licence.faces_may_leave) == ("CC0", True)


def test_a_split_is_a_folder_above_the_classes(tmp_path: Path) -> None:
    lay(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg")
    dataset = load(tmp_path, split="test")
    assert labels(dataset) == {"test/a/3": "a"}
    assert dataset.survey({}).counts == {"test": {"a": 1}, "train": {"a": 1, "b": 1}}


def test_labels_map_what_is_no_class_name(tmp_path: Path) -> None:
    lay(tmp_path, "0/1.jpg", "1/2.jpg")
    assert labels(load(tmp_path, labels={"0": "Neutral", "1": ""})) == {"0/1": "Neutral", "1/2": ""}
    with pytest.raises(DataError, match=r"labels: 2 is no label of the data set \(its labels are 0, 1\)"):
        load(tmp_path, labels={"2": "Anger"})


def manifest(root: Path, text: str) -> Path:
    path = root / "manifest.csv"
    path.write_text(text)
    return path


def test_a_manifest_names_files_labels_subjects_and_splits(tmp_path: Path) -> None:
    lay(tmp_path, "1.jpg", "x/2.jpg")
    path = manifest(tmp_path, "file,label,subject,split\n1.jpg,Happy,ann,train\nx/2.jpg,,,test\n")
    dataset = load(tmp_path, manifest=path)
    check_dataset(dataset, RAF_DB_BASIC_7)
    assert labels(dataset) == {"1": "Happy", "x/2": ""}
    assert [clip.subject for clip in dataset.clips()] == ["ann", None]
    assert labels(load(tmp_path, manifest=path, split="test")) == {"x/2": ""}
    assert [(item.part, item.subject) for item in dataset.items()] == [("train", "ann"), ("test", None)]


def test_a_manifest_may_be_parquet_with_absolute_files(tmp_path: Path) -> None:
    lay(tmp_path, "images/1.jpg")
    path = tmp_path / "manifest.parquet"
    pd.DataFrame({"file": [str(tmp_path / "images/1.jpg")], "label": [None]}).to_parquet(path)
    dataset = load(tmp_path, manifest=path)
    assert dataset.clips()[0].source == tmp_path / "images/1.jpg"
    assert list(labels(dataset).values()) == [""]


def test_images_of_a_manifest_that_are_missing_are_listed(tmp_path: Path) -> None:
    dataset = load(tmp_path, manifest=manifest(tmp_path, "file,label\n1.jpg,a\n2.jpg,a\n"))
    with pytest.raises(DataError, match=r"2 of the 2 images that are listed are missing: 1\.jpg, 2\.jpg"):
        dataset.clips()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\n1.jpg,a\n", r"column file is missing \(found: image, label\); needed: file, label, and if"),
        ("file,label\n", "the manifest has no row"),
        ("file,label\n,a\n", "no file named: 1 row: line 2"),
        ("file,label\n1.jpg,a\n1.jpg,b\n", r"listed more than once: 1 row: 1\.jpg"),
        ("file,label\n1.mp4,a\n", r"not an image: 1 row: 1\.mp4"),
        ("file,label\n1.jpg,a\n1.png,b\n", "different in their suffix alone: 1 row: 1"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path, manifest=manifest(tmp_path, text))


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: no such manifest file"):
        load(tmp_path, manifest=tmp_path / "gone.csv")


def test_wrong_roots(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no class folder with images; is this the right folder\?"):
        load(tmp_path)
    with pytest.raises(DataError, match="1 image lies in it without a class; write a manifest"):
        load(lay(tmp_path, "1.jpg"))
    with pytest.raises(DataError, match=r"validation: no such folder; split 'validation' is a folder in root"):
        load(lay(tmp_path, "train/a/1.jpg"), split="validation")
    with pytest.raises(DataError, match=r"no image of split 'dev' \(there are test\)"):
        load(tmp_path, split="dev", manifest=manifest(tmp_path, "file,label,split\n1.jpg,a,test\n"))
    with pytest.raises(DataError, match="different in their suffix alone: 1 image: a/1"):
        load(lay(tmp_path / "twice", "a/1.jpg", "a/1.png"))
