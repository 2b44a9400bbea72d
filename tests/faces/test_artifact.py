"""Reading the faces artifact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.components import Clip
from harness.errors import DataError, StoreError
from harness.faces import artifact


@pytest.fixture
def artifact_folder(run_faces, draw, lay_folder) -> Path:
    frames = [draw((10 + number, 20, 30, "red")) for number in range(9)]
    return run_faces([lay_folder("clip", frames)]).folder


def test_crops_are_read_whole_or_by_face_in_the_order_asked_for(artifact_folder: Path) -> None:
    crops = artifact.read_crops(artifact_folder)
    assert crops.shape == (9, 32, 32, 3)
    assert crops.dtype == np.uint8
    np.testing.assert_array_equal(artifact.read_crops(artifact_folder, [7, 2, 7]), crops[[7, 2, 7]])
    assert artifact.read_crops(artifact_folder, np.array([1]), size=16).shape == (1, 16, 16, 3)
    assert artifact.read_crops(artifact_folder, []).shape == (0, 32, 32, 3)


def test_crops_stream_in_batches(artifact_folder: Path) -> None:
    parts = list(artifact.iter_crops(artifact_folder, batch=4))
    assert [ids.tolist() for ids, _ in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert all(isinstance(image, bytes) for _, images in parts for image in images)


def test_crops_are_written_in_row_groups_that_can_be_read_alone(tmp_path: Path) -> None:
    with artifact.TableWriter(tmp_path, artifact.CROPS) as writer:
        for face in range(600):
            row = {"face": [face], "clip": ["a"], "frame": [face], "subject": ["a"], "image": [b"x"], "sha256": ["y"]}
            writer.append(row)
    file = pq.ParquetFile(tmp_path / artifact.CROPS)
    groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    assert groups == [64] * 9 + [24]
    assert artifact.read_faces(tmp_path)["face"].tolist() == list(range(600))


def test_large_images_make_smaller_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "GROUP_BYTES", 100)
    with artifact.TableWriter(tmp_path, artifact.CROPS) as writer:
        for face in range(5):
            row = {"face": [face], "clip": ["a"], "frame": [face], "subject": ["a"], "image": [bytes(60)]}
            writer.append(row | {"sha256": ["y"]})
    file = pq.ParquetFile(tmp_path / artifact.CROPS)
    assert [file.metadata.row_group(number).num_rows for number in range(3)] == [2, 2, 1]
    assert artifact.read_faces(tmp_path)["face"].tolist() == list(range(5))


def test_rows_that_come_all_at_once_are_written_in_the_same_groups(tmp_path: Path) -> None:
    count = 600
    with artifact.TableWriter(tmp_path, artifact.CROPS) as writer:
        names = ["a"] * count
        rows = {"face": range(count), "clip": names, "frame": np.arange(count), "subject": names}
        writer.append(rows | {"image": [b"x"] * count, "sha256": names})
    file = pq.ParquetFile(tmp_path / artifact.CROPS)
    assert [file.metadata.row_group(number).num_rows for number in range(10)] == [64] * 9 + [24]
    assert artifact.read_faces(tmp_path)["frame"].tolist() == list(range(count))
    assert artifact.read_frame_numbers(tmp_path, [599, 3, 256, 3]).tolist() == [599, 3, 256, 3]
    with pytest.raises(DataError, match=r"crops\.parquet: no such face 600 \(there are 600\)"):
        artifact.read_frame_numbers(tmp_path, [600])


def test_faces_of_several_row_groups_come_in_the_order_asked_for(run_faces, draw, tmp_path: Path) -> None:
    from PIL import Image

    clips = []
    for number in range(300):
        image = np.full((8, 8, 3), number % 256, np.uint8)
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        clips.append(Clip(f"{number:03}", tmp_path / f"{number}.png", cropped=True))
    folder = run_faces(clips, size=8, batch=64).folder
    wanted = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(artifact.read_crops(folder, wanted)[:, 0, 0, 0], wanted % 256)


def test_faces_that_do_not_exist_are_named(artifact_folder: Path) -> None:
    with pytest.raises(DataError, match=r"crops\.parquet: no such face 9, -1 \(there are 9\)"):
        artifact.read_crops(artifact_folder, [0, 9, -1])


@pytest.mark.parametrize("name", [artifact.INDEX, artifact.CROPS, artifact.CLIPS])
def test_a_damaged_table_is_named(artifact_folder: Path, name: str) -> None:
    readers = {
        artifact.INDEX: artifact.read_index,
        artifact.CLIPS: artifact.read_clips,
        artifact.CROPS: artifact.read_crops,
    }
    path = artifact_folder / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=rf"{name}: damaged \(.*\); delete the artifact's folder and run again"):
        readers[name](artifact_folder)
    path.write_bytes(b"")
    with pytest.raises(StoreError, match=f"{name}: damaged"):
        readers[name](artifact_folder)
    path.unlink()
    with pytest.raises(StoreError, match=f"{name}: the file is missing"):
        readers[name](artifact_folder)


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"clip": ["a"]}), tmp_path / artifact.CLIPS)
    with pytest.raises(StoreError, match=r"clips\.parquet: column subject, frames, .* is missing"):
        artifact.read_clips(tmp_path)


@pytest.mark.parametrize("faces", [None, [0]])
def test_a_damaged_image_is_named(tmp_path: Path, faces) -> None:
    row = {"face": [0], "clip": ["a"], "frame": [0], "subject": ["a"], "image": [b"words"], "sha256": ["y"]}
    with artifact.TableWriter(tmp_path, artifact.CROPS) as writer:
        writer.append(row)
    with pytest.raises(StoreError, match=r"crops\.parquet: the image of face 0 is damaged"):
        artifact.read_crops(tmp_path, faces)
