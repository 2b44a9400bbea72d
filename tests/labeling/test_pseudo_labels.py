import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.components import Scores
from harness.errors import DataError, StageError
from harness.labeling.pseudo_labels import run
from harness.labeling.votes import scored, write_vote_columns, write_votes

NAN = [np.nan] * 3
GLAD, SAD, CROSS = [0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.05, 0.05, 0.9]


@pytest.fixture
def votes(tmp_path):
    """votes("name", {face: row}, ...) writes one labeler's votes and returns the folder."""

    def write(labeler, rows, told=None):
        folder = tmp_path / f"votes-{labeler}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        faces = pd.DataFrame({"face": list(rows), "clip": "a", "frame": [10 * face for face in rows]})
        scores = Scores(np.array(list(rows.values()), np.float32), told)
        write_votes(folder, [scored(faces, labeler, scores, len(next(iter(rows.values()))))])
        return folder

    return write


@pytest.fixture
def prompts(tmp_path):
    """prompts({face: (answer of a, answer of b)}) writes hard votes; None: not asked, -1: refused."""

    def write(answers, voters=("vlm/a", "vlm/b"), hard=True):
        folder = tmp_path / f"votes-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        rows = [
            (face, voter, label)
            for face, labels in answers.items()
            for voter, label in zip(voters, labels, strict=True)
            if label is not None
        ]
        labels = np.array([label for _, _, label in rows])
        columns = {
            "face": [face for face, _, _ in rows], "clip": ["a"] * len(rows), "frame": [0] * len(rows),
            "voter": [voter for _, voter, _ in rows], "label": labels, "confidence": labels >= 0,
            "outcome": np.where(labels >= 0, "label", "refused_text"), "explanation": [""] * len(rows),
        }  # fmt: skip
        one_hot = np.where(labels[:, None] >= 0, np.eye(3, dtype=np.float32)[labels], np.nan)
        write_vote_columns(folder, "vlm", voters, [hard] * len(voters), columns, one_hot)
        return folder

    return write


def run_on(context, threshold=0.5, confidence="auto", **inputs):
    params = {"aggregator": {"use": "first"}, "threshold": threshold, "confidence": confidence}
    stage = context(params, **inputs)
    run(stage)
    return stage, pq.read_table(stage.folder / "labels.parquet").to_pandas()


def test_a_single_labeler_passes_unchanged(context, votes):
    _, labels = run_on(
        context, votes_0=votes("one", {0: GLAD, 1: NAN, 2: SAD, 4: CROSS}, ["x", "y", "", "z"]), threshold=0.7
    )
    assert labels["label"].tolist() == [0, -1, 1, 2]
    assert labels["confident"].tolist() == [True, False, False, True]
    assert labels["outcome"].tolist() == ["label", "abstain", "label", "label"]
    assert labels["explanation"].tolist() == ["x", "y", "", "z"]
    assert labels["frame"].tolist() == [0, 10, 20, 40]
    np.testing.assert_allclose(np.stack(labels["probabilities"])[[0, 2, 3]], [GLAD, SAD, CROSS], rtol=1e-6)


def test_several_labelers_are_aggregated_by_face(context, votes):
    one, two = votes("one", {2: SAD, 0: NAN}, ["p", "q"]), votes("two", {0: GLAD, 7: CROSS}, ["r", ""])
    _, labels = run_on(context, votes_0=one, votes_1=two)
    assert labels["face"].tolist() == [0, 2, 7]
    assert labels["label"].tolist() == [0, 1, 2]
    assert labels["explanation"].tolist() == ["one: q; two: r", "one: p", ""]


def test_votes_are_taken_in_the_order_of_their_numbers(context, votes):
    inputs = {f"votes_{number}": votes(f"v{number}", {0: SAD}) for number in range(1, 11)}
    _, labels = run_on(context, **dict(reversed(inputs.items())), votes_0=votes("v0", {0: GLAD}))
    assert labels["label"].tolist() == [0]


def test_labelers_of_one_name_are_told_apart(context, votes):
    one, two = votes("one", {0: GLAD}, ["p"]), votes("one", {0: GLAD}, ["q"])
    _, labels = run_on(context, votes_0=one, votes_1=two)
    assert labels["explanation"].tolist() == ["one: p; one-2: q"]


def test_faces_without_a_label_are_told_with_their_outcomes(context, votes):
    stage, _ = run_on(context, votes_0=votes("one", {0: GLAD, 1: NAN, 2: SAD, 3: CROSS}))
    assert stage.notices == ["1 of 4 faces have no label: abstain 1"]


def test_a_face_that_nobody_labelled_keeps_its_outcome(context, votes):
    _, labels = run_on(context, votes_0=votes("one", {0: GLAD, 1: NAN}), votes_1=votes("two", {1: NAN}))
    assert labels["outcome"].tolist() == ["label", "abstain"]


def test_classes_that_no_confident_label_reaches_are_named(context, votes):
    stage, _ = run_on(context, votes_0=votes("one", {0: GLAD, 1: SAD}), threshold=0.7)
    assert stage.notices == ["no pseudo-label of confidence 0.7 or more reaches: Sad, Cross"]


def test_nothing_left_after_the_threshold_says_how_to_go_on(context, votes):
    with pytest.raises(
        DataError, match=r"of 2 labels none reaches labeling.threshold 0.95, the highest confidence is 0.8"
    ):
        run_on(context, votes_0=votes("one", {0: GLAD, 1: SAD, 2: NAN}), threshold=0.95)


def test_no_label_at_all_says_what_there_was(context, votes):
    with pytest.raises(DataError, match=r"none of 2 faces got a label \(abstain 2\)"):
        run_on(context, votes_0=votes("one", {0: NAN, 1: NAN}))


def test_votes_over_other_classes_are_refused(context, votes):
    with pytest.raises(StageError, match="votes are not over the 3 classes of label space 'three'"):
        run_on(context, votes_0=votes("one", {0: [0.5, 0.5]}))


def test_no_votes_are_refused(context):
    with pytest.raises(StageError, match="at least one labeler's votes"):
        run_on(context)


def test_two_prompts_must_agree_by_default(context, prompts):
    answers = {0: (0, 0), 1: (0, 1), 2: (-1, 2), 3: (1, 1), 4: (2, None), 5: (-1, -1)}
    stage, labels = run_on(context, threshold=None, votes_0=prompts(answers))
    assert labels["label"].tolist() == [0, 0, 2, 1, 2, -1]
    assert labels["voters"].tolist() == [2, 2, 2, 2, 1, 2]
    assert labels["agreeing"].tolist() == [2, 1, 1, 2, 1, 0]
    assert labels["confidence"].tolist() == [1, 0.5, 0.5, 1, 1, 0]
    assert labels["confident"].tolist() == [True, False, False, True, True, False]
    assert labels["outcome"].tolist() == ["label"] * 5 + ["refused_text"]
    metadata = pq.read_schema(stage.folder / "labels.parquet").metadata
    assert (metadata[b"confidence"], metadata[b"threshold"]) == (b"agreement", b"1.0")


def test_the_voters_of_several_labelers_are_counted_together(context, prompts):
    one, two = prompts({0: (0, 0), 1: (0, 0)}), prompts({0: (0,), 1: (1,)}, voters=("other",))
    _, labels = run_on(context, threshold=0.6, votes_0=one, votes_1=two)
    assert labels["voters"].tolist() == [3, 3]
    assert labels["agreeing"].tolist() == [3, 2]
    assert labels["confident"].tolist() == [True, True]


def test_what_is_believed_by_agreement_is_told_with_the_numbers(context, prompts):
    stage, _ = run_on(context, threshold=None, votes_0=prompts({0: (0, 0), 1: (0, 1), 2: (1, 1)}))
    assert stage.notices == [
        "2 of 3 labels are believed: 2 of 2 voters say the same",
        "no pseudo-label that 2 of 2 voters agree on reaches: Cross",
    ]


def test_where_faces_had_different_voters_a_share_is_told(context, prompts):
    stage, _ = run_on(context, threshold=None, votes_0=prompts({0: (0, 0), 1: (0, 1), 2: (1, None), 3: (2, 2)}))
    assert stage.notices == ["3 of 4 labels are believed: 100% of the voters say the same"]


def test_nothing_left_by_agreement_names_rule_and_voters(context, prompts):
    message = (
        r"of 2 labels none reaches labeling.threshold 1 \(automatic\), the highest confidence is 0.500 "
        r"\(agreement: 1 of 2 voters\); lower labeling.threshold"
    )
    with pytest.raises(DataError, match=message):
        run_on(context, threshold=None, votes_0=prompts({0: (0, 1), 1: (-1, 2), 2: (-1, -1)}))


def test_nothing_left_by_probability_names_the_rule(context, votes):
    with pytest.raises(DataError, match=r"threshold 0.5 \(automatic\), .* 0.400 \(the probability of the label\)"):
        run_on(context, threshold=None, votes_0=votes("one", {0: [0.4, 0.3, 0.3]}))


def test_one_hard_voter_is_believed_where_it_labels(context, prompts):
    _, labels = run_on(context, threshold=None, votes_0=prompts({0: (0,), 1: (-1,)}, voters=("vlm/a",)))
    assert labels["confidence"].tolist() == [1, 0]
    assert labels["confident"].tolist() == [True, False]


def test_probabilities_decide_unless_every_voter_is_hard(context, prompts, votes):
    hard, soft = prompts({0: (1,)}, voters=("vlm/a",)), votes("soft", {0: [0.6, 0.3, 0.1]})
    _, labels = run_on(context, threshold=None, votes_0=soft, votes_1=hard)
    np.testing.assert_allclose(labels["confidence"], [0.6], rtol=1e-6)


def test_agreement_can_be_asked_for_where_there_are_probabilities(context, votes):
    one, two = votes("one", {0: GLAD, 1: GLAD}), votes("two", {0: GLAD, 1: SAD})
    _, labels = run_on(context, threshold=None, confidence="agreement", votes_0=one, votes_1=two)
    assert labels["confidence"].tolist() == [1, 0.5]


def test_probability_can_be_asked_for_where_votes_are_hard(context, prompts):
    _, labels = run_on(context, threshold=None, confidence="probability", votes_0=prompts({0: (0, 1)}))
    assert labels["confidence"].tolist() == [1]  # of the stub aggregator, which follows the first voter


def test_seven_of_ten_voters_reach_a_threshold_of_seven_tenths(context, prompts):
    voters = tuple(f"vlm/{number}" for number in range(10))
    answers = {0: (0,) * 7 + (1,) * 3, 1: (0,) * 6 + (1,) * 4}
    stage, labels = run_on(context, threshold=0.7, votes_0=prompts(answers, voters))
    assert labels["confident"].tolist() == [True, False]
    assert stage.notices[0] == "1 of 2 labels are believed: 7 of 10 voters say the same"
