import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from harness.builtins.labeler_options import ReplayOptions
from harness.builtins.replay import Replay
from harness.errors import DataError
from harness.expressions import ABAW_COMPOUND_7, Label, LabelSpace
from harness.testing import check_lookup_labeler

SPACE = LabelSpace("three", (Label("Glad", ("Happy",)), Label("None"), Label("Cross")))
FRAMES = pd.DataFrame({"clip": ["01", "01", "NA"], "frame": [0, 4, 2]})


@pytest.fixture
def labels(tmp_path):
    """labels(text, **options) -> the labels (-1 none) that replay gives FRAMES."""

    def read(text, frames=FRAMES, space=SPACE, name="labels.csv", **options):
        path = tmp_path / name
        path.write_text(text)
        scores = Replay(ReplayOptions(path=path, **options), space).look_up(frames)
        given = ~np.isnan(scores.probabilities[:, 0])
        assert (scores.probabilities[given].sum(1) == 1).all()
        return np.where(given, np.nan_to_num(scores.probabilities).argmax(1), -1).tolist()

    return read


def test_names_and_aliases_are_looked_up_by_clip_and_frame(labels):
    assert labels("clip,frame,label\nNA,2,cross\n01,4,Happy\n01,5,Glad\n") == [-1, 0, 2]


def test_texts_that_look_like_missing_values_or_numbers_stay_texts(labels):
    assert labels("clip,frame,label\nNA,2,None\n01,0,None\n1,4,Glad\n") == [1, -1, 1]


def test_class_ids_without_a_mapping_are_the_spaces_own(labels):
    assert labels("clip,frame,label\n01,0,2\n01,4,0\n") == [2, 0, -1]


def test_a_mapping_gives_ids_or_names(labels):
    assert labels("clip,frame,label\n01,0,0\n01,4,x\nNA,2,\n", ids={"0": 2, "x": "Glad"}) == [2, 0, -1]


def test_one_image_column_holds_clip_and_frame(labels):
    text = "img_name,label\n01/00001.jpg,0\n01/5.jpg,1\nNA/3.jpg,2\n"
    assert labels(text, image="img_name", first_frame=1) == [0, 1, 2]


def test_labels_of_frames_that_nobody_asks_for_are_told_of(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("clip,frame,label\n01,0,0\n01,1,0\n01,4,0\nNA,2,1\nNA,9,1\nNA,10,1\n")
    replay = Replay(ReplayOptions(path=path), SPACE)
    assert replay.notices == []
    replay.look_up(FRAMES)
    replay.look_up(FRAMES)
    told = "3 of 6 labels in labels.csv are of frames that are not asked for, in the clips 01 (1), NA (2)"
    assert replay.notices == [told]
    every = pd.DataFrame({"clip": ["01"] * 3 + ["NA"] * 3, "frame": [0, 1, 4, 2, 9, 10]})
    whole = Replay(ReplayOptions(path=path), SPACE)
    whole.look_up(every)
    assert whole.notices == []


def test_the_pattern_of_the_image_column_is_an_option(labels):
    assert labels("image,label\nNA_f2.png,0\n", image="image", pattern="{clip}_f{frame}.png") == [-1, -1, 0]


def test_a_file_without_header_and_with_another_separator(labels):
    options = {"header": False, "separator": ";", "clip": "0", "frame": "1", "label": "2"}
    assert labels("01;0;Cross\n01;4;Glad\n", **options) == [2, 0, -1]


def test_values_that_mean_no_label_abstain(labels):
    assert labels("clip,frame,label\n01,0,-1\n01,4,Glad\n", abstain=("", "-1")) == [-1, 0, -1]


def test_parquet_is_read_too(tmp_path):
    path = tmp_path / "labels.parquet"
    pd.DataFrame({"clip": ["01", "NA"], "frame": [4, 2], "label": [0, 2]}).to_parquet(path)
    labeler = Replay(ReplayOptions(path=path), SPACE)
    assert np.nan_to_num(labeler.look_up(FRAMES).probabilities).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_explanations_quote_the_file(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("clip,frame,label\n01,0,Happy\n")
    told = Replay(ReplayOptions(path=path), SPACE).look_up(FRAMES).explanations
    assert list(told) == ["published.csv: 'Happy'", "not in published.csv", "not in published.csv"]


def test_replay_keeps_the_contract(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("clip,frame,label\n01,0,Happy\n")
    check_lookup_labeler(Replay(ReplayOptions(path=path), SPACE), SPACE, FRAMES)


def test_the_same_label_twice_is_one(labels):
    assert labels("clip,frame,label\n01,0,Happy\n01,0,Glad\n") == [0, -1, -1]


def test_the_authors_ids_become_the_official_ones(labels):
    ids = {"0": 1, "1": 5, "2": 6, "3": 2, "4": 0, "5": 4, "6": 3}
    text = "img_name,label\n" + "".join(f"02/{frame + 1}.jpg,{frame}\n" for frame in range(7))
    frames = pd.DataFrame({"clip": "02", "frame": range(7)})
    options = {"image": "img_name", "first_frame": 1, "ids": ids}
    assert labels(text, frames, ABAW_COMPOUND_7, **options) == [1, 5, 6, 2, 0, 4, 3]


def test_unknown_labels_are_listed_with_their_counts(labels):
    with pytest.raises(DataError, match=r"3 values are no labels of 'three'; .*: 'Sad' \(2 rows\), '7' \(1 rows\)"):
        labels("clip,frame,label\n01,0,Sad\n01,1,Sad\n01,2,7\n01,4,Glad\n")


def test_no_more_than_ten_unknown_labels_are_listed(labels):
    rows = "".join(f"01,{number},odd{number}\n" for number in range(13))
    with pytest.raises(DataError, match=r"13 values are no labels .* and 3 more$"):
        labels("clip,frame,label\n" + rows)


def test_a_value_beside_the_mapping_is_unknown(labels):
    with pytest.raises(
        DataError, match=r"1 values are no labels of 'three'; say what they mean in ids: '1' \(1 rows\)"
    ):
        labels("clip,frame,label\n01,0,0\n01,1,1\n", ids={"0": 2})


def test_a_mapping_to_no_class_is_unknown(labels):
    with pytest.raises(DataError, match="no labels of 'three'"):
        labels("clip,frame,label\n01,0,0\n", ids={"0": 3})


def test_a_file_that_matches_no_face_names_both_sides(labels):
    with pytest.raises(
        DataError, match=r"match none of 3 faces: the file names the clips 7, 8, the faces are of 01, NA"
    ):
        labels("clip,frame,label\n7,0,Glad\n8,1,Glad\n")


def test_images_that_do_not_fit_the_pattern_are_listed(labels):
    with pytest.raises(
        DataError, match=r"2 values do not look like pattern '{clip}/{frame}.jpg': 'a.jpg' \(1 rows\), 'b'"
    ):
        labels("image,label\na.jpg,0\n01/1.jpg,0\nb,0\n", image="image")


def test_frames_before_the_first_are_listed(labels):
    with pytest.raises(
        DataError, match=r"3 values are no frame numbers from 1 on: '0' \(1 rows\), '1.5' \(1 rows\), 'x'"
    ):
        labels("clip,frame,label\n01,0,0\n01,1.5,0\n01,x,0\n01,2,0\n", first_frame=1)


def test_two_labels_of_one_frame_are_refused(labels):
    with pytest.raises(DataError, match="has two different labels for 01 frame 0"):
        labels("clip,frame,label\n01,0,0\n01,0,2\n")


def test_a_missing_column_names_the_nearest(labels):
    with pytest.raises(
        DataError, match=r"has no column 'label'; did you mean 'labels'\? \(known: clip, frame, labels\)"
    ):
        labels("clip,frame,labels\n01,0,0\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"label file .*absent.csv does not exist"):
        Replay(ReplayOptions(path=tmp_path / "absent.csv"), SPACE)


def test_a_file_without_rows_is_named(labels):
    with pytest.raises(DataError, match=r"label file .* holds no row"):
        labels("clip,frame,label\n")


def test_an_empty_file_is_named(labels):
    with pytest.raises(DataError, match=r"label file .* cannot be read: No columns"):
        labels("")


def test_a_damaged_parquet_file_is_named(labels):
    with pytest.raises(DataError, match=r"label file .*labels.parquet cannot be read"):
        labels("no parquet", name="labels.parquet")


def test_a_pattern_needs_clip_and_frame(tmp_path):
    with pytest.raises(ValidationError, match=r"must hold {clip} and {frame}, once each"):
        ReplayOptions(path=tmp_path, pattern="{clip}.jpg")


def test_the_file_is_part_of_the_fingerprint(tmp_path):
    assert ReplayOptions(path=tmp_path / "a.csv").sources() == [tmp_path / "a.csv"]
