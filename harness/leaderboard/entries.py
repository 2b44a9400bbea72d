"""A leaderboard for programs: CSV and JSON with scores as they were filed, differences with nine decimals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Leaderboard, Row

T = TypeVar("T")
BY_CLASS = ("f1", "distribution")
FORMULA = ("=", "+", "-", "@")


def as_csv(board: Leaderboard) -> str:
    """One line a row, empty where there is no number. Names that a spreadsheet would take for a formula get a "'"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in FIELDS if name not in BY_CLASS]
    writer.writerow([*names, *(cell(f"{kind} {name}") for kind in ("f1", "share") for name in board.classes)])
    for one in board.boards:
        for row in one.rows:
            values = entry(row, one)
            by_class = [value for kind in BY_CLASS for value in values[kind] or [None] * len(board.classes)]
            writer.writerow(map(cell, [*(values[name] for name in names), *by_class]))
    return text.getvalue()


def cell(value: Any) -> Any:
    """A value for CSV: None is empty, a text one printable line that no spreadsheet computes."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = cells.plain(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def as_json(board: Leaderboard) -> str:
    """Everything on the tables, a row a line."""
    facts = {
        "benchmark": board.benchmark,
        "label_space": board.label_space,
        "classes": list(board.classes),
        "chance": board.chance,
        "notes": list(board.notes),
        "boards": [_facts(one) for one in board.boards],
    }
    rows = []
    for one in board.boards:
        for row in one.rows:
            values = entry(row, one)
            rows.append(values | {kind: dict(zip(board.classes, values[kind], strict=False)) for kind in BY_CLASS})
    lines = [f" {_json(name)}: {_json(value)}," for name, value in facts.items()]
    return "\n".join(["{", *lines, ' "rows": [', ",\n".join(f"  {_json(row)}" for row in rows), " ]", "}"]) + "\n"


def _facts(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "reference": None if board.reference is None else board.reference.title,
        "clusters": {"kind": board.clusters[0], "number": board.clusters[1]},
        "detectable": board.detectable,
        "notes": list(board.notes),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _end(ends: tuple[T, T] | None, which: int) -> T | None:
    return ends[which] if ends else None


def entry(row: Row, board: Board) -> dict[str, Any]:
    """A row as JSON-ready data, by FIELDS."""
    return {name: of(row, board) for name, of in FIELDS.items()}


# f1 and distribution are lists in class-id order, empty if not known
FIELDS: Mapping[str, Callable[[Row, Board], Any]] = {
    "board": lambda _, board: board.name,
    "rank": lambda row, _: row.rank,
    "best_rank": lambda row, _: _end(row.ranks, 0),
    "worst_rank": lambda row, _: _end(row.ranks, 1),
    "group": lambda row, _: row.group,
    "run": lambda row, _: row.run,
    "also": lambda row, _: ", ".join(row.also),
    "system": lambda row, _: row.score.system,
    "phase": lambda row, _: row.score.phase,
    "role": lambda row, _: row.score.role,
    "macro_f1": lambda row, _: row.score.macro_f1,
    "low": lambda row, _: _end(row.score.interval, 0),
    "high": lambda row, _: _end(row.score.interval, 1),
    "difference": lambda row, _: row.difference.value if row.difference else None,
    "difference_low": lambda row, _: _end(row.difference.interval if row.difference else None, 0),
    "difference_high": lambda row, _: _end(row.difference.interval if row.difference else None, 1),
    "p": lambda row, _: row.difference.p if row.difference else None,
    "p_holm": lambda row, _: row.difference.p_holm if row.difference else None,
    "is_reference": lambda row, board: board.reference is not None and board.reference.title == row.title,
    "accuracy": lambda row, _: row.score.accuracy,
    "coverage": lambda row, _: row.score.coverage,
    "refusal_rate": lambda row, _: row.score.refusal_rate,
    "unweighted_average_recall": lambda row, _: row.score.unweighted_average_recall,
    "weighted_f1": lambda row, _: row.score.weighted_f1,
    "kappa": lambda row, _: row.score.kappa,
    "matthews": lambda row, _: row.score.matthews,
    "unanswered_wrong": lambda row, _: row.score.by_policy.get("wrong"),
    "unanswered_excluded": lambda row, _: row.score.by_policy.get("excluded"),
    "clip_macro_f1": lambda row, _: row.score.clip_macro_f1,
    "clip_accuracy": lambda row, _: row.score.clip_accuracy,
    "expected_calibration_error": lambda row, _: cells.expected_calibration_error(row.score.calibration),
    "brier": lambda row, _: cells.brier(row.score.calibration),
    "changes_per_second": lambda row, _: row.score.changes_per_second,
    "divergence": lambda row, _: row.score.divergence,
    "frames": lambda row, _: row.score.frames,
    "clips": lambda row, _: row.score.clips,
    "cost": lambda row, _: row.cost,
    "cost_per_correct": lambda row, _: row.cost_per_correct,
    "seconds": lambda row, _: row.seconds,
    "peak_memory": lambda row, _: row.peak_memory,
    "seeds": lambda row, _: len(row.score.spread.seeds) if row.score.spread else None,
    "deviation": lambda row, _: row.score.spread.deviation if row.score.spread else None,
    "lowest": lambda row, _: row.score.spread.lowest if row.score.spread else None,
    "highest": lambda row, _: row.score.spread.highest if row.score.spread else None,
    "f1": lambda row, _: [each.f1 for each in row.score.per_class],
    "distribution": lambda row, _: list(row.score.distribution),
}
