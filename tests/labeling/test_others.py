"""The stage `label` on the further faces of frames."""

import io

import pytest
from PIL import Image

from harness.errors import StoreError
from harness.faces.artifact import OTHERS, TableWriter
from harness.labeling.stage import run
from harness.labeling.votes import read_votes

EVERY_SECOND = {"rule": "every", "every": 2}


@pytest.fixture
def others(faces):
    """others(chosen faces as of `faces`, then (beside, grey) of further ones): a faces artifact with both."""

    def write(chosen, *further):
        folder = faces(*chosen)
        with TableWriter(folder, OTHERS) as writer:
            for number, (beside, grey) in enumerate(further):
                buffer = io.BytesIO()
                Image.new("RGB", (8, 8), (grey,) * 3).save(buffer, "PNG")
                clip, frame, _ = chosen[beside]
                row = {"face": number, "clip": clip, "frame": frame, "subject": clip, "beside": beside}
                row |= dict.fromkeys(("x0", "y0", "x1", "y1", "score"), 0.0)
                row |= {"image": buffer.getvalue(), "sha256": ""}
                writer.append({name: [value] for name, value in row.items()})
        return folder

    return write


def labelled(context, folder, labeler, sample=None, **inputs):
    params = {"labeler": {"use": labeler}, "sample": sample or {"rule": "all"}, "batch": 2, "others": True}
    stage = context(params, faces=folder, **inputs)
    run(stage)
    (votes,) = read_votes(stage.folder)
    return votes, stage.notices


CHOSEN = (("a", 0, 2), ("a", 1, 0), ("b", 0, 1))


def test_a_scorer_sees_the_further_faces_with_ids_of_their_own(context, others):
    votes, notices = labelled(context, others(CHOSEN, (0, 1), (0, 2), (2, 0)), "brightness")
    assert votes.frame["face"].tolist() == [0, 1, 2]
    assert votes.frame["label"].tolist() == [1, 2, 0]
    assert votes.frame["clip"].tolist() == ["a", "a", "b"]
    assert votes.frame["frame"].tolist() == [0, 0, 0]
    assert votes.hard is False
    assert notices == []


def test_those_of_frames_that_are_not_sampled_are_left_out(context, others):
    votes, _ = labelled(context, others(CHOSEN, (0, 1), (1, 2), (2, 0)), "brightness", EVERY_SECOND)
    assert votes.frame["face"].tolist() == [0, 2]
    assert votes.frame["label"].tolist() == [1, 0]


def test_a_joint_scorer_judges_them_among_themselves(context, others):
    votes, _ = labelled(context, others(CHOSEN, (0, 9), (1, 7), (2, 200)), "darkest")
    assert votes.frame["label"].tolist() == [1, 0, 0]


def test_abstentions_are_told(context, others):
    votes, notices = labelled(context, others(CHOSEN, (0, 3), (1, 1)), "brightness")
    assert votes.frame["outcome"].tolist() == ["abstain", "label"]
    assert notices == ["labeler 'brightness' abstained on 1 of 2 further faces"]


@pytest.mark.parametrize(("labeler", "further"), [("brightness", []), ("knows", [(0, 1), (1, 2)])])
def test_there_is_no_vote_where_there_is_no_further_face_or_a_labeler_looks_at_none(context, others, labeler, further):
    votes, notices = labelled(context, others(CHOSEN, *further), labeler)
    assert len(votes.frame) == 0
    assert votes.probabilities.shape == (0, 3)
    assert notices == []


def test_an_artifact_without_them_is_one_clear_line(context, faces):
    with pytest.raises(StoreError, match=r"others\.parquet: the file is missing; delete the artifact's folder"):
        labelled(context, faces(*CHOSEN), "brightness")
