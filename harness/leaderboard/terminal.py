"""A leaderboard on the terminal; readable at 80 columns."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from harness.leaderboard.build import decimals, dollars, measured, read_leaderboard
from harness.leaderboard.rows import Leaderboard

STYLES = {"ensemble": "bold", "labeler": "cyan"}


def table(leaderboards: Path, benchmark: str) -> Table:
    """The rows of a benchmark, best first; the ensembles bold. DataError for records that cannot be used."""
    board = read_leaderboard(leaderboards, benchmark)
    shown = Table(title=escape(board.benchmark), caption=escape(_caption(board)))
    shown.add_column("#", justify="right", no_wrap=True)
    shown.add_column("run", overflow="fold")
    shown.add_column("system", overflow="fold")
    seeds = any(row.score.spread for row in board.rows)
    shown.add_column(escape("macro-F1 ± sd (seeds) [95%]" if seeds else "macro-F1 [95%]"), no_wrap=not seeds)
    shown.add_column("acc.", justify="right", no_wrap=True)
    shown.add_column("cover.", justify="right", no_wrap=True)
    priced = any(row.cost is not None for row in board.rows)
    if priced:
        shown.add_column("$", justify="right", no_wrap=True)
    for row in board.rows:
        one = row.score
        values = [measured(one), decimals(one.accuracy), decimals(one.coverage)]
        values += [dollars(row.cost)] if priced else []
        cells = [str(row.rank), row.run, row.system, *values]
        shown.add_row(*map(escape, cells), style=STYLES.get(one.role))
    return shown


def _caption(board: Leaderboard) -> str:
    frames = sorted({(row.score.frames, row.score.clips) for row in board.rows})
    spans = [f"{low}" if low == high else f"{low}-{high}" for low, high in map(_ends, zip(*frames, strict=True))]
    parts = [f"{spans[0]} frames in {spans[1]} clips"] if spans else ["no scored run"]
    if board.chance is not None:
        parts.append(f"uniform guessing: {board.chance:.3f}")
    return "; ".join([*parts, *board.notes])


def _ends(values: tuple[int, ...]) -> tuple[int, int]:
    return min(values), max(values)
