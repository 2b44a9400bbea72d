import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.cells import plain
from harness.leaderboard.entries import FORMULA, as_csv, as_json, cell
from harness.leaderboard.rows import leaderboard

LOW = [2, 3, 1, 2] * 3
UNEVEN = [7, 8, 9, 10] * 3


def lines(board):
    return list(csv.DictReader(io.StringIO(as_csv(board))))


def test_csv_has_a_line_a_row_with_its_board_and_standing(make_run, make_counted):
    systems = [make_counted("facs", LOW, "labeler"), make_counted("ensemble", UNEVEN, distribution=[0.25, 0.75])]
    first, second = lines(leaderboard([make_run("a", systems)]))
    assert (first["board"], first["is_reference"], first["difference"]) == ("labelers", "True", "")
    assert (second["board"], second["best_rank"], second["worst_rank"], second["group"]) == ("systems", "1", "1", "a")
    assert float(second["difference_low"]) < float(second["difference"]) < float(second["difference_high"])
    assert float(second["p"]) == float(second["p_holm"]) < 0.001
    assert (second["share Sadly Angry"], first["share Sadly Angry"]) == ("0.75", "")


def test_a_name_that_a_spreadsheet_would_compute_is_text(make_run, make_counted):
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "fine = 1"]
    board = leaderboard([make_run("=cmd|' /C calc'!A0", [make_counted(name) for name in names])])
    assert {row["system"] for row in lines(board)} == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'=1", "fine = 1"}
    assert {row["run"] for row in lines(board)} == {"'=cmd|' /C calc'!A0"}


@given(name=st.text(min_size=1))
def test_no_text_begins_a_formula(name):
    assert not cell(name).startswith((*FORMULA, "\t", "\r"))
    assert cell(name).removeprefix("'") == plain(name).removeprefix("'")


def test_negative_numbers_stay_numbers(make_run, make_counted):
    systems = [make_counted("facs", UNEVEN, "labeler"), make_counted("ensemble", LOW, kappa=-0.25)]
    row = lines(leaderboard([make_run("a", systems)]))[1]
    assert row["kappa"] == "-0.25"
    assert float(row["difference"]) < 0


def test_json_has_boards_and_a_row_a_line(make_run, make_counted):
    text = as_json(leaderboard([make_run("a", [make_counted("<script>", LOW, "labeler"), make_counted(right=UNEVEN)])]))
    data = json.loads(text)
    labelers, systems = data["boards"]
    assert labelers["clusters"] == {"kind": "clip", "number": 12}
    assert systems["reference"] == "a:<script>"
    assert systems["detectable"] > 0
    assert [(row["board"], row["system"]) for row in data["rows"]] == [
        ("labelers", "<script>"),
        ("systems", "ensemble"),
    ]
    assert data["rows"][0]["f1"] == {
        "Sadly Fearful": data["rows"][0]["macro_f1"],
        "Sadly Angry": data["rows"][0]["macro_f1"],
    }
    assert len([line for line in text.splitlines() if line.startswith('  {"board"')]) == 2


def test_a_leaderboard_without_a_scored_run_is_still_a_table(make_record, make_system):
    board = leaderboard([make_record(systems=[make_system(macro_f1=None)])])
    assert json.loads(as_json(board))["rows"] == []
    assert as_csv(board).startswith("board,rank,best_rank")
    assert lines(board) == []
