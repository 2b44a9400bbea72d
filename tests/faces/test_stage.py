"""The faces stage on clips of known content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.components import Clip
from harness.errors import ConfigError, DataError, PluginError
from harness.faces import artifact
from harness.media import write_video

RED, GREEN, BLUE = (20, 20, 30, "red"), (70, 30, 40, "green"), (100, 4, 20, "blue")


def colours(crops: np.ndarray) -> list[str]:
    """Which colour stands in the middle of each crop."""
    middle = crops[:, crops.shape[1] // 2, crops.shape[2] // 2].astype(int)
    return [("red", "green", "blue")[int(np.argmax(pixel))] for pixel in middle]


def test_every_frame_of_a_video_gets_its_face(run_faces, draw, tmp_path: Path) -> None:
    frames = [draw((10 + 2 * number, 20, 32, "red")) for number in range(25)]
    write_video(tmp_path / "clip.mp4", frames, 25, crf=10)
    ran = run_faces([Clip("clip", tmp_path / "clip.mp4", subject="anna")], batch=8)
    index = artifact.read_index(ran.folder)
    assert index["frame"].tolist() == index["face"].tolist() == index["source_frame"].tolist() == list(range(25))
    assert set(index["status"]) == {"detected"}
    np.testing.assert_allclose(index["time"], np.arange(25) / 25, atol=1e-3)
    np.testing.assert_allclose(index["x0"], 10 + 2 * np.arange(25), atol=2)
    assert index["score"].tolist() == pytest.approx([0.9] * 25)
    faces = artifact.read_faces(ran.folder)
    assert faces["face"].tolist() == list(range(25))
    assert set(faces["subject"]) == {"anna"}
    (clip,) = artifact.read_clips(ran.folder).to_dict("records")
    assert (clip["frames"], clip["frames_per_second"], clip["width"], clip["height"]) == (25, 25, 128, 96)
    assert (clip["faces"], clip["status"], clip["note"]) == (25, "ok", "")
    assert ran.notices == []
    assert ran.progress[-1] == ("faces", 25, 25)


@pytest.mark.parametrize(("rule", "wanted"), [("largest", "green"), ("score", "red"), ("centre", "red")])
def test_one_of_several_faces_is_chosen_by_the_rule(run_faces, draw, lay_folder, rule: str, wanted: str) -> None:
    clip = lay_folder("clip", [draw((45, 30, 24, "red"), (80, 30, 40, "green"), (4, 4, 20, "blue"))])
    ran = run_faces([clip], choose=rule)
    assert colours(artifact.read_crops(ran.folder)) == [wanted]
    assert artifact.read_index(ran.folder)["faces_found"].tolist() == [3]


def test_a_frame_without_a_face_takes_the_closest_ones_and_stores_it_once(run_faces, draw, lay_folder) -> None:
    empty = draw()
    frames = [empty, draw(RED), empty, empty, draw(GREEN), empty, draw(BLUE), empty, empty]
    ran = run_faces([lay_folder("clip", frames)])
    index = artifact.read_index(ran.folder)
    assert index["source_frame"].tolist() == [1, 1, 1, 4, 4, 4, 6, 6, 6]  # frame 5 ties: the earlier one
    assert index["face"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert np.flatnonzero(index["status"] == "detected").tolist() == [1, 4, 6]
    assert set(index["status"]) == {"copied", "detected"}
    assert index["faces_found"].tolist() == [0, 1, 0, 0, 1, 0, 1, 0, 0]
    assert index["x0"].tolist() == [20, 20, 20, 70, 70, 70, 100, 100, 100]
    assert colours(artifact.read_crops(ran.folder)) == ["red", "green", "blue"]


def test_gaps_can_be_left(run_faces, draw, lay_folder) -> None:
    ran = run_faces([lay_folder("clip", [draw(), draw(RED), draw()])], gaps="leave")
    index = artifact.read_index(ran.folder)
    assert index["face"].tolist() == [-1, 0, -1]
    assert index["source_frame"].tolist() == [-1, 1, -1]
    assert index["status"].tolist() == ["missing", "detected", "missing"]
    assert np.isnan(index["score"].to_numpy()[[0, 2]]).all()


def test_a_copied_face_never_crosses_into_another_clip(run_faces, draw, lay_folder) -> None:
    clips = [lay_folder("a", [draw(RED), draw()]), lay_folder("b", [draw(), draw(), draw(BLUE)])]
    index = artifact.read_index(run_faces(clips).folder)
    assert index["face"].tolist() == [0, 0, 1, 1, 1]
    assert index["source_frame"].tolist() == [0, 0, 2, 2, 2]


def test_clips_without_any_face_are_listed_and_left_out(run_faces, draw, lay_folder) -> None:
    clips = [lay_folder(f"empty-{number:02}", [draw()] * 2) for number in range(12)]
    ran = run_faces([*clips[:6], lay_folder("good", [draw(RED)]), *clips[6:]])
    (notice,) = ran.notices
    assert notice.startswith("no face in 12 clips (empty-00, empty-01, ")
    assert notice.endswith("empty-09 and 2 more): left out")
    table = artifact.read_clips(ran.folder).set_index("clip")
    assert table.loc["empty-00", "status"] == "no-face"
    assert table.loc["good", "status"] == "ok"
    index = artifact.read_index(ran.folder)
    assert len(index) == 25
    assert set(index.loc[index["clip"] == "empty-03", "status"]) == {"missing"}
    assert set(index.loc[index["clip"] == "empty-03", "face"]) == {-1}


def test_no_face_anywhere_is_an_error_that_names_detector_and_clips(run_faces, draw, lay_folder) -> None:
    with pytest.raises(DataError, match=r"'squares' finds no face in any frame of 2 clips \(a, b\); try another"):
        run_faces([lay_folder("a", [draw()]), lay_folder("b", [draw()])])


def test_an_unreadable_clip_is_reported_and_left_out(run_faces, draw, lay_folder, tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    ran = run_faces([Clip("words", tmp_path / "words.mp4"), lay_folder("good", [draw(RED)])])
    (notice,) = ran.notices
    assert notice.startswith("clip words cannot be read and is left out: ")
    assert "words.mp4: not a video or image" in notice
    words = artifact.read_clips(ran.folder).set_index("clip").loc["words"]
    assert (words["status"], words["frames"], words["faces"]) == ("unreadable", 0, 0)
    assert "not a video" in words["note"]
    assert set(artifact.read_index(ran.folder)["clip"]) == {"good"}


def test_many_unreadable_clips_do_not_flood_the_notices(run_faces, draw, lay_folder, tmp_path: Path) -> None:
    clips = [Clip(f"gone-{number}", tmp_path / f"gone-{number}.mp4") for number in range(15)]
    ran = run_faces([*clips, lay_folder("good", [draw(RED)])])
    assert len(ran.notices) == 11
    assert ran.notices[-1] == "15 clips cannot be read and are left out; clips.parquet names all"


def test_if_no_clip_can_be_read_the_first_is_named(run_faces, tmp_path: Path) -> None:
    clips = [Clip("a", tmp_path / "a.mp4"), Clip("b", tmp_path / "b.mp4")]
    with pytest.raises(DataError, match=r"clip a cannot be read \(and none of the other 1 clips\): .*a\.mp4: no such"):
        run_faces(clips)
    with pytest.raises(DataError, match=r"clip a cannot be read: .*a\.mp4: no such file"):
        run_faces(clips[:1])


def test_no_clips_at_all_are_an_error(run_faces) -> None:
    with pytest.raises(DataError, match="the data set has no clips"):
        run_faces([])


def test_damage_is_a_notice_that_names_the_clip(run_faces, draw, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 60, (40, 96, 128, 3)).astype(np.uint8)
    frames = [np.maximum(grain, draw(RED)) for grain in noise]
    write_video(tmp_path / "cut.mkv", frames, 25)
    content = (tmp_path / "cut.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    ran = run_faces([Clip("cut", tmp_path / "cut.mkv")])
    (notice,) = ran.notices
    assert notice.startswith("clip cut: after frame ")
    assert notice.endswith("its header promises 1.60 s; the readable part is used")
    assert artifact.read_clips(ran.folder)["note"].tolist() == [notice.removeprefix("clip cut: ")]


def test_an_unreadable_image_of_a_folder_is_a_gap_like_any_other(run_faces, draw, lay_folder) -> None:
    clip = lay_folder("clip", [draw(RED), draw(RED), draw(BLUE), draw(BLUE)])
    for number in (1, 3):
        (clip.source / f"{number}.png").write_text("words")
    ran = run_faces([clip])
    index = artifact.read_index(ran.folder)
    assert index["frame"].tolist() == [0, 1, 2, 3]
    assert index["face"].tolist() == [0, 0, 1, 1]
    assert index["status"].tolist() == ["detected", "copied"] * 2
    assert ran.notices == [
        f"clip clip: frame {number} ({number}.png) could not be decoded; the other frames are used" for number in (1, 3)
    ]


def test_a_1x1_image_has_no_face_and_never_meets_the_detector(run_faces, draw, lay_folder, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    ran = run_faces([Clip("dot", tmp_path / "dot.png"), lay_folder("good", [draw(RED)])])
    assert ran.notices == ["no face in 1 clip (dot): left out"]


def test_cropped_clips_are_used_whole_without_detection(run_faces, tmp_path: Path) -> None:
    crop = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(crop).save(tmp_path / "crop.png")
    ran = run_faces([Clip("crop", tmp_path / "crop.png", cropped=True)], size=32)
    np.testing.assert_array_equal(artifact.read_crops(ran.folder)[0], crop)
    (row,) = artifact.read_index(ran.folder).to_dict("records")
    assert (row["status"], row["face"], row["faces_found"]) == ("cropped", 0, 1)
    assert (row["x0"], row["y0"], row["x1"], row["y1"]) == (0, 0, 32, 32)
    assert np.isnan(row["score"])


def test_many_single_images_share_the_detectors_batches(run_faces, draw, tmp_path: Path) -> None:
    clips = []
    for number in range(20):
        Image.fromarray(draw(RED if number % 2 else BLUE)).save(tmp_path / f"{number}.png")
        clips.append(Clip(str(number), tmp_path / f"{number}.png"))
    ran = run_faces(clips, batch=8)
    assert [done for _, done, _ in ran.progress] == [8, 16, 20]
    assert ran.progress[0][2] == 20
    assert colours(artifact.read_crops(ran.folder)) == ["blue", "red"] * 10
    assert artifact.read_index(ran.folder)["clip"].tolist() == [str(number) for number in range(20)]


def test_a_folder_that_mixes_sizes_is_read_in_order(run_faces, draw, lay_folder) -> None:
    frames = [draw(RED), draw(GREEN, height=120), draw(BLUE), draw(RED, width=200)]
    ran = run_faces([lay_folder("clip", frames)])
    assert colours(artifact.read_crops(ran.folder)) == ["red", "green", "blue", "red"]


def test_cuts_within_a_clip_do_not_disturb_the_faces(run_faces, draw, tmp_path: Path) -> None:
    frames = [draw(RED)] * 7 + [255 - draw()] * 3 + [draw(BLUE)] * 7
    write_video(tmp_path / "clip.mp4", frames, 25, crf=10)
    ran = run_faces([Clip("clip", tmp_path / "clip.mp4")])
    assert colours(artifact.read_crops(ran.folder)) == ["red"] * 7 + ["blue"] * 7
    assert artifact.read_index(ran.folder)["source_frame"].tolist()[7:10] == [6, 6, 10]


def test_five_points_land_on_the_template(run_faces, draw, lay_folder) -> None:
    """Eyes at 0.3 and 0.7 of the square are 35 px apart in the template, its other points fit a side of about 93."""
    ran = run_faces([lay_folder("clip", [draw((40, 20, 60, "red"))])], size=112)
    crop = artifact.read_crops(ran.folder)[0].astype(int)
    red = crop[..., 0] - crop[..., 1] > 100
    assert np.ptp(np.flatnonzero(red.any(axis=0))) == pytest.approx(93, abs=8)


def test_detectors_without_landmarks_fall_back_to_the_box_and_say_so(run_faces, draw, lay_folder) -> None:
    clip = lay_folder("clip", [draw(RED), draw(RED)])
    ran = run_faces([clip], detector_options={"landmarks": False})
    assert ran.notices == [
        "2 of 2 faces are cropped by their box: detector 'squares' gives no landmarks to align them by"
    ]
    boxed = run_faces([clip], detector_options={"landmarks": False}, align="box")
    assert boxed.notices == []
    np.testing.assert_array_equal(artifact.read_crops(ran.folder), artifact.read_crops(boxed.folder))


def test_align_none_takes_the_whole_frame(run_faces, draw, lay_folder) -> None:
    frame = draw(RED, height=128, width=128)
    ran = run_faces([lay_folder("clip", [frame])], align="none", size=128)
    np.testing.assert_array_equal(artifact.read_crops(ran.folder)[0], frame)


def test_faces_below_the_minimal_score_do_not_count(run_faces, draw, lay_folder) -> None:
    ran = run_faces([lay_folder("clip", [draw(RED, BLUE), draw(BLUE)])], min_score=0.85)
    index = artifact.read_index(ran.folder)
    assert index["faces_found"].tolist() == [1, 0]
    assert index["status"].tolist() == ["detected", "copied"]


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("jpeg", b"\xff\xd8\xff")])
def test_crops_are_stored_in_the_format_asked_for_with_their_digest(run_faces, draw, lay_folder, form, start) -> None:
    ran = run_faces([lay_folder("clip", [draw(RED)])], format=form)
    ((ids, images),) = artifact.iter_crops(ran.folder)
    assert ids.tolist() == [0]
    assert images[0].startswith(start)
    assert artifact.read_faces(ran.folder)["sha256"].tolist() == [hashlib.sha256(images[0]).hexdigest()]


def test_the_artifact_is_the_same_to_the_byte_every_time(run_faces, draw, tmp_path: Path) -> None:
    frames = [draw((10 + number, 20, 40, "red")) for number in range(40)]
    write_video(tmp_path / "clip.mp4", frames, 25)
    first, second = (run_faces([Clip("clip", tmp_path / "clip.mp4")], batch=4) for _ in range(2))
    for name in (artifact.INDEX, artifact.CROPS, artifact.CLIPS, artifact.SHEET):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_a_detector_that_forgets_frames_is_named(run_faces, draw, lay_folder) -> None:
    with pytest.raises(PluginError, match="face detector 'squares' gave 1 results for 2 frames"):
        run_faces([lay_folder("clip", [draw(RED)] * 2)], detector_options={"forget": 1})


@pytest.mark.parametrize(
    ("key", "value"), [("choose", "biggest"), ("size", 0), ("margin", -1), ("format", "gif"), ("align", "eyes")]
)
def test_a_parameter_that_cannot_be_used_is_named(run_faces, draw, lay_folder, key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"faces\.{key} = {value!r} cannot be used"):
        run_faces([lay_folder("clip", [draw(RED)])], **{key: value})


def test_the_contact_sheet_shows_the_faces(run_faces, draw, lay_folder) -> None:
    ran = run_faces([lay_folder("a", [draw(RED)] * 3), lay_folder("b", [draw(BLUE)])])
    with Image.open(ran.folder / artifact.SHEET) as sheet:
        assert sheet.size == (6 + 4 * 118, 6 + 148)
        pixels = np.asarray(sheet).astype(int)
    assert (pixels[..., 0] - pixels[..., 1] > 100).sum() > 3 * 3000
