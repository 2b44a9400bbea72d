"""The rows of a leaderboard: one a run and system, ranked by macro-F1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError, listed, nearest
from harness.evaluation.scores import SystemScore
from harness.leaderboard.record import RESULTS, Record, results_folder


@dataclass(frozen=True)
class Row:
    """One system of one run; where that had several seeds, means over these (score.spread).

    rank: 1 + the number of rows with a higher macro-F1; equal ones share it.
    cost: US dollars of all replies that the run's labels rest on; cost_per_correct: of a labeler, cost of one face
    divided by the share of right labels among the annotated frames it was asked about. None: nobody was asked in
    words, or the price is not known.
    """

    rank: int
    run: str
    score: SystemScore
    cost: float | None = None
    cost_per_correct: float | None = None

    @property
    def system(self) -> str:
        """The system's name with the state it was scored in."""
        return self.score.system + (f", {self.score.phase}" if self.score.phase else "")


@dataclass(frozen=True)
class Leaderboard:
    """A benchmark: its rows, best first; classes; macro-F1 of guessing (None if not known); notes on comparability."""

    benchmark: str
    label_space: str
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    chance: float | None
    notes: tuple[str, ...]


def benchmarks(leaderboards: Path) -> list[str]:
    """Names of the benchmarks that have a folder of records."""
    return sorted(folder.name for folder in (leaderboards / RESULTS).glob("*") if folder.is_dir())


def record_files(leaderboards: Path, benchmark: str) -> list[Path]:
    """The record files of a benchmark, sorted by name; DataError if there is no record."""
    folder = results_folder(leaderboards, benchmark)
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    if not files:
        known = benchmarks(leaderboards)
        hint = "" if benchmark in known else nearest(benchmark, known)
        raise DataError(f"benchmark {benchmark!r} has no record in {str(folder)!r}{hint}")
    return files


def leaderboard(records: Iterable[Record]) -> Leaderboard:
    """The records of one benchmark as ranked rows; DataError if they are of different label spaces."""
    records = sorted(records, key=lambda one: one.run)
    first = records[0]
    for other in records[1:]:
        if (other.scores.label_space, other.scores.classes) != (first.scores.label_space, first.scores.classes):
            raise DataError(
                f"benchmark {first.benchmark!r}: run {other.run!r} has label space {other.scores.label_space!r}, run "
                f"{first.run!r} has {first.scores.label_space!r}, or their classes differ; give each its own benchmark"
            )
    scored = [
        (one.macro_f1, record, one)
        for record in records
        for one in record.scores.systems
        if one.role != "reference" and one.macro_f1 is not None
    ]
    scored.sort(key=lambda entry: (-entry[0], entry[1].run, entry[2].system, entry[2].phase))
    values = [value for value, _, _ in scored]
    rows = [Row(values.index(value) + 1, record.run, one, *_costs(record, one)) for value, record, one in scored]
    return Leaderboard(
        benchmark=first.benchmark,
        label_space=first.scores.label_space,
        classes=tuple(first.scores.classes),
        rows=tuple(rows),
        chance=next((found for one in records if (found := one.scores.chance) is not None), None),
        notes=tuple(_notes(records)),
    )


def _costs(record: Record, one: SystemScore) -> tuple[float | None, float | None]:
    """(cost, cost per correct label) of a row."""
    costs = [asked.cost for asked in record.asked]
    if not costs or None in costs:
        return None, None
    total = sum(cost for cost in costs if cost is not None)
    faces = max(asked.faces for asked in record.asked)
    if one.role != "labeler" or not one.accuracy or not faces:
        return total, None
    return total, total / faces / one.accuracy


def _notes(records: list[Record]) -> list[str]:
    found = []
    targets = {tuple(sorted(one.fingerprint for one in record.data if one.role == "target")) for record in records}
    truths = {
        (record.scores.truth.frames, record.scores.truth.clips, *record.scores.truth.per_class) for record in records
    }
    if len(targets) > 1 or len(truths) > 1:
        found.append("the runs were scored on different data: ranks across them compare unlike things")
    if len({record.scores.settings.unanswered for record in records}) > 1:
        found.append("the runs treat frames without a prediction differently (wrong or excluded)")
    if len({tuple(one) for record in records if (one := record.scores.settings.reference)}) > 1:
        found.append("the runs measure divergence from different reference distributions")
    unscored = [record.run for record in records if all(one.macro_f1 is None for one in record.scores.systems)]
    if unscored:
        found.append(f"without annotations, and so without a row: {listed(unscored)}")
    dirty = [record.run for record in records if record.git and record.git.dirty]
    if dirty:
        found.append(f"run from changed code: {listed(dirty)}")
    return found
