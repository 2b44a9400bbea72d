"""Further faces of a frame: which they are, how they are stored, and that nothing else changes for their sake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.components import Clip, Faces
from harness.errors import ConfigError, DataError, StoreError
from harness.faces import artifact
from harness.faces.choice import choose, ranked
from harness.media import write_video

RED, GREEN, BLUE = (20, 20, 30, "red"), (70, 30, 40, "green"), (100, 4, 20, "blue")
TABLES = (artifact.INDEX, artifact.CROPS, artifact.CLIPS, artifact.SHEET)
SHAPE = (100, 200, 3)


def colours(folder: Path, table: str = artifact.OTHERS) -> list[str]:
    crops = artifact.read_crops(folder, table=table)
    middle = crops[:, crops.shape[1] // 2, crops.shape[2] // 2].astype(int)
    return [("red", "green", "blue")[int(np.argmax(pixel))] for pixel in middle]


# --- which faces


def test_faces_are_ranked_by_the_rule_that_chooses_the_first() -> None:
    found = Faces(
        np.array([(0, 0, 60, 60), (80, 30, 120, 70), (150, 0, 170, 20)], np.float32),
        np.array([0.8, 0.7, 0.9], np.float32),
        np.arange(30, dtype=np.float32).reshape(3, 5, 2),
    )
    for rule, wanted in (("largest", [0, 1, 2]), ("score", [2, 0, 1]), ("centre", [1, 2, 0])):
        faces = ranked(found, SHAPE, rule)
        assert [face.box.tolist() for face in faces] == found.boxes[wanted].tolist()
        assert [face.score for face in faces] == found.scores[wanted].tolist()
        np.testing.assert_array_equal([face.landmarks for face in faces], found.landmarks[wanted])
        assert [face.among for face in faces] == [3, 3, 3]
        assert [face.box.tolist() for face in ranked(found, SHAPE, rule, most=2)] == found.boxes[wanted[:2]].tolist()


def test_what_cannot_be_a_face_or_scores_too_low_is_no_further_face_either() -> None:
    boxes = [
        (0, 0, 50, 50),
        (60, 0, 90, 30),
        (10, 10, 10.5, 40),
        (300, 0, 350, 50),
        (0, 0, 9, np.nan),
        (100, 50, 150, 90),
    ]
    scores = [0.9, 0.2, 0.9, 0.9, 0.9, 0.6]
    faces = ranked(Faces(np.array(boxes, np.float32), np.array(scores, np.float32)), SHAPE, "score", 0.5)
    assert [face.box.tolist() for face in faces] == [[0, 0, 50, 50], [100, 50, 150, 90]]


boxes = st.tuples(st.integers(-20, 190), st.integers(-20, 90), st.integers(1, 60), st.sampled_from([0.2, 0.5, 0.9]))


@given(st.lists(boxes, max_size=8), st.sampled_from(["largest", "score", "centre"]), st.integers(1, 4))
def test_fewer_faces_are_the_first_of_all_and_the_first_is_the_chosen_one(rows, rule, most) -> None:
    table = np.array([(x, y, x + side, y + side, score) for x, y, side, score in rows], np.float32).reshape(-1, 5)
    found = Faces(table[:, :4], table[:, 4])
    every = [(*face.box, face.score) for face in ranked(found, SHAPE, rule, 0.4)]
    assert [(*face.box, face.score) for face in ranked(found, SHAPE, rule, 0.4, most)] == every[:most]
    chosen = choose(found, SHAPE, rule, 0.4)
    assert ([] if chosen is None else [(*chosen.box, chosen.score)]) == every[:1]
    assert {face[4] for face in every} <= {np.float32(0.5), np.float32(0.9)}


# --- how they are stored


def test_further_faces_stand_in_a_table_of_their_own(run_faces, draw, lay_folder) -> None:
    frames = [draw(RED, GREEN, BLUE), draw(RED), draw(), draw(RED, BLUE)]
    ran = run_faces([lay_folder("clip", frames, subject="anna")], others=True, min_score=0.1)
    assert colours(ran.folder, artifact.CROPS) == ["green", "red", "red"]
    assert colours(ran.folder) == ["red", "blue", "blue"]
    table = artifact.read_faces(ran.folder, artifact.OTHERS)
    assert table["face"].tolist() == [0, 1, 2]
    assert table["beside"].tolist() == [0, 0, 2]
    assert table["frame"].tolist() == [0, 0, 3]
    assert table["x0"].tolist() == [20, 100, 100]
    assert table["score"].tolist() == pytest.approx([0.9, 0.7, 0.7])
    assert set(table["subject"]) == {"anna"}
    assert ran.notices == []
    index = artifact.read_index(ran.folder)
    assert index["face"].tolist() == [0, 1, 1, 2]  # a gap copies the chosen face
    assert index["faces_found"].tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize(("others", "wanted"), [(1, ["red"]), (2, ["red", "blue"]), (9, ["red", "blue"])])
def test_their_number_can_be_limited(run_faces, draw, lay_folder, others: int, wanted: list[str]) -> None:
    assert colours(run_faces([lay_folder("clip", [draw(RED, GREEN, BLUE)])], others=others).folder) == wanted


def test_they_are_cut_out_as_if_they_had_been_chosen(run_faces, draw, lay_folder) -> None:
    clip = lay_folder("clip", [draw(RED, GREEN)])
    one, other = (run_faces([clip], choose=rule, others=True) for rule in ("largest", "score"))
    for first, second in ((one, other), (other, one)):
        chosen = artifact.read_faces(first.folder)["sha256"].tolist()
        assert chosen == artifact.read_faces(second.folder, artifact.OTHERS)["sha256"].tolist()


def test_the_other_tables_are_the_same_to_the_byte_with_and_without(run_faces, draw, tmp_path: Path) -> None:
    frames = [draw((5 + number, 20, 30, "red"), *([GREEN, BLUE] if number % 9 else [])) for number in range(36)]
    write_video(tmp_path / "clip.mp4", frames, 25)
    clips = [Clip("clip", tmp_path / "clip.mp4")]
    off, also_off, on, again = (
        run_faces(clips, batch=4, format="jpeg", **more)
        for more in ({}, {"others": False}, {"others": True}, {"others": True})
    )
    assert not (off.folder / artifact.OTHERS).exists()
    assert not (also_off.folder / artifact.OTHERS).exists()
    for name in TABLES:
        assert len({(ran.folder / name).read_bytes() for ran in (off, also_off, on, again)}) == 1
    assert (on.folder / artifact.OTHERS).read_bytes() == (again.folder / artifact.OTHERS).read_bytes()
    assert colours(on.folder) == ["red", "blue"] * 32


def test_crops_clips_without_media_and_single_faces_have_none_and_it_is_said(
    run_faces, draw, lay_folder, tmp_path: Path
) -> None:
    Image.fromarray(draw(RED, GREEN)).save(tmp_path / "crop.png")
    clips = [
        Clip("crop", tmp_path / "crop.png", cropped=True), Clip("list", None, frames=3), lay_folder("one", [draw(RED)]),
    ]  # fmt: skip
    ran = run_faces(clips, others=True)
    assert artifact.read_crops(ran.folder, table=artifact.OTHERS).shape == (0, 0, 0, 3)
    assert len(artifact.read_faces(ran.folder)) == 5
    assert "faces.others: no frame shows a second face" in ran.notices


def test_faces_that_cannot_be_aligned_are_counted_with_the_further_ones(run_faces, draw, lay_folder) -> None:
    ran = run_faces([lay_folder("clip", [draw(RED, GREEN)])], others=True, detector_options={"landmarks": False})
    assert ran.notices[0].startswith("2 of 2 faces are cropped by their box")


def test_damage_is_one_line_that_names_the_table(run_faces, draw, lay_folder) -> None:
    folder = run_faces([lay_folder("clip", [draw(RED, GREEN)])], others=True).folder
    with pytest.raises(DataError, match=r"others\.parquet: no such face 7 \(there are 1\)"):
        artifact.read_crops(folder, [7], table=artifact.OTHERS)
    content = (folder / artifact.OTHERS).read_bytes()
    (folder / artifact.OTHERS).write_bytes(content.replace(b"\x89PNG", b"xxxx"))
    with pytest.raises(StoreError, match=r"others\.parquet: the image of face 0 is damaged; delete"):
        artifact.read_crops(folder, table=artifact.OTHERS)
    (folder / artifact.OTHERS).write_bytes(content[:-20])
    with pytest.raises(StoreError, match=r"others\.parquet: damaged"):
        artifact.read_faces(folder, artifact.OTHERS)


def test_a_number_below_none_is_refused(run_faces, draw, lay_folder) -> None:
    with pytest.raises(ConfigError, match=r"faces\.others"):
        run_faces([lay_folder("clip", [draw(RED)])], others=-1)
