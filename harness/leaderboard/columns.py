"""The columns of a board's tables: a head, and the cell of a row as text. Markdown and LaTeX show the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Row

GIBIBYTE = 2**30
Number = Callable[[Row], float | None]


class Column(NamedTuple):
    """text: names, not numbers."""

    head: str
    of: Callable[[Row], str]
    text: bool = False


NAMES = [Column("run", lambda row: row.runs, text=True), Column("system", lambda row: row.system, text=True)]
SCORES: list[tuple[str, Number]] = [
    ("unanswered wrong", lambda row: row.score.by_policy.get("wrong")),
    ("unanswered excluded", lambda row: row.score.by_policy.get("excluded")),
    ("macro-F1 of clips", lambda row: row.score.clip_macro_f1),
    ("accuracy of clips", lambda row: row.score.clip_accuracy),
    ("UAR", lambda row: row.score.unweighted_average_recall),
    ("weighted F1", lambda row: row.score.weighted_f1),
    ("kappa", lambda row: row.score.kappa),
    ("Matthews", lambda row: row.score.matthews),
    ("ECE", lambda row: cells.expected_calibration_error(row.score.calibration)),
    ("Brier", lambda row: cells.brier(row.score.calibration)),
    ("changes/s", lambda row: row.score.changes_per_second),
]


def main_columns(board: Board) -> list[Column]:
    """Standing, macro-F1, difference to the reference, coverage and cost."""
    groups = [Column("ranks", cells.ranks), Column("group", lambda row: row.group or cells.NONE)]
    macro_f1 = "macro-F1 ± sd (seeds) [95%]" if cells.has_seeds(board) else "macro-F1 [95%]"
    costs = [
        Column("cost (US$)", lambda row: cells.dollars(row.cost)),
        Column("cost per correct label (US$)", lambda row: cells.dollars(row.cost_per_correct)),
    ]
    return [
        Column("rank", cells.rank),
        *(groups if cells.has_groups(board) else []),
        *NAMES,
        Column(macro_f1, lambda row: cells.measured(row.score)),
        *(_to_reference(board) if any(row.difference for row in board.rows) else []),
        *numbers([("accuracy", lambda row: row.score.accuracy), ("coverage", lambda row: row.score.coverage)]),
        *(numbers([("refused", lambda row: row.score.refusal_rate)]) if cells.has_refusals(board) else []),
        *(costs if cells.has_costs(board) else []),
        Column("frames", lambda row: str(row.score.frames)),
        Column("clips", lambda row: str(row.score.clips)),
    ]


def _to_reference(board: Board) -> list[Column]:
    reference = board.reference.title if board.reference else None
    return [
        Column("difference [95%]", lambda row: "reference" if row.title == reference else cells.to_reference(row)),
        Column("p", lambda row: cells.probability(row.difference.p_holm if row.difference else None)),
    ]


def more_columns(rows: Sequence[Row]) -> list[Column]:
    """The other scores, as far as any row has them, and what the runs took."""
    columns = [*NAMES, *numbers([(head, of) for head, of in SCORES if any(of(row) is not None for row in rows)])]
    if any(row.seconds is not None for row in rows):
        columns.append(Column("seconds", lambda row: cells.NONE if row.seconds is None else f"{row.seconds:.0f}"))
    if any(row.peak_memory for row in rows):
        columns.append(Column("peak memory (GiB)", _memory))
    return columns


def _memory(row: Row) -> str:
    return f"{row.peak_memory / GIBIBYTE:.1f}" if row.peak_memory else cells.NONE


def class_columns(classes: Sequence[str]) -> list[Column]:
    """The F1 of each class."""
    return [*NAMES, *numbers([(name, _at(place, _f1)) for place, name in enumerate(classes)])]


def share_columns(classes: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    """The share of each class among the predictions, and their divergence from known frequencies if there is any."""
    far: list[tuple[str, Number]] = [("KL", lambda row: row.score.divergence)]
    known = far if any(row.score.divergence is not None for row in rows) else []
    shares = [(name, _at(place, lambda row: row.score.distribution)) for place, name in enumerate(classes)]
    return [*NAMES, *numbers([*known, *shares])]


def _f1(row: Row) -> list[float]:
    return [one.f1 for one in row.score.per_class]


def _at(place: int, values: Callable[[Row], list[float]]) -> Number:
    def of(row: Row) -> float | None:
        found = values(row)
        return found[place] if place < len(found) else None

    return of


def numbers(given: Sequence[tuple[str, Number]]) -> list[Column]:
    """Columns of numbers with three decimals."""

    def column(head: str, of: Number) -> Column:
        return Column(head, lambda row: cells.decimals(of(row)))

    return [column(head, of) for head, of in given]
