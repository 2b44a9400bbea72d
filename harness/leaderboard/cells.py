"""How numbers and names are written in tables. Names come from records, anybody's: they are data, never markup."""

from __future__ import annotations

from harness.errors import one_line
from harness.evaluation.scores import Calibration, SystemScore
from harness.leaderboard.boards import Board, Leaderboard, Row

NONE = "–"
plain = one_line


def decimals(value: float | None) -> str:
    """Three decimals, or a dash."""
    return NONE if value is None else f"{value:.3f}"


def with_interval(value: float | None, ends: tuple[float, float] | None) -> str:
    """ "0.314 [0.290, 0.341]", or the value alone where there is no interval."""
    return decimals(value) + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")


def measured(one: SystemScore) -> str:
    """ "0.314 [0.290, 0.341]", of several seeds "0.314 ± 0.012 (3) [0.290, 0.341]"."""
    if one.spread is None:
        return with_interval(one.macro_f1, one.interval)
    apart = f"{decimals(one.macro_f1)} ± {decimals(one.spread.deviation)} ({len(one.spread.seeds)})"
    return apart + with_interval(None, one.interval).removeprefix(NONE)


def to_reference(row: Row) -> str:
    """ "+0.021 [-0.005, +0.047]", or a dash."""
    one = row.difference
    return NONE if one is None else f"{one.value:+.3f} [{one.interval[0]:+.3f}, {one.interval[1]:+.3f}]"


def probability(p: float | None) -> str:
    """Two significant digits down to a thousandth, or a dash."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def dollars(value: float | None) -> str:
    """US dollars with two significant digits at least, or a dash."""
    if value is None:
        return NONE
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.2g}"


def rank(row: Row) -> str:
    """The rank, or a dash of a row that is not compared."""
    return NONE if row.rank is None else str(row.rank)


def ranks(row: Row) -> str:
    """The ranks that cannot be ruled out: "2-4", "3" where there is one, or a dash."""
    if row.ranks is None:
        return NONE
    return str(row.ranks[0]) if row.ranks[0] == row.ranks[1] else f"{row.ranks[0]}-{row.ranks[1]}"


def expected_calibration_error(one: Calibration | None) -> float | None:
    """Calibration.error; None without probabilities."""
    return one.error if one is not None and one.frames else None


def brier(one: Calibration | None) -> float | None:
    """Calibration.brier_score; None without probabilities."""
    return one.brier_score if one is not None and one.frames else None


def has_groups(board: Board) -> bool:
    """Whether there are rows to tell apart, and the clips allow it."""
    return sum(row.group is not None for row in board.rows) > 1


def has_costs(board: Board) -> bool:
    """Whether any row was paid for."""
    return any(row.cost is not None for row in board.rows)


def has_refusals(board: Board) -> bool:
    """Whether any row has a refusal rate."""
    return any(row.score.refusal_rate is not None for row in board.rows)


def has_seeds(board: Leaderboard | Board) -> bool:
    """Whether any row is a mean over seeds."""
    return any(row.score.spread for row in board.rows)


def reading(board: Board) -> list[str]:
    """How to read a board, in plain words: what ties mean, what differences are to, what could have been found."""
    found = []
    name, many = board.clusters
    if has_groups(board):
        found.append(
            f"Rows of one group (letter) cannot be told apart from the first of them with the {many} {name}s at hand; "
            "“ranks” are the ranks that these cannot rule out (5% for all pairs of rows together, Holm)."
        )
    if board.reference is not None and any(row.difference for row in board.rows):
        text = f"Differences are to {board.reference.title}, with 95% intervals and p after Holm's correction."
        if board.detectable is not None:
            text += f" Looked for alone, one of {board.detectable:.3f} is found four times out of five."
        found.append(text)
    return found
