"""The very same system in several runs, such as a network under two aggregators: one row, not one a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.evaluation.scores import SystemScore
from harness.leaderboard.boards import Row


def identity(row: Row, score: SystemScore) -> str:
    """A digest of everything that was counted of a system: role, name and phase, the items, the counts per clip of
    every seed, and what became of every frame. "" without counts, or without a word on every frame.

    score: the row's as filed; a digest, as a thousand records' counts would fill the memory.
    """
    if row.sums is None or not row.items or not score.correctness:
        return ""
    found = hashlib.sha256(row.sums.tobytes())
    phase = "" if score.phase == "unsmoothed" else score.phase  # what another run without smoothing has
    found.update(repr((score.role, score.system, phase, row.items, row.sums.shape, score.confusion)).encode())
    found.update(score.correctness.encode())
    return found.hexdigest()


def merged(rows: Iterable[tuple[Row, str]]) -> list[Row]:
    """Rows with their identities -> one row for all of one identity; rows whose identity is "" stay as they are.

    The row of the run that was recorded first stays (of several at that time, by name) and names the others. It would
    count several times among the ranks and in Holm's correction otherwise.
    """
    kept: dict[object, list[Row]] = {}
    for number, (row, same) in enumerate(rows):
        kept.setdefault(same or number, []).append(row)
    return [_first(same) for same in kept.values()]


def _first(same: Sequence[Row]) -> Row:
    first, *others = sorted(same, key=lambda row: (row.record.created, row.run))
    return replace(first, also=tuple(sorted(row.run for row in others))) if others else first
