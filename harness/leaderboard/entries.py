"""A leaderboard for programs: CSV and JSON with the numbers in full."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from harness.leaderboard import cells
from harness.leaderboard.boards import Board, Leaderboard, Row

FORMULA = ("=", "+", "-", "@")


def as_csv(board: Leaderboard) -> str:
    """One line a row, empty where there is no number. Names that a spreadsheet would take for a formula get a "'"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = [f"{kind} {name}" for kind in ("f1", "share") for name in board.classes]
    head: list[str] = []
    for one in board.boards:
        for row in one.rows:
            values = entry(row, one)
            shown = [*values.pop("f1"), *values.pop("distribution")]
            if not head:
                head = [*values]
                writer.writerow(["board", *head, *map(_cell, classes)])
            shown += [None] * (len(classes) - len(shown))
            writer.writerow([one.name, *map(_cell, values.values()), *map(_cell, shown)])
    return text.getvalue()


def _cell(value: Any) -> Any:
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
    }
    lines = ["{", *(f" {_pair(name, value)}," for name, value in facts.items()), ' "boards": [']
    return "\n".join([*lines, ",\n".join(map(_board, board.boards)), " ]", "}"]) + "\n"


def _board(board: Board) -> str:
    facts = {
        "name": board.name,
        "title": board.title,
        "reference": None if board.reference is None else board.reference.title,
        "clusters": {"kind": board.clusters[0], "number": board.clusters[1]},
        "detectable": board.detectable,
        "notes": list(board.notes),
    }
    rows = ",\n".join(f"    {_json(entry(row, board))}" for row in board.rows)
    return "\n".join(
        ["  {", *(f"   {_pair(name, value)}," for name, value in facts.items()), '   "rows": [', rows, "   ]", "  }"]
    )


def _pair(name: str, value: Any) -> str:
    return f"{_json(name)}: {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def entry(row: Row, board: Board) -> dict[str, Any]:
    """A row as JSON-ready data; f1 and distribution are lists in class-id order, empty if not known."""
    one = row.score
    low, high = one.interval or (None, None)
    best, worst = row.ranks or (None, None)
    apart = row.difference
    least, most = apart.interval if apart else (None, None)
    spread = one.spread
    return {
        "rank": row.rank,
        "best_rank": best,
        "worst_rank": worst,
        "group": row.group,
        "run": row.run,
        "system": one.system,
        "phase": one.phase,
        "role": one.role,
        "macro_f1": one.macro_f1,
        "low": low,
        "high": high,
        "difference": apart.value if apart else None,
        "difference_low": least,
        "difference_high": most,
        "p": apart.p if apart else None,
        "p_holm": apart.p_holm if apart else None,
        "is_reference": board.reference is not None and board.reference.title == row.title,
        "accuracy": one.accuracy,
        "coverage": one.coverage,
        "refusal_rate": one.refusal_rate,
        "unweighted_average_recall": one.unweighted_average_recall,
        "weighted_f1": one.weighted_f1,
        "kappa": one.kappa,
        "matthews": one.matthews,
        "unanswered_wrong": one.by_policy.get("wrong"),
        "unanswered_excluded": one.by_policy.get("excluded"),
        "clip_macro_f1": one.clip_macro_f1,
        "clip_accuracy": one.clip_accuracy,
        "expected_calibration_error": cells.expected_calibration_error(one.calibration),
        "brier": cells.brier(one.calibration),
        "changes_per_second": one.changes_per_second,
        "divergence": one.divergence,
        "frames": one.frames,
        "clips": one.clips,
        "cost": row.cost,
        "cost_per_correct": row.cost_per_correct,
        "seconds": row.seconds,
        "peak_memory": row.peak_memory,
        "seeds": len(spread.seeds) if spread else None,
        "deviation": spread.deviation if spread else None,
        "lowest": spread.lowest if spread else None,
        "highest": spread.highest if spread else None,
        "f1": [score.f1 for score in one.per_class],
        "distribution": list(one.distribution),
    }
