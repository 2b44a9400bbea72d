"""A leaderboard on the terminal; readable at 80 columns."""

from __future__ import annotations

from collections.abc import Collection

from rich import box
from rich.markup import escape
from rich.table import Table

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Leaderboard, Name, Row

STYLES = {"ensemble": "bold", "labeler": "cyan"}
SURE = 0.05


def tables(board: Leaderboard, names: Collection[Name] = ()) -> list[Table]:
    """A table of each board that has a row, or of those named; a line between tie groups, the ensembles bold.

    Of a leaderboard without any row one is there, with nothing but what is to be said about it.
    """
    chosen = [one for one in board.boards if one.name in names or (not names and one.rows)]
    return [_table(one, board) for one in chosen or board.boards[-1:]]


def _title(board: Leaderboard, one: Board | None = None) -> str:
    return cells.plain(board.benchmark) + (f" – {one.title}" if one else "")


def _table(one: Board, board: Leaderboard) -> Table:
    shown = Table(
        title=escape(_title(board, one)), caption=escape(_caption(one, board)), caption_justify="left",
        box=box.HORIZONTALS, padding=(0, 1, 0, 0), show_edge=False,
    )  # fmt: skip
    compared = any(row.difference for row in one.rows)
    shown.add_column("#", justify="right", no_wrap=True)
    if cells.has_groups(one):
        shown.add_column("ranks", justify="right", no_wrap=True)
    shown.add_column("run", overflow="fold")
    shown.add_column("system", overflow="fold")
    seeds = cells.has_seeds(one)
    shown.add_column(escape("macro-F1 ± sd (n)\n[95%]" if seeds else "macro-F1 [95%]"), no_wrap=True)
    if compared:
        shown.add_column("to ref.", justify="right", no_wrap=True)
    shown.add_column("cov.", justify="right", no_wrap=True)
    if cells.has_costs(one):
        shown.add_column("$", justify="right", no_wrap=True)
    for place, row in enumerate(one.rows):
        after = one.rows[place + 1] if place + 1 < len(one.rows) else row
        ends = (row.group, row.rank is None) != (after.group, after.rank is None)
        shown.add_row(*map(escape, _cells(row, one, compared)), style=STYLES.get(row.score.role), end_section=ends)
    return shown


def _cells(row: Row, board: Board, compared: bool) -> list[str]:
    return [
        cells.rank(row),
        *([cells.ranks(row)] if cells.has_groups(board) else []),
        cells.plain(row.runs),
        cells.plain(row.system),
        _measured(row),
        *([_to_reference(row, board)] if compared else []),
        cells.decimals(row.score.coverage),
        *([cells.dollars(row.cost)] if cells.has_costs(board) else []),
    ]


def _measured(row: Row) -> str:
    """The score, of several seeds with the interval on a line of its own."""
    return cells.measured(row.score).replace(") [", ")\n[")


def _to_reference(row: Row, board: Board) -> str:
    if row.difference is None:
        return "ref." if board.reference is not None and row.title == board.reference.title else cells.NONE
    return f"{row.difference.value:+.3f}{'*' if row.difference.p_holm < SURE else ' '}"


def _caption(one: Board, board: Leaderboard) -> str:
    frames = sorted({(row.score.frames, row.score.clips) for row in one.rows})
    spans = [f"{low:,}" if low == high else f"{low:,}-{high:,}" for low, high in map(_ends, zip(*frames, strict=True))]
    about = [f"{spans[0]} frames in {spans[1]} clips"] if spans else ["no scored run"]
    if board.chance is not None:
        about.append(f"uniform guessing: {board.chance:.3f}")
    parts = ["; ".join(about) + "."]
    if cells.has_groups(one):
        name, many = one.clusters
        parts.append(f"Rows between two lines cannot be told apart from the first of them by {many} {name}s.")
    if one.reference is not None and any(row.difference for row in one.rows):
        parts.append(f"ref.: {cells.plain(one.reference.title)}; *: p < {SURE} (Holm).")
        if one.detectable is not None:
            parts.append(f"Differences from {one.detectable:.3f} would be found 4 times out of 5.")
    parts += [f"Note: {cells.plain(note)}." for note in (*board.notes, *one.notes)]
    return "\n".join(parts)


def _ends(values: tuple[int, ...]) -> tuple[int, int]:
    return min(values), max(values)
