"""The records of a benchmark as a leaderboard: two boards of ranked rows, one row a run and system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import DataError, nearest
from harness.evaluation.scores import Scores, SystemScore
from harness.leaderboard.boards import ROLES, Board, Leaderboard, Name, Row
from harness.leaderboard.evidence import Evidence
from harness.leaderboard.merged import identity, merged
from harness.leaderboard.notes import board_notes, notes
from harness.leaderboard.record import RESULTS, Record, results_folder
from harness.leaderboard.reference import chosen
from harness.leaderboard.standings import against, basis_of, least_difference, ranked


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


def leaderboard(records: Iterable[Record], reference: str | None = None) -> Leaderboard:
    """The records of one benchmark, in any order, as a leaderboard.

    reference: "RUN" or "RUN:SYSTEM", what other rows are seen against; if None, the best labeler named claude, else the
    best labeler. DataError for records of different label spaces, ConfigError for a reference that is none of the rows.
    """
    evidence = Evidence()
    found: list[tuple[Row, str]] = []
    lean: list[Record] = []
    for record in records:
        lean.append(_lean(record))
        found += _rows(record, lean[-1], evidence)
    lean.sort(key=lambda one: one.run)
    rows = merged(found)
    rows.sort(key=lambda row: (row.run, row.system))
    _one_space(lean)
    first = lean[0]
    boards: dict[Name, list[Row]] = {
        name: [row for row in rows if row.score.role in roles] for name, roles in ROLES.items()
    }
    return Leaderboard(
        benchmark=first.benchmark,
        label_space=first.scores.label_space,
        classes=tuple(first.scores.classes),
        boards=tuple(_board(name, boards, evidence, reference) for name in ROLES),
        chance=next((chance for one in lean if (chance := one.scores.chance) is not None), None),
        records={one.run: one for one in lean},
        notes=tuple(notes(lean)),
    )


def _board(name: Name, boards: dict[Name, list[Row]], evidence: Evidence, wanted: str | None) -> Board:
    basis = basis_of(boards[name])
    rows = ranked(boards[name], basis)
    reference = chosen(name, {**boards, name: rows}, basis, wanted)
    clusters = ("clip", 0)
    if basis:
        compared = next(row for row in rows if row.items == basis)
        clusters = (evidence.bases[basis].clusters, 0 if compared.sums is None else compared.sums.shape[1])
    if reference is not None:
        rows = against(rows, reference)
    return Board(
        name=name,
        rows=tuple(rows),
        reference=reference,
        clusters=clusters,
        detectable=least_difference(rows, clusters[1]),
        notes=tuple(board_notes(rows, reference, clusters, basis, evidence.bases)),
    )


def _rows(record: Record, lean: Record, evidence: Evidence) -> list[tuple[Row, str]]:
    """The rows of a record, not yet ranked, and the identities of their systems."""
    seconds = sum(stage.seconds for stage in record.stages) if record.stages else None
    peak_memory = max((stage.peak_memory for stage in record.stages), default=None)
    found = []
    for one, light in zip(record.scores.systems, lean.scores.systems, strict=True):
        if one.role == "reference" or one.macro_f1 is None:
            continue
        sums, items = evidence.of(record, one) or (None, "")
        cost, cost_per_correct = _costs(record, one)
        row = Row(record.run, light, lean, sums, items, cost=cost, cost_per_correct=cost_per_correct)
        found.append((replace(row, seconds=seconds, peak_memory=peak_memory), identity(row, one)))
    return found


def _lean(record: Record) -> Record:
    """The record without what only statistics need: of a thousand runs it is most of what they hold."""
    systems = [one.model_copy(update={"counts": [], "correctness": ""}) for one in record.scores.systems]
    scores: Scores = record.scores.model_copy(update={"systems": systems})
    return record.model_copy(update={"scores": scores, "by_seed": []})


def _one_space(records: Sequence[Record]) -> None:
    first = records[0]
    for other in records[1:]:
        if (other.scores.label_space, other.scores.classes) != (first.scores.label_space, first.scores.classes):
            raise DataError(
                f"benchmark {first.benchmark!r}: run {other.run!r} has label space {other.scores.label_space!r}, run "
                f"{first.run!r} has {first.scores.label_space!r}, or their classes differ; give each its own benchmark"
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
