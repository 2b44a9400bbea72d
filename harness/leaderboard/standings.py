"""Ranks, tie groups and differences to a reference row, computed again from the counts per clip of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.evaluation.holm import holm
from harness.evaluation.pairs import detectable
from harness.evaluation.ranks import ALPHA, rank
from harness.evaluation.student import critical
from harness.leaderboard.boards import Difference, Row

# another processor adds up in another order: digits that it decides would make other tables of the same records
DECIMALS = 9  # of differences
DIGITS = 6  # of p, which may be tiny
AT_ONCE = 64  # rows against a reference of the other board


def basis_of(rows: Sequence[Row]) -> str:
    """The digest of what most rows were scored on, of equally many what has most frames; "" if none can be compared."""
    counted = Counter(row.items for row in rows if row.items)
    frames = {row.items: row.score.frames for row in rows}
    return min(counted, key=lambda one: (-counted[one], -frames[one], one), default="")


def ranked(rows: Sequence[Row], basis: str) -> list[Row]:
    """The rows of one basis, best first, with ranks, rank intervals and groups; then the others without."""
    rows = sorted(rows, key=lambda row: (-row.macro_f1, row.run, row.system))
    compared = [row for row in rows if basis and row.items == basis]
    others = [row for row in rows if not basis or row.items != basis]
    if not compared:
        return others
    sums = [row.sums for row in compared if row.sums is not None]
    found = rank(sums, [basis] * len(sums))
    told = sums[0].shape[1] > 1  # of one clip nothing can be said
    shown = [
        replace(
            row,
            rank=int(found.rank[place]),
            ranks=(int(found.best[place]), int(found.worst[place])) if told else None,
            group=letters(int(found.group[place])) if told else None,
        )
        for place, row in enumerate(compared)
    ]
    return shown + others


def against(rows: Sequence[Row], reference: Row) -> list[Row]:
    """The rows with their differences to the reference, as far as both were scored on the same items."""
    same = [place for place, row in enumerate(rows) if row.items and row.items == reference.items]
    same = [place for place in same if rows[place].title != reference.title]
    if reference.sums is None or reference.sums.shape[1] < 2 or not same:
        return list(rows)
    columns = []
    for start in range(0, len(same), AT_ONCE):
        taken = [rows[place].sums for place in same[start : start + AT_ONCE]]
        found = rank([reference.sums, *(one for one in taken if one is not None)], [0] * (len(taken) + 1), reference=0)
        columns.append(np.stack([found.difference, found.low, found.high, found.p])[:, 1:])
    difference, low, high, p = np.concatenate(columns, axis=1)
    adjusted = holm(p)
    shown = list(rows)
    for number, place in enumerate(same):
        value, *ends = (round(float(of[number]), DECIMALS) for of in (difference, low, high))
        one = Difference(value, (ends[0], ends[1]), *(float(f"{of[number]:.{DIGITS}g}") for of in (p, adjusted)))
        shown[place] = replace(shown[place], difference=one)
    return shown


def least_difference(rows: Sequence[Row], clusters: int) -> float | None:
    """The difference to the reference, of the median row, that a test of it alone finds four times out of five."""
    widths = [row.difference.interval[1] - row.difference.interval[0] for row in rows if row.difference]
    widths = [width for width in widths if width > 0]
    if not widths or clusters < 2:
        return None
    error = np.median(widths) / 2 / critical(ALPHA, clusters - 1)
    return round(float(detectable(np.asarray(error, np.float64))), DECIMALS)


def letters(number: int) -> str:
    """1, 2, ... as a, b, ..., z, aa, ab, ..."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
