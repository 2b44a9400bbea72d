import csv
import io
from datetime import UTC, datetime

import numpy as np
import pytest

from harness.evaluation.correctness import packed
from harness.leaderboard.entries import as_csv
from harness.leaderboard.rows import leaderboard

FATE = packed(np.tile([1, 0], 60))


@pytest.fixture
def net(make_counted):
    """net(right, ...): a network with a word on every frame."""

    def made(right=8, phase="fine-tuned", correctness=FATE):
        return make_counted("net", right, "network", phase).model_copy(update={"correctness": correctness})

    return made


def rows(board):
    return [(row.run, row.also, row.score.phase) for row in board.board("systems").rows]


def test_the_same_system_of_several_runs_is_one_row_of_the_first_recorded(make_run, net):
    early = {"created": datetime(2026, 1, 1, tzinfo=UTC)}
    runs = [make_run("a", [net()]), make_run("c", [net()], **early), make_run("b", [net()])]
    board = leaderboard(runs)
    assert rows(board) == [("c", ("a", "b"), "fine-tuned")]
    (row,) = board.board("systems").rows
    assert (row.runs, row.rank) == ("c (+2)", 1)
    assert any("(+n) stands for n more" in note for note in board.board("systems").notes)
    (line,) = csv.DictReader(io.StringIO(as_csv(board)))
    assert (line["run"], line["also"]) == ("c", "a, b")


@pytest.mark.parametrize(
    "other",
    [{"right": 7}, {"phase": "pre-trained"}, {"correctness": packed(np.tile([0, 1], 60))}],
    ids=["counts", "phase", "frames"],
)
def test_whoever_differs_in_anything_has_a_row(make_run, net, other):
    assert len(rows(leaderboard([make_run("a", [net()]), make_run("b", [net(**other)])]))) == 2


def test_before_smoothing_a_system_is_that_of_a_run_without_smoothing(make_run, net):
    runs = [make_run("a", [net(phase="")]), make_run("b", [net(phase="unsmoothed")])]
    assert rows(leaderboard(runs)) == [("a", ("b",), "")]


def test_without_a_word_on_every_frame_nobody_is_taken_for_another(make_run, net):
    assert len(rows(leaderboard([make_run(run, [net(correctness="")]) for run in "ab"]))) == 2


def test_a_run_whose_row_another_holds_can_be_the_reference(make_run, net):
    board = leaderboard([make_run("a", [net()]), make_run("b", [net(), net(7, "pre-trained")])], "b:net, fine-tuned")
    assert board.board("systems").reference.title == "a:net, fine-tuned"
