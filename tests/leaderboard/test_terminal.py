import io
import re

import pytest
from rich.console import Console

from harness.leaderboard.rows import leaderboard
from harness.leaderboard.terminal import tables

UNEVEN = [7, 8, 9, 10] * 3
LIKE_IT = [8, 8, 9, 9] * 2 + [7, 9, 8, 9]
LOW = [2, 3, 1, 2] * 3


def rendered(board, width=80, names=()):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for table in tables(board, names):
        console.print(table)
    return console.file.getvalue()


@pytest.fixture
def board(make_run, make_counted):
    rights = {"mobilenet_v2": UNEVEN, "resnet152": LIKE_IT, "densenet121": LOW}
    systems = [
        make_counted(name, right, "network", phase)
        for name, right in rights.items()
        for phase in ("pre-trained", "fine-tuned")
    ]
    systems += [make_counted("facs", LOW, "labeler"), make_counted("chance", 5, "reference")]
    return leaderboard([make_run("paper-configuration-1a2b3c4d", systems)])


def test_tables_are_readable_at_80_columns(board):
    text = rendered(board)
    assert max(map(len, text.splitlines())) <= 80
    assert "0.850 [0.100, 0.900]" in text
    told = " ".join(text.split())
    assert "trial – Labelers: labels against truth" in told
    assert "240 frames in 12 clips; uniform guessing: 0.500." in told
    assert "Rows between two lines cannot be told apart from the first of them by 12 clips." in told
    assert "ref.: paper-configuration-1a2b3c4d:facs; *: p < 0.05 (Holm)." in told


def test_a_line_parts_tie_groups(board):
    lines = rendered(board, 120, ["systems"]).splitlines()
    shown = ["-" if line.startswith("──") else line.split()[1] for line in lines if re.match(r" *\d |──", line)]
    assert shown == ["-", "1-4", "1-4", "1-4", "1-4", "-", "5-6", "5-6"]


def test_differences_that_clips_show_have_a_star(board):
    text = rendered(board, 120, ["systems"])
    assert text.count("+0.650*") == 2
    assert text.count("+0.000 ") == 2


def test_a_board_is_chosen_by_name(board):
    assert "Systems" not in rendered(board, names=["labelers"])
    assert "Labelers" not in rendered(board, names=["systems"])
    assert rendered(board, names=["labelers", "systems"]) == rendered(board)


def test_names_are_no_markup_and_no_terminal_codes(make_run, make_counted):
    text = rendered(leaderboard([make_run("a", [make_counted("a [models/happy] \x1b[31mb")])]), 120)
    assert "a [models/happy] \ufffd[31mb" in text


def test_seeds_fit_too(make_run, make_counted):
    one = make_counted(right=UNEVEN)
    spread = {
        "seeds": [0, 1],
        "macro_f1": [one.macro_f1] * 2,
        "deviation": 0.01,
        "lowest": one.macro_f1,
        "highest": one.macro_f1,
    }
    mean = make_counted(right=UNEVEN, spread=spread)
    records = [make_run(f"a-run-of-some-length-{run}", [mean], by_seed=[[one], [one]]) for run in "abc"]
    text = rendered(leaderboard(records))
    assert max(map(len, text.splitlines())) <= 80
    assert "0.850 ± 0.010 (2)" in text


def test_a_row_of_other_items_stands_below_a_line(make_run, make_counted):
    records = [make_run(run, [make_counted(right=UNEVEN)]) for run in "ab"]
    records.append(make_run("c", [make_counted(right=[10] * 3)], clips=3))
    text = rendered(leaderboard(records), 120)
    assert re.search(r"b +ensemble.*\n─+\n–", text)


def test_a_benchmark_without_scores_still_shows(make_record, make_system):
    board = leaderboard([make_record(systems=[make_system(macro_f1=None)])])
    assert "no scored run" in rendered(board)
    assert "no scored run" in rendered(board, names=["systems"])
