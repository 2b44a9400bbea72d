import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from harness.components import Scores
from harness.errors import StageError, StoreError
from harness.labeling.votes import check_scores, read_votes, scored, write_vote_columns, write_votes

FACES = pd.DataFrame({"face": [3, 5], "clip": ["a", "b"], "frame": [0, 9]})


def test_votes_are_read_back_as_written(tmp_path):
    rows = np.array([[0.2, 0.7, 0.1], [np.nan] * 3], np.float32)
    write_votes(tmp_path, [scored(FACES, "mine", Scores(rows, ["why", "no face"]), 3)])
    (votes,) = read_votes(tmp_path)
    assert votes.labeler == "mine"
    np.testing.assert_allclose(votes.probabilities, rows)
    assert votes.frame[["face", "clip", "frame", "outcome", "label", "explanation"]].values.tolist() == [
        [3, "a", 0, "label", 1, "why"],
        [5, "b", 9, "abstain", -1, "no face"],
    ]
    np.testing.assert_allclose(votes.frame["confidence"], [0.7, 0.0], rtol=1e-6)


def test_rows_that_nearly_sum_to_one_are_normalised():
    rows = check_scores("mine", Scores(np.array([[0.2002, 0.8002]], np.float32)), 1, 2)
    assert rows.sum() == pytest.approx(1, abs=1e-6)


def test_a_wrong_shape_names_the_labeler():
    with pytest.raises(StageError, match=r"labeler 'mine' gave probabilities of shape \(1, 2\) for 1 faces and 3 cl"):
        check_scores("mine", Scores(np.ones((1, 2), np.float32) / 2), 1, 3)


def test_rows_that_are_no_probabilities_name_the_labeler():
    with pytest.raises(StageError, match="labeler 'mine' gave rows that are no probabilities"):
        check_scores("mine", Scores(np.array([[0.5, 0.6]], np.float32)), 1, 2)


def test_negative_probabilities_name_the_labeler():
    with pytest.raises(StageError, match="no probabilities"):
        check_scores("mine", Scores(np.array([[-0.5, 1.5]], np.float32)), 1, 2)


def test_a_wrong_number_of_explanations_names_the_labeler():
    with pytest.raises(StageError, match="labeler 'mine' gave 2 explanations for 1 faces"):
        check_scores("mine", Scores(np.array([[0.5, 0.5]], np.float32), ["a", "b"]), 1, 2)


def test_missing_votes_say_so(tmp_path):
    with pytest.raises(StoreError, match="votes .* cannot be read"):
        read_votes(tmp_path)


def test_damaged_votes_say_so(tmp_path):
    (tmp_path / "votes.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match="votes .* cannot be read"):
        read_votes(tmp_path)


def columns(*rows):
    """Rows of face, voter, label as the columns of a votes table."""
    faces, voters, labels = zip(*rows, strict=True)
    return {
        "face": np.array(faces), "clip": ["clip é"] * len(rows), "frame": np.array(faces) * 2, "voter": list(voters),
        "outcome": ["label" if label >= 0 else "refused_text" for label in labels], "label": np.array(labels),
        "confidence": np.array(labels) >= 0, "explanation": ["said: “so”"] * len(rows),
    }  # fmt: skip


def one_hot(labels, classes=3):
    return np.where(np.array(labels)[:, None] >= 0, np.eye(classes, dtype=np.float32)[labels], np.nan)


def test_plain_columns_in_any_order_are_read_back_voter_by_voter(tmp_path):
    rows = [(4, "vlm/b", 1), (4, "vlm/a", 0), (9, "vlm/a", 2), (9, "vlm/b", -1)]
    write_vote_columns(tmp_path, "vlm", ["vlm/a", "vlm/b"], [True, False], columns(*rows), one_hot([1, 0, 2, -1]))
    first, second = read_votes(tmp_path)
    assert [(one.labeler, one.voter, one.hard) for one in (first, second)] == [
        ("vlm", "vlm/a", True), ("vlm", "vlm/b", False),
    ]  # fmt: skip
    assert first.frame[["face", "label", "frame"]].values.tolist() == [[4, 0, 8], [9, 2, 18]]
    assert second.frame["outcome"].tolist() == ["label", "refused_text"]
    assert first.frame["explanation"].tolist() == ["said: “so”"] * 2
    assert set(first.frame["clip"]) == {"clip é"}
    np.testing.assert_array_equal(second.probabilities, one_hot([1, -1]))
    assert list(first.frame) == ["face", "clip", "frame", "outcome", "label", "confidence", "explanation"]


def test_several_voters_keep_their_order(tmp_path):
    scores = Scores(np.full((2, 2), 0.5, np.float32))
    tables = [dataclasses.replace(scored(FACES, "vlm", scores, 2), voter=name) for name in ("vlm/z", "vlm/a")]
    write_votes(tmp_path, tables)
    assert [table.voter for table in read_votes(tmp_path)] == ["vlm/z", "vlm/a"]


def test_a_voter_that_was_asked_of_no_face_stays(tmp_path):
    write_vote_columns(tmp_path, "vlm", ["vlm/a", "vlm/b"], [True, True], columns((0, "vlm/a", 0)), one_hot([0]))
    assert [len(table.frame) for table in read_votes(tmp_path)] == [1, 0]


def test_one_hot_scores_are_hard_and_others_are_not():
    assert scored(FACES, "mine", Scores(one_hot([1, -1])), 3).hard
    assert not scored(FACES, "mine", Scores(np.array([[0, 1, 0], [0.2, 0.7, 0.1]], np.float32)), 3).hard


def test_plain_columns_are_written_without_pandas(tmp_path):
    code = f"""
import sys, numpy as np
from pathlib import Path
from harness.labeling.votes import write_vote_columns
rows = {{"face": [1], "clip": ["a"], "frame": [0], "voter": ["v"], "outcome": ["label"], "label": [0],
         "confidence": [1.0], "explanation": ["x"]}}
write_vote_columns(Path({str(tmp_path)!r}), "v", ["v"], [True], rows, np.eye(2)[:1])
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert read_votes(tmp_path)[0].frame["face"].tolist() == [1]


@pytest.mark.parametrize(
    ("voters", "hard", "message"),
    [(["a"], [True], "rows of .'b'."), (["a", "b"], [True], "with 1 flags"), (["a", "b", "a"], [True] * 3, "voters")],
)
def test_voters_that_do_not_fit_their_rows_are_refused(tmp_path, voters, hard, message):
    with pytest.raises(ValueError, match=message):
        write_vote_columns(tmp_path, "v", voters, hard, columns((0, "a", 0), (0, "b", 0)), one_hot([0, 0]))


def test_two_votes_of_one_voter_on_a_face_are_refused(tmp_path):
    write_vote_columns(tmp_path, "v", ["v"], [True], columns((7, "v", 0), (7, "v", 1)), one_hot([0, 1]))
    with pytest.raises(StoreError, match="voter 'v' has two votes on one face; label again"):
        read_votes(tmp_path)
