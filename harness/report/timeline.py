"""Timelines as short text: runs of equal answers, and times as a few straight lines.

A row is written as one character a class and the length of its run behind it: "A12-3A" is twelve frames of class 0,
three without an answer, one of class 0. At worst that is one byte a frame and row, however often the answer changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.frames import NONE, UNKNOWN, Answers

SYMBOLS = {NONE: "-", UNKNOWN: "."}
LETTERS, MORE = ord("A"), 0x100  # of classes 0 to 25, and of those beyond: letters, never digits or quotes
MOST_KNOTS = 400  # of a clip whose frames are unevenly spaced
TOLERANCE = 0.002  # seconds that a time may be off, doubled until the knots are few enough


def symbol(code: int) -> str:
    """The character of a class id, NONE or UNKNOWN."""
    return SYMBOLS.get(code) or chr(LETTERS + code if code < 26 else MORE + code - 26)


def runs(codes: NDArray[np.integer]) -> str:
    """codes (F,) of one row of one clip, as text."""
    if not len(codes):
        return ""
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    lengths = np.diff(np.append(starts, len(codes))).tolist()
    parts = zip(codes[starts].tolist(), lengths, strict=True)
    return "".join(symbol(code) + (str(length) if length > 1 else "") for code, length in parts)


def knots(time: NDArray[np.float64]) -> list[tuple[int, float]]:
    """time (F,) seconds of a clip's frames -> (frame, seconds) between which all others lie on straight lines.

    Two for evenly spaced frames; none if a time is not known or they do not rise.
    """
    if not len(time) or not np.isfinite(time).all() or (np.diff(time) < 0).any():
        return []
    tolerance = TOLERANCE
    while len(kept := _bent(time, tolerance)) > MOST_KNOTS:
        tolerance *= 2
    return [(one, round(float(time[one]), 3)) for one in kept]


def _bent(time: NDArray[np.float64], tolerance: float) -> list[int]:
    """Positions to keep so that no time is off by more than the tolerance (Ramer, Douglas and Peucker)."""
    kept, open_ends = {0, len(time) - 1}, [(0, len(time) - 1)]
    while open_ends:
        first, last = open_ends.pop()
        if last - first < 2:
            continue
        line = np.linspace(time[first], time[last], last - first + 1)
        off = np.abs(time[first : last + 1] - line)
        worst = int(off.argmax())
        if off[worst] > tolerance:
            kept.add(first + worst)
            open_ends += [(first, first + worst), (first + worst, last)]
    return sorted(kept)


def timelines(answers: Answers) -> dict[str, Any]:
    """All clips as JSON-ready data: {"rows": titles, "final", "clips": [{"name", "frames", "knots", "runs"}]}."""
    return {
        "rows": list(answers.rows),
        "final": answers.final,
        "clips": [
            {
                "name": name,
                "frames": span.stop - span.start,
                "knots": knots(answers.time[span]),
                "runs": [runs(codes[span]) for codes in answers.rows.values()],
            }
            for name, span in zip(answers.clips, answers.spans(), strict=True)
        ],
    }
