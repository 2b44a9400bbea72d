import numpy as np
import pytest

from harness.errors import DataError, StoreError
from harness.faces import artifact
from harness.faces.artifact import CROPS, TableWriter
from harness.labeling.crops import FacesToAsk

ALL = {"rule": "all"}


def write(folder, *rows):
    """A faces artifact of (clip, frame, image bytes), three to a row group."""
    folder.mkdir()
    with TableWriter(folder, CROPS) as writer:
        for number, (clip, frame, image) in enumerate(rows):
            columns = {"face": number * 10, "clip": clip, "frame": frame, "subject": clip, "image": image, "sha256": ""}
            writer.append({name: [value] for name, value in columns.items()})
    return folder


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(artifact, "ROW_GROUP", {**artifact.ROW_GROUP, CROPS: 3})


def numbered(count):
    return [(f"clip-{number // 4}", number % 4, b"image %d" % number) for number in range(count)]


def test_faces_come_in_order_with_their_own_images(tmp_path):
    faces = FacesToAsk.sampled(write(tmp_path / "faces", *numbered(10)), ALL)
    assert len(faces) == 10
    for number, face in enumerate(faces):
        assert (face.id, face.clip, face.frame) == (number * 10, f"clip-{number // 4}", number % 4)
        assert (face.image, face.larger) == (b"image %d" % number, None)
        assert face.key == f"clip-{number // 4}/{number % 4}"


def test_they_can_be_gone_over_again(tmp_path):
    faces = FacesToAsk.sampled(write(tmp_path / "faces", *numbered(7)), ALL)
    assert list(faces) == list(faces)


def test_a_sample_has_the_images_of_its_faces(tmp_path):
    faces = FacesToAsk.sampled(write(tmp_path / "faces", *numbered(10)), {"rule": "every", "every": 3})
    assert [face.image for face in faces] == [b"image %d" % number for number in (0, 3, 4, 7, 8)]
    assert faces.face.tolist() == [0, 30, 40, 70, 80]


def test_each_row_group_is_read_once(tmp_path, monkeypatch):
    faces = FacesToAsk.sampled(write(tmp_path / "faces", *numbered(10)), ALL)
    import pyarrow.parquet as pq

    read, groups = pq.ParquetFile.read_row_group, []
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, group, **more: groups.append(group) or read(self, group, **more)
    )
    list(faces)
    assert groups == [0, 1, 2, 3]


def test_larger_crops_are_found_by_clip_and_frame(tmp_path):
    faces = write(tmp_path / "faces", ("a", 0, b"a0"), ("a", 2, b"a2"), ("b", 0, b"b0"), ("b", 1, b"b1"))
    larger = write(tmp_path / "larger", ("b", 1, b"B1"), ("a", 0, b"A0"), ("a", 1, b"A1"), ("a", 2, b"A2"))
    found = {face.key: face.larger for face in FacesToAsk.sampled(faces, ALL, larger)}
    assert found == {"a/0": b"A0", "a/2": b"A2", "b/0": None, "b/1": b"B1"}


def test_no_face_is_said(tmp_path):
    with pytest.raises(DataError, match="there is no face to label: the faces stage found none in any clip"):
        FacesToAsk.sampled(write(tmp_path / "faces"), ALL)


def test_a_missing_and_a_damaged_artifact_are_named(tmp_path):
    with pytest.raises(StoreError, match=r"crops\.parquet cannot be read"):
        FacesToAsk.sampled(tmp_path, ALL)
    folder = write(tmp_path / "faces", *((clip, frame, image * 100) for clip, frame, image in numbered(9)))
    faces = FacesToAsk.sampled(folder, ALL)
    data = bytearray((folder / CROPS).read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    (folder / CROPS).write_bytes(data)
    with pytest.raises(StoreError, match=r"crops\.parquet cannot be read"):
        list(faces)


def test_numbers_are_plain(tmp_path):
    face = next(iter(FacesToAsk.sampled(write(tmp_path / "faces", *numbered(1)), ALL)))
    assert type(face.id) is int
    assert type(face.frame) is int
    assert not isinstance(face.clip, np.str_)
