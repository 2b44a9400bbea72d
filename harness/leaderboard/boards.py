"""What a leaderboard is, as data: the tables, the page and the terminal are drawn from these and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.scores import Interval, SystemScore
from harness.leaderboard.record import Record

Name = Literal["labelers", "systems"]
TITLES: dict[Name, str] = {"labelers": "Labelers: labels against truth", "systems": "Systems: final predictions"}
ROLES: dict[Name, tuple[str, ...]] = {"labelers": ("labeler",), "systems": ("network", "ensemble")}


@dataclass(frozen=True)
class Difference:
    """Macro-F1 of a row minus that of the reference row, on the same resampled clips.

    p: two-sided, of this comparison alone; p_holm: adjusted by Holm over all rows of the board.
    """

    value: float
    interval: Interval
    p: float
    p_holm: float


@dataclass(frozen=True, eq=False)
class Row:
    """One system of one run; where that had several seeds, means over these (score.spread).

    score, record: as filed, less counts per clip and correctness. sums (S, K, 3, C): of S seeds (1 where there were not
    several) and K clusters the hits, frames of each class and frames predicted as it, under the record's policy; None
    without counts that the score follows from. items: a digest of what it was scored on; only rows of one digest are
    compared, and it is "" where nothing can be.
    rank: 1 + the number of comparable rows with a higher macro-F1; equal ones share it; None: not comparable.
    ranks: the ranks that cannot be ruled out; group: letter of its tie group, rows of one letter cannot be told apart
    from the best of them. Both None where the clips do not allow it. difference: None of the reference row itself too.
    cost: US dollars of all replies that the run's labels rest on; cost_per_correct: of a labeler, cost of one face
    divided by the share of right labels among the annotated frames it was asked about. None: nobody was asked in
    words, or the price is not known. seconds: of work for the whole run, peak_memory: bytes; None: not known.
    also: other runs in which the very same system was found, frame by frame; they have no row of their own.
    """

    run: str
    score: SystemScore
    record: Record
    sums: NDArray[np.int64] | None = None
    items: str = ""
    rank: int | None = None
    ranks: tuple[int, int] | None = None
    group: str | None = None
    difference: Difference | None = None
    cost: float | None = None
    cost_per_correct: float | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    also: tuple[str, ...] = ()

    @property
    def runs(self) -> str:
        """The run, and in how many more the system was found: "paper (+2)"."""
        return self.run + (f" (+{len(self.also)})" if self.also else "")

    @property
    def system(self) -> str:
        """The system's name with the state it was scored in."""
        return self.score.system + (f", {self.score.phase}" if self.score.phase else "")

    @property
    def title(self) -> str:
        """ "RUN:SYSTEM", what --reference takes."""
        return f"{self.run}:{self.system}"

    @property
    def macro_f1(self) -> float:
        """Macro-F1; every row has one."""
        return self.score.macro_f1 or 0.0


@dataclass(frozen=True, eq=False)
class Board:
    """The rows of one of the two boards: those that can be compared, best first, then those scored on other items.

    reference: the row that differences are to; it may be of the other board. clusters: what was resampled ("clip",
    "subject") and how many there are of it. detectable: the difference to the reference that a test of one row alone
    finds four times out of five, for the median row; None where nothing can be told.
    """

    name: Name
    rows: tuple[Row, ...]
    reference: Row | None = None
    clusters: tuple[str, int] = ("clip", 0)
    detectable: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the board ranks."""
        return TITLES[self.name]


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """A benchmark: its boards, labelers first; classes; macro-F1 of guessing (None if not known); records by run, less
    counts per clip and correctness; notes on comparability."""

    benchmark: str
    label_space: str
    classes: tuple[str, ...]
    boards: tuple[Board, ...]
    chance: float | None = None
    records: dict[str, Record] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def board(self, name: Name) -> Board:
        """One of the two boards; it may be without rows."""
        return next(one for one in self.boards if one.name == name)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of both boards."""
        return tuple(row for board in self.boards for row in board.rows)
