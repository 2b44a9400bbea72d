import numpy as np
import pandas as pd
import pytest

from harness.errors import ConfigError, DataError, StageError
from harness.labeling.stage import run
from harness.labeling.votes import read_votes

ALL = {"rule": "all"}


def params(labeler, sample=ALL, batch=2):
    return {"labeler": {"use": labeler}, "sample": sample, "batch": batch}


def truth_folder(tmp_path, rows):
    folder = tmp_path / "truth"
    folder.mkdir()
    pd.DataFrame(rows, columns=["clip", "frame", "label"]).to_parquet(folder / "truth.parquet")
    return folder


def test_a_scorer_labels_every_face_in_batches(context, faces):
    stage = context(params("brightness"), faces=faces(("a", 0, 2), ("a", 4, 0), ("b", 1, 1)))
    seen = []
    stage.progress = lambda text, done, total: seen.append((text, done, total))
    run(stage)
    votes = read_votes(stage.folder)[0]
    assert votes.frame["label"].tolist() == [2, 0, 1]
    assert votes.frame["frame"].tolist() == [0, 4, 1]
    assert votes.frame["explanation"].tolist() == ["grey 2", "grey 0", "grey 1"]
    assert seen == [("labelling with brightness", 2, 3), ("labelling with brightness", 3, 3)]


def test_abstentions_are_told(context, faces):
    stage = context(params("brightness"), faces=faces(("a", 0, 3), ("a", 4, 0)))
    run(stage)
    assert stage.notices == ["labeler 'brightness' abstained on 1 of 2 faces"]
    assert read_votes(stage.folder)[0].frame["outcome"].tolist() == ["abstain", "label"]


def test_a_joint_scorer_measures_in_batches_and_judges_all_at_once(context, faces):
    stage = context(params("darkest"), faces=faces(("a", 0, 9), ("a", 1, 5), ("a", 2, 7), ("b", 0, 200), ("b", 1, 201)))
    run(stage)
    assert read_votes(stage.folder)[0].frame["label"].tolist() == [1, 0, 1, 0, 1]


def test_only_the_sampled_faces_are_labelled(context, faces):
    stage = context(
        params("brightness", {"rule": "every", "every": 2}), faces=faces(("a", 0, 0), ("a", 1, 1), ("a", 2, 2))
    )
    run(stage)
    assert read_votes(stage.folder)[0].frame["face"].tolist() == [0, 2]


def test_faces_that_look_like_the_last_one_are_left_out_by_the_rule_changes(context, faces):
    sample = {"rule": "changes", "change": 0.1}
    folder = faces(("a", 0, 0), ("a", 1, 0), ("a", 2, 2), ("b", 0, 2), ("b", 1, 2))
    stage = context(params("brightness", sample), faces=folder)
    run(stage)
    assert read_votes(stage.folder)[0].frame["face"].tolist() == [0, 2, 3]


def test_a_look_up_labeler_gets_the_truth_and_the_run_says_so(context, faces, tmp_path):
    truth = truth_folder(tmp_path, [("a", 1, 2), ("a", 5, 0)])
    stage = context(params("knows"), faces=faces(("a", 0, 0), ("a", 1, 1)), truth=truth)
    run(stage)
    assert read_votes(stage.folder)[0].frame["label"].tolist() == [-1, 2]
    assert "labels of 'knows' are made from the annotations" in stage.notices[0]


def test_a_frame_annotated_twice_is_refused(context, faces, tmp_path):
    truth = truth_folder(tmp_path, [("a", 1, 2), ("a", 1, 0)])
    with pytest.raises(DataError, match="the annotations name a frame twice"):
        run(context(params("knows"), faces=faces(("a", 0, 0)), truth=truth))


def test_no_face_at_all_says_so(context, faces):
    with pytest.raises(DataError, match="there is no face to label"):
        run(context(params("brightness"), faces=faces()))


def test_a_vision_language_model_with_plain_options_is_refused(context, faces):
    with pytest.raises(ConfigError, match="labeler 'talker' is a vision-language model, but its options do not derive"):
        run(context(params("talker"), faces=faces(("a", 0, 0))))


def test_scores_that_break_the_contract_name_the_labeler(context, faces):
    with pytest.raises(StageError, match="labeler 'broken' gave rows that are no probabilities"):
        run(context(params("broken"), faces=faces(("a", 0, 0))))


def test_missing_rows_are_nan(context, faces):
    stage = context(params("brightness"), faces=faces(("a", 0, 3), ("a", 4, 0)))
    run(stage)
    assert np.isnan(read_votes(stage.folder)[0].probabilities[0]).all()
