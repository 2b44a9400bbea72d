import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.components import Scores
from harness.errors import DataError, StageError
from harness.labeling.pseudo_labels import run
from harness.labeling.votes import scored, write_votes

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


def run_on(context, threshold=0.5, **inputs):
    stage = context({"aggregator": {"use": "first"}, "threshold": threshold}, **inputs)
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
