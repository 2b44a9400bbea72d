import numpy as np
import pandas as pd

from harness.components import Decisions
from harness.labeling.combine import combined, voter_names
from harness.labeling.votes import VoteTable


def table(voter, rows):
    """Hard votes {face: label or outcome} of a voter over two classes."""
    labels = [label if isinstance(label, int) else -1 for label in rows.values()]
    frame = pd.DataFrame(
        {
            "face": list(rows), "clip": "a", "frame": list(rows), "label": np.array(labels, np.int16),
            "outcome": ["label" if isinstance(label, int) else label for label in rows.values()], "explanation": "",
        }
    )  # fmt: skip
    probabilities = np.where(np.array(labels)[:, None] >= 0, np.eye(2)[labels], np.nan).astype(np.float32)
    return VoteTable("vlm", voter, frame, probabilities, True)


class Always:
    """An aggregator that decides for class 1, whoever said what."""

    def aggregate(self, votes):
        assert votes.voters == ("x", "y", "x-2")
        items = votes.probabilities.shape[1]
        return Decisions(np.ones(items, np.int64), np.tile(np.float32([0.4, 0.6]), (items, 1)))


def test_agreeing_voters_are_those_whose_own_label_is_the_decision():
    tables = [table("x", {5: 1, 2: 0}), table("y", {2: 1, 5: 1}), table("x", {5: "unparsed"})]
    votes = combined(tables, Always)
    assert votes.frame["face"].tolist() == [2, 5]
    assert votes.labels.tolist() == [[0, 1], [1, 1], [-1, -1]]
    assert votes.asked.tolist() == [2, 3]
    assert votes.agreeing.tolist() == [1, 2]
    assert votes.hard


def test_one_voter_passes_in_the_order_of_faces_and_builds_no_aggregator():
    votes = combined([table("x", {5: 1, 2: "refused_text"})], lambda: 1 / 0)
    assert votes.frame[["face", "label", "outcome", "voters", "agreeing"]].values.tolist() == [
        [2, -1, "refused_text", 1, 0],
        [5, 1, "label", 1, 1],
    ]
    np.testing.assert_array_equal(votes.probabilities, [[np.nan] * 2, [0, 1]])


def test_a_voter_name_that_comes_again_gets_a_number():
    tables = [table(name, {0: 1}) for name in ("facs", "facs", "facs-2", "facs")]
    assert voter_names(tables) == ("facs", "facs-2", "facs-2-2", "facs-3")
