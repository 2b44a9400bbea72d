"""Records -> <benchmark>.md, .csv and .json: the same records give the same bytes."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.documents import readable_json, write_atomically
from harness.evaluation.scores import SystemScore
from harness.leaderboard.record import Record
from harness.leaderboard.rows import Leaderboard, Row, leaderboard, record_files

SEEDS = (
    " Where networks were trained with several seeds, scores are means over these, ± is the sample standard deviation, "
    "and the interval is that of the mean of these seeds."
)
COSTS = ["cost (US$)", "cost per correct label (US$)"]
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
Stamp = list[tuple[str, int, int]]


def build(leaderboards: Path, benchmark: str) -> list[Path]:
    """Write the tables of a benchmark beside its records; returns their paths (md, csv, json).

    DataError names a record that cannot be used. Safe beside other runs: whoever files a record builds after it, and a
    build during which records changed is done again.
    """
    while True:
        before = _stamp(leaderboards, benchmark)
        board = read_leaderboard(leaderboards, benchmark)
        texts = {".md": as_markdown(board), ".csv": as_csv(board), ".json": as_json(board)}
        written = [write_atomically(leaderboards / f"{benchmark}{suffix}", text) for suffix, text in texts.items()]
        if _stamp(leaderboards, benchmark) == before:
            return written


def read_leaderboard(leaderboards: Path, benchmark: str) -> Leaderboard:
    """All records of a benchmark as ranked rows."""
    return leaderboard(Record.read(path) for path in record_files(leaderboards, benchmark))


def _stamp(leaderboards: Path, benchmark: str) -> Stamp:
    found: list[tuple[str, os.stat_result]] = [(one.name, one.stat()) for one in record_files(leaderboards, benchmark)]
    return [(name, status.st_mtime_ns, status.st_ino) for name, status in found]


def as_markdown(board: Leaderboard) -> str:
    """A table of the rows with intervals, a second one with the F1 of each class, and what to know about both."""
    seeds = any(row.score.spread for row in board.rows)
    macro_f1 = "macro-F1 ± sd (seeds) [95%]" if seeds else "macro-F1 [95%]"
    main = ["rank", "run", "system", "role", macro_f1, "accuracy", "coverage", "frames", "clips"]
    main += COSTS if _priced(board) else []
    parts = [
        f"# {_escaped(board.benchmark)}",
        f"Label space {_escaped(board.label_space)}, {len(board.classes)} classes. Macro-F1 is the mean F1 of all of "
        f"them, with a 95% bootstrap interval over clips.{SEEDS if seeds else ''}{_guessing(board)}",
        *(f"Note: {_escaped(note)}." for note in board.notes),
        _table(main, [_main_cells(row)[: len(main)] for row in board.rows], text_columns=4),
        "## F1 of each class",
        _table(["run", "system", *board.classes], [_class_cells(row) for row in board.rows], text_columns=2),
        *_predicted(board),
    ]
    return "\n\n".join(parts) + "\n"


def _predicted(board: Leaderboard) -> list[str]:
    """What can be said without the truth: how often labels change, which classes are predicted, how far from known."""
    rows = [row for row in board.rows if row.score.distribution]
    if not rows:
        return []
    far = any(row.score.divergence is not None for row in rows)
    head = ["run", "system", "changes/s", *(["KL"] if far else []), *board.classes]
    cells = []
    for row in rows:
        one = row.score
        numbers = [one.changes_per_second, *([one.divergence] if far else []), *one.distribution]
        cells.append([row.run, row.system, *map(decimals, numbers)])
    known = ", and their KL divergence from known frequencies, in nats" if far else ""
    text = f"Share of each class among all frames that a system predicts, annotated or not{known}."
    return ["## Predicted classes", text, _table(head, cells, text_columns=2)]


def _guessing(board: Leaderboard) -> str:
    return "" if board.chance is None else f" Uniform guessing reaches {board.chance:.3f}."


def _main_cells(row: Row) -> list[str]:
    one = row.score
    numbers = [one.accuracy, one.coverage]
    return [
        str(row.rank), row.run, row.system, one.role, measured(one),
        *map(decimals, numbers), str(one.frames), str(one.clips), dollars(row.cost), dollars(row.cost_per_correct),
    ]  # fmt: skip


def _priced(board: Leaderboard) -> bool:
    """Whether any row was paid for."""
    return any(row.cost is not None for row in board.rows)


def _class_cells(row: Row) -> list[str]:
    return [row.run, row.system, *(decimals(one.f1) for one in row.score.per_class)]


def with_interval(value: float | None, ends: tuple[float, float] | None) -> str:
    """ "0.314 [0.290, 0.341]", or the value alone where there is no interval."""
    return decimals(value) + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")


def measured(one: SystemScore) -> str:
    """ "0.314 [0.290, 0.341]", of several seeds "0.314 ± 0.012 (3) [0.290, 0.341]"."""
    if one.spread is None:
        return with_interval(one.macro_f1, one.interval)
    apart = f"{decimals(one.macro_f1)} ± {decimals(one.spread.deviation)} ({len(one.spread.seeds)})"
    return apart + with_interval(None, one.interval).removeprefix(decimals(None))


def dollars(value: float | None) -> str:
    """US dollars with two significant digits at least, or a dash."""
    if value is None:
        return "–"
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.2g}"


def decimals(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    rule = [":--" if 0 < column < text_columns or text_columns == 2 > column else "--:" for column in range(len(head))]
    lines = [[_escaped(cell) for cell in head], rule, *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def as_csv(board: Leaderboard) -> str:
    """One line a row, numbers in full; empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    entries = [_entry(row, board) for row in board.rows]
    classes = [f"{kind} {name}" for kind in ("f1", "share") for name in board.classes]
    head = [
        "rank",
        "run",
        "system",
        "phase",
        "role",
        "macro_f1",
        "low",
        "high",
        "accuracy",
        "coverage",
        "frames",
        "clips",
        "cost",
        "cost_per_correct",
        "changes_per_second",
        "divergence",
        "seeds",
        "deviation",
        "lowest",
        "highest",
    ]
    writer.writerow(head + classes)
    for entry in entries:
        values = {**entry, **{f"f1 {name}": value for name, value in entry["f1"].items()}}
        values |= {f"share {name}": value for name, value in entry["distribution"].items()}
        found = [values.get(column) for column in head + classes]
        writer.writerow(["" if value is None else value for value in found])
    return text.getvalue()


def as_json(board: Leaderboard) -> str:
    """The leaderboard for programs."""
    return readable_json(
        {
            "benchmark": board.benchmark,
            "label_space": board.label_space,
            "classes": list(board.classes),
            "chance": board.chance,
            "notes": list(board.notes),
            "rows": [_entry(row, board) for row in board.rows],
        }
    )


def _entry(row: Row, board: Leaderboard) -> dict[str, Any]:
    one = row.score
    low, high = one.interval or (None, None)
    spread = one.spread
    return {
        "rank": row.rank,
        "run": row.run,
        "system": one.system,
        "phase": one.phase,
        "role": one.role,
        "macro_f1": one.macro_f1,
        "low": low,
        "high": high,
        "accuracy": one.accuracy,
        "coverage": one.coverage,
        "frames": one.frames,
        "clips": one.clips,
        "cost": row.cost,
        "cost_per_correct": row.cost_per_correct,
        "changes_per_second": one.changes_per_second,
        "divergence": one.divergence,
        "distribution": dict(zip(board.classes, one.distribution, strict=False)),
        "seeds": len(spread.seeds) if spread else None,
        "deviation": spread.deviation if spread else None,
        "lowest": spread.lowest if spread else None,
        "highest": spread.highest if spread else None,
        "f1": {name: score.f1 for name, score in zip(board.classes, one.per_class, strict=True)},
    }
