import numpy as np
import pandas as pd
import pytest

from harness.components import Scores
from harness.errors import StageError, StoreError
from harness.labeling.votes import check_scores, read_votes, scored, write_votes

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
