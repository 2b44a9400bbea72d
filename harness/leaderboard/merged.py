"""The very same system in several runs, such as a network under two aggregators: one row, not one a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.evaluation.scores import SystemScore
from harness.leaderboard.boards import Row


def merged(rows: Iterable[tuple[Row, SystemScore]]) -> list[Row]:
    """Rows with their scores as filed -> one row for all that have one name and agree in everything that was counted.

    That is: role, system and phase, the items, the counts per clip of every seed, and what became of every frame. The
    row of the run that was recorded first stays (of several at that time, by name) and names the others. It would count
    several times among the ranks and in Holm's correction otherwise. Rows without counts or
    without a word on every frame stay as they are.
    """
    kept: dict[object, list[Row]] = {}
    for number, (row, score) in enumerate(rows):
        same = (score.role, score.system, score.phase, row.items, score.correctness)
        known = row.sums is not None and row.items and score.correctness
        key: object = (*same, row.sums.shape, row.sums.tobytes()) if known and row.sums is not None else number
        kept.setdefault(key, []).append(row)
    return [_first(same) for same in kept.values()]


def _first(same: Sequence[Row]) -> Row:
    first, *others = sorted(same, key=lambda row: (row.record.created, row.run))
    return replace(first, also=tuple(sorted(row.run for row in others))) if others else first
