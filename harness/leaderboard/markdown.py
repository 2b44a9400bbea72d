"""A leaderboard as Markdown, for a repository's pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Leaderboard, Row
from harness.leaderboard.columns import Column, class_columns, main_columns, more_columns, share_columns

SEEDS = (
    " Where networks were trained with several seeds, scores are means over these, ± is the sample standard deviation, "
    "and the interval is that of the mean of these seeds."
)
MOST = 500  # rows of one table: forges do not show a page of more than about half a megabyte
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)


def as_markdown(board: Leaderboard) -> str:
    """Both boards with rank intervals, tie groups, differences to the reference and intervals; below each the other
    scores, the F1 of each class and the predicted classes; and what to know about them."""
    parts = [
        f"# {escaped(board.benchmark)}",
        f"Label space {escaped(board.label_space)}, {len(board.classes)} classes. Macro-F1 is the mean F1 of all of "
        f"them, with a 95% bootstrap interval.{SEEDS if cells.has_seeds(board) else ''}{_guessing(board)}",
        *(f"Note: {escaped(note)}." for note in board.notes),
    ]
    for one in board.boards:
        parts += _board(one, board.classes) if one.rows else []
    return "\n\n".join(parts) + "\n"


def _guessing(board: Leaderboard) -> str:
    return "" if board.chance is None else f" Uniform guessing reaches {board.chance:.3f}."


def _board(board: Board, classes: Sequence[str]) -> list[str]:
    rows = board.rows[:MOST]
    left_out = len(board.rows) - len(rows)
    return [
        f"## {board.title}",
        *map(escaped, cells.reading(board)),
        *(f"Note: {escaped(note)}." for note in board.notes),
        *([f"The first {MOST} rows; {left_out} more are in the .csv, .json and .html."] if left_out else []),
        _table(main_columns(board), rows),
        "### More scores",
        _table(more_columns(rows), rows),
        "### F1 of each class",
        _table(class_columns(classes), rows),
        *_predicted(rows, classes),
    ]


def _predicted(rows: Sequence[Row], classes: Sequence[str]) -> list[str]:
    """What can be said without the truth: which classes are predicted, how far from known frequencies."""
    rows = [row for row in rows if row.score.distribution]
    if not rows:
        return []
    far = any(row.score.divergence is not None for row in rows)
    known = ", and their KL divergence from known frequencies, in nats" if far else ""
    text = f"Share of each class among all frames that a system predicts, annotated or not{known}."
    return ["### Predicted classes", text, _table(share_columns(classes, rows), rows)]


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    lines = [[escaped(one.head) for one in columns], [":--" if one.text else "--:" for one in columns]]
    lines += [[escaped(one.of(row)) for one in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\1", cells.plain(text))
