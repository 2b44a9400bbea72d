"""A leaderboard as LaTeX tables for a paper: `\\input` the file; it needs no package, and holds ASCII only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Leaderboard, Row
from harness.leaderboard.columns import Column, class_columns, main_columns

NOTHING = "\u200b"  # between characters that would melt into one; never in a name, as it is not printable
MOST = 60  # rows: more do not fit on a page
COMMANDS = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
    "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "\\char34{}",
    "'": "{'}", "`": "{`}", "–": "\\textendash{}", "“": "``", "”": "\'\'", "±": "$\\pm$", "ß": "\\ss{}",
    NOTHING: "{}", "−": "$-$", "ø": "\\o{}", "Ø": "\\O{}", "æ": "\\ae{}", "Æ": "\\AE{}", "å": "\\aa{}", "Å": "\\AA{}",
}  # fmt: skip
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030c": "v", "\u0327": "c"}
LIGATURE = re.compile(r"([-,])(?=\1)")
MINUS = re.compile(r"(?<![\w-])-(?=\d)")
WIDE = {"rank", "accuracy", "frames", "clips"}  # columns that are left to the other tables


def as_tex(board: Leaderboard) -> str:
    """A table of each board and one of the F1 of each class; tie groups have a line between them."""
    parts = [f"% {_comment(board.benchmark)}: made by harness leaderboard build; \\input this file."]
    for one in board.boards:
        if one.rows:
            parts += _tables(one, board)
    return "\n\n".join(parts) + "\n"


def _tables(one: Board, board: Leaderboard) -> list[str]:
    rows = one.rows[:MOST]
    left_out = len(one.rows) - len(rows)
    name = escaped(f"{board.benchmark}, {one.name}")
    guessing = "" if board.chance is None else f" Uniform guessing reaches {board.chance:.3f}."
    notes = " ".join([*cells.reading(one), *(f"Note: {note}." for note in (*board.notes, *one.notes))])
    caption = f"{name}: macro-F1 with 95\\% intervals. {escaped(notes)}{guessing}"
    return [
        *([f"% the first {MOST} rows; {left_out} more are in the .csv, .json and .html"] if left_out else []),
        _table(caption, [column for column in main_columns(one) if column.head not in WIDE], rows),
        _table(f"{name}: F1 of each class.", class_columns(board.classes), rows),
    ]


def _table(caption: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    lines = [
        "\\begin{table}",
        "\\centering\\scriptsize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{caption}}}",
        f"\\begin{{tabular}}{{{''.join('l' if one.text else 'r' for one in columns)}}}",
        "\\hline",
        " & ".join(one.head if one.text else _stacked(one.head) for one in columns) + " \\\\",
    ]
    before: object = ()
    for row in rows:
        own = (row.group, row.rank is None)
        lines += ["\\hline"] if own != before else []
        lines.append(_line([one.of(row) for one in columns]))
        before = own
    return "\n".join([*lines, "\\hline", "\\end{tabular}", "\\end{table}"])


def _stacked(head: str) -> str:
    """A word a line, which keeps columns of numbers narrow."""
    words = [_first(escaped(word)) for word in head.split()]
    if len(words) < 2:
        return "".join(words)
    return "\\begin{tabular}[b]{@{}r@{}}" + " \\\\ ".join(words) + "\\end{tabular}"


def _line(texts: Sequence[str]) -> str:
    first, *rest = map(escaped, texts)
    return " & ".join([_first(first), *rest]) + " \\\\"


def _first(text: str) -> str:
    """Text at the beginning of a line: the \\\\ before it would take a bracket or star as its own."""
    return f"{{{text}}}" if text.startswith(("[", "*")) else text


def _comment(text: str) -> str:
    """Text after a %: ASCII on one line, which ends the comment."""
    return cells.plain(text).encode("ascii", "replace").decode("ascii")


def escaped(text: str) -> str:
    """Text that LaTeX shows as it is; what a font may lack is named by its code point, such as U+4E2D."""
    return "".join(map(_character, LIGATURE.sub(r"\1" + NOTHING, MINUS.sub("−", cells.plain(text)))))


def _character(one: str) -> str:
    if one in COMMANDS:
        return COMMANDS[one]
    if one.isascii():
        return one
    parts = unicodedata.normalize("NFD", one)
    if len(parts) == 2 and parts[1] in ACCENTS and parts[0].isascii() and parts[0].isalpha():
        return f"\\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(one):04X}"
