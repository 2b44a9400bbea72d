"""Clips without media go through the faces stage as lists of frames; whoever wants to look at a face is told so."""

from __future__ import annotations

import numpy as np
import pytest

from harness.components import Clip
from harness.errors import DataError
from harness.faces import artifact
from harness.faces.sheet import spread
from harness.labeling.changes import small_crops
from harness.labeling.crops import FacesToAsk

RED = (20, 20, 30, "red")
TWO = [Clip("01", None, frames=5, frames_per_second=25.0), Clip("02", None, frames=3)]


def test_every_listed_frame_gets_a_face_of_its_own_without_an_image(run_faces) -> None:
    ran = run_faces(TWO)
    index = artifact.read_index(ran.folder)
    assert index["clip"].tolist() == ["01"] * 5 + ["02"] * 3
    assert index["frame"].tolist() == index["source_frame"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert index["face"].tolist() == list(range(8))
    assert set(index["status"]) == {"listed"}
    np.testing.assert_allclose(index["time"][:5], np.arange(5) / 25)
    assert index[["x0", "score"]].isna().all(axis=None)
    assert index["time"][5:].isna().all()  # nobody said how many frames a second clip 02 has
    faces = artifact.read_faces(ran.folder)
    assert faces["face"].tolist() == list(range(8))
    assert faces["frame"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert [len(image) for _, images in artifact.iter_crops(ran.folder) for image in images] == [0] * 8


def test_a_listed_clip_says_so_in_its_row_and_in_a_notice_and_has_no_contact_sheet(run_faces) -> None:
    ran = run_faces(TWO)
    first, second = artifact.read_clips(ran.folder).to_dict("records")
    assert (first["frames"], first["frames_per_second"], first["faces"], first["status"]) == (5, 25, 5, "listed")
    assert second["subject"] == "02"
    assert np.isnan(second["frames_per_second"])
    assert not (ran.folder / artifact.SHEET).exists()
    assert ran.notices == [
        "no media, only a list of frames, of 2 clips (01, 02): labels by clip and frame can be used, nothing can look "
        "at a face",
        "no contact sheet: there is no image of any face",
    ]


def test_no_detector_is_built_where_there_is_nothing_to_detect(run_faces) -> None:
    run_faces(TWO, detector="one that nobody has")


def test_beside_clips_with_media_faces_are_numbered_in_the_order_of_clips(run_faces, draw, lay_folder) -> None:
    before, after = lay_folder("a", [draw(RED)] * 3), lay_folder("c", [draw(RED)] * 2)
    ran = run_faces([before, Clip("b", None, frames=2), after])
    index = artifact.read_index(ran.folder)
    assert index["clip"].tolist() == ["a"] * 3 + ["b"] * 2 + ["c"] * 2
    assert index["face"].tolist() == list(range(7))
    assert index["status"].tolist() == ["detected"] * 3 + ["listed"] * 2 + ["detected"] * 2
    assert artifact.read_faces(ran.folder)["clip"].tolist() == index["clip"].tolist()
    assert artifact.read_crops(ran.folder, [0, 1, 2, 5, 6]).shape == (5, 32, 32, 3)
    assert (ran.folder / artifact.SHEET).is_file()
    assert ran.progress[-1] == ("faces", 5, 5)  # listed frames are no work


def test_a_clip_without_media_or_frames_is_left_out(run_faces) -> None:
    ran = run_faces([Clip("nothing", None), Clip("02", None, frames=3)])
    assert artifact.read_index(ran.folder)["clip"].tolist() == ["02"] * 3
    assert artifact.read_clips(ran.folder)["status"].tolist() == ["unreadable", "listed"]
    assert "clip nothing cannot be read and is left out: it has no media, and no frames are listed" in ran.notices


def test_whoever_wants_to_look_at_a_face_without_media_is_told_so(run_faces) -> None:
    folder = run_faces(TWO).folder
    message = (
        "^clip 02 has no media, only a list of its frames, so nothing can look at its faces: only labels by clip and "
        r"frame can be used \(labeler 'replay', no networks\)$"
    )
    with pytest.raises(DataError, match=message):
        artifact.read_crops(folder, [6, 7])
    with pytest.raises(DataError, match=message):
        list(small_crops(folder / artifact.CROPS)(np.array([5])))
    last = FacesToAsk.sampled(folder, {"rule": "every", "every": 10})
    assert len(last) == 2
    with pytest.raises(DataError, match="clip 01 has no media"):
        list(last)


def test_the_sampling_rules_that_look_at_no_face_work_without_media(run_faces) -> None:
    folder = run_faces(TWO).folder
    assert FacesToAsk.sampled(folder, {"rule": "every", "every": 2}).frame.tolist() == [0, 2, 4, 0, 2]
    with pytest.raises(DataError, match="clip 01 has no media"):
        FacesToAsk.sampled(folder, {"rule": "changes", "change": 0.1})


def test_the_contact_sheet_leaves_out_the_faces_of_clips_without_media() -> None:
    assert spread([3, 2, 2], 80, np.array([True, False, True])).tolist() == [0, 1, 2, 5, 6]
