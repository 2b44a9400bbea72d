"""What the page of a leaderboard holds: columns of whole numbers, and details of as many rows as there is room for.

Details are bytes, each number in base 128 (LEB128), so that most take one byte; read by web/data.js. Of a row they are
its confusion and calibration, and its counts per clip: hits where the class occurs, and other frames predicted as each
class. Labelers and the last ensemble of every run always have them, others while the page stays small, best first.
"""

from __future__ import annotations

import itertools
import json
import zlib
from base64 import b64encode
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.scores import Calibration, SystemScore
from harness.leaderboard.boards import Board, Leaderboard, Row
from harness.pages import folded

SCALE = 1_000  # of scores in [-1, 1]: what the other tables show, too
PLACE = 5  # bytes that it takes to say where the details of a row are
TOGETHER = 16  # rows that are deflated at once, to see how much room they take
SCORES = {
    "accuracy": "accuracy", "recall": "unweighted_average_recall", "weighted": "weighted_f1", "kappa": "kappa",
    "matthews": "matthews", "clip_f1": "clip_macro_f1", "clip_accuracy": "clip_accuracy", "coverage": "coverage",
    "refusal": "refusal_rate",
}  # fmt: skip


@dataclass(frozen=True)
class Packed:
    """Texts for the page: columns, where the details of which row are, details; and of how many rows it has confusions
    and counts per clip."""

    summary: str
    places: str
    details: str
    rows: int
    with_confusion: int
    with_counts: int


class _Names:
    """Values and the number of each, in the order of their first use."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def __call__(self, value: Hashable) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> list[Any]:
        return list(self.numbers)


def pack(board: Leaderboard, room: int) -> Packed:
    """The page's data; room: bytes that it should fit in, which the details of optional rows respect."""
    rows = board.rows
    summary = _folded(_summary(board, rows))
    order = _order(rows)
    final = sum(map(_final, rows))
    first, rest = [rows[one] for one in order[:final]], [rows[one] for one in order[final:]]
    needed = [*map(_confusion_bytes, first), *map(_counts_bytes, first)]
    optional = itertools.chain(map(_confusion_bytes, rest), map(_counts_bytes, rest))
    details, lengths = _deflated(needed, optional, room - len(summary) - PLACE * len(rows))
    taken = len(lengths) - len(needed)
    confusions, counts = final + min(taken, len(rest)), final + max(0, taken - len(rest))
    places = {"order": order, "final": final, "confusions": confusions, "counts": counts, "lengths": lengths}
    return Packed(summary, _folded(places), details, len(rows), confusions, counts)


def _folded(data: dict[str, Any]) -> str:
    return folded(json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())


def _deflated(needed: Sequence[bytes], optional: Iterator[bytes], room: int) -> tuple[str, list[int]]:
    """The blocks in base64, all that are needed and as many optional ones as fit into `room`; the length of each."""
    taken = list(needed)
    deflate = zlib.compressobj(6)
    found = deflate.compress(b"".join(needed)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    while more := list(itertools.islice(optional, TOGETHER)):
        found += deflate.compress(b"".join(more)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        if len(found) * 4 // 3 > room:  # what the compressor has seen cannot be unseen: once again without
            return folded(b"".join(taken)), [len(one) for one in taken]
        taken += more
    return b64encode(found + deflate.flush()).decode("ascii"), [len(one) for one in taken]


def _final(row: Row) -> bool:
    """Whether a row is what a run was made for: its labels, or its last ensemble."""
    if row.score.role == "labeler":
        return True
    ensembles = [one for one in row.record.scores.systems if one.role == "ensemble"]
    return bool(ensembles) and (ensembles[-1].system, ensembles[-1].phase) == (row.score.system, row.score.phase)


def _order(rows: Sequence[Row]) -> list[int]:
    """Positions of the rows, final ones first, each kind by macro-F1."""
    return sorted(range(len(rows)), key=lambda one: (not _final(rows[one]), -rows[one].macro_f1, one))


def _summary(board: Leaderboard, rows: Sequence[Row]) -> dict[str, Any]:
    names = {name: _Names() for name in ("runs", "systems", "phases", "roles", "items", "clips", "supports")}
    columns = {**_identity(rows, names), **_numbers(rows), **_ranking(rows), **_costs(rows)}
    return {
        "benchmark": board.benchmark,
        "classes": list(board.classes),
        "chance": _scaled(board.chance),
        "boards": [_board(one, rows) for one in board.boards],
        "columns": columns,
        "f1": [_scaled(one.f1) for row in rows for one in row.score.per_class],
        "f1_of": [len(row.score.per_class) for row in rows],
        "runs": names["runs"].values,
        "systems": names["systems"].values,
        "phases": names["phases"].values,
        "roles": names["roles"].values,
        "items": [list(one[1]) for one in names["items"].values],
        "supports": [np.frombuffer(one, np.int64).tolist() for one in names["supports"].values],
    }


def _board(board: Board, rows: Sequence[Row]) -> dict[str, Any]:
    # the reference as a board holds it may be from before its ranks were known, or of the other board
    wanted = board.reference and (board.reference.run, id(board.reference.score))
    reference = next((number for number, row in enumerate(rows) if (row.run, id(row.score)) == wanted), None)
    return {
        "name": board.name,
        "title": board.title,
        "rows": len(board.rows),
        "reference": reference,
        "clusters": list(board.clusters),
        "detectable": _scaled(board.detectable),
        "notes": list(board.notes),
    }


def _identity(rows: Sequence[Row], names: dict[str, _Names]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        name: [] for name in ("run", "also", "system", "phase", "role", "own", "items", "support")
    }
    items: dict[str, int] = {}
    for row in rows:
        found["run"].append(names["runs"](row.run))
        found["also"].append([names["runs"](other) for other in row.also] or None)
        found["system"].append(names["systems"](row.score.system))
        found["phase"].append(names["phases"](row.score.phase))
        found["role"].append(names["roles"](row.score.role))
        found["own"].append(int(row.record.scores.settings.unanswered == "excluded"))
        countable = row.sums is not None and bool(row.items)
        if countable and row.items not in items:
            items[row.items] = names["items"](_items(row, names["clips"]))
        found["support"].append(names["supports"](_support(row).tobytes()) if countable else None)
        found["items"].append(items[row.items] if countable else None)
    return found


def _support(row: Row) -> NDArray[np.int64]:
    assert row.sums is not None
    return np.ascontiguousarray(row.sums[0, :, 1, :].astype(np.int64))


def _items(row: Row, clips: _Names) -> tuple[str, tuple[int, ...]]:
    """(digest of all that the row was scored on, a number for each of its clips with what is annotated in it)."""
    scores = row.record.scores
    support = _support(row)
    known = sorted(zip(scores.clips, scores.items, strict=False)) if len(scores.clips) == len(support) else []
    own = known if len(known) == len(support) else [("", "")] * len(support)
    excluded = scores.settings.unanswered == "excluded"  # frames then differ from row to row on the same items
    frames = [b"" if excluded else one.tobytes() for one in support]
    return row.items, tuple(clips((*one, shown)) for one, shown in zip(own, frames, strict=True))


def _numbers(rows: Sequence[Row]) -> dict[str, list[Any]]:
    scores = [row.score for row in rows]
    found = {name: [_scaled(getattr(one, field)) for one in scores] for name, field in SCORES.items()}
    ends = [one.interval or (None, None) for one in scores]
    calibrations = [one.calibration for one in scores]
    return found | {
        "macro_f1": [_scaled(one.macro_f1) for one in scores],
        **{name: [_by_policy(one, name) for one in scores] for name in ("wrong", "excluded")},
        "low": [_scaled(low) for low, _ in ends],
        "high": [_scaled(high) for _, high in ends],
        "frames": [one.frames for one in scores],
        "clips": [one.clips for one in scores],
        "changes": [_scaled(one.changes_per_second) for one in scores],
        "seeds": [len(one.spread.seeds) if one.spread else None for one in scores],
        "deviation": [_scaled(one.spread.deviation) if one.spread else None for one in scores],
        "calibration_error": [_scaled(_expected_error(one)) for one in calibrations],
        "brier": [_scaled(one.brier / one.frames) if one and one.frames else None for one in calibrations],
    }


def _by_policy(one: SystemScore, policy: Literal["wrong", "excluded"]) -> int | None:
    # of several seeds it would be the first one's beside means
    return None if one.spread else _scaled(one.by_policy.get(policy))


def _ranking(rows: Sequence[Row]) -> dict[str, list[Any]]:
    differences = [row.difference for row in rows]
    return {
        "rank": [row.rank for row in rows],
        "best": [row.ranks[0] if row.ranks else None for row in rows],
        "worst": [row.ranks[1] if row.ranks else None for row in rows],
        "group": [row.group for row in rows],
        "difference": [_scaled(one.value) if one else None for one in differences],
        "least": [_scaled(one.interval[0]) if one else None for one in differences],
        "most": [_scaled(one.interval[1]) if one else None for one in differences],
        "p_holm": [_short(one.p_holm) if one else None for one in differences],
    }


def _costs(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {
        "cost": [_short(row.cost) for row in rows],
        "per_correct": [_short(row.cost_per_correct) for row in rows],
        "seconds": [_short(row.seconds) for row in rows],
    }


def _expected_error(one: Calibration | None) -> float | None:
    """Expected calibration error: of each bin the distance of mean probability and share of right ones, by frames."""
    if one is None or not one.frames:
        return None
    return sum(abs(total - right) for _, total, right in one.bins) / one.frames


def _scaled(value: float | None) -> int | None:
    return None if value is None else round(value * SCALE)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _confusion_bytes(row: Row) -> bytes:
    """Confusion, row by row, unanswered frames of each class; number of bins, then of each frames, sum of
    probabilities in thousandths, right ones."""
    score = row.score
    bins = score.calibration.bins if score.calibration else []
    parts = [number for counts in score.confusion for number in counts] + list(score.unanswered) + [len(bins)]
    for frames, total, right in bins:
        parts += [frames, round(total * 1000), right]
    return leb128(parts) if score.confusion else b""


def _counts_bytes(row: Row) -> bytes:
    """Seeds, clips; of each seed the hits where the class occurs, and per class the misplaced frames of each clip."""
    if row.sums is None or not row.items:
        return b""
    seeds, clips = row.sums.shape[:2]
    occurs = row.sums[0, :, 1, :] > 0
    parts: list[NDArray[np.int64]] = [np.array([seeds, clips])]
    for hits, _, predicted in np.moveaxis(row.sums, 2, 1):
        parts += [hits[occurs], (predicted - hits).T.ravel()]
    return leb128(np.concatenate(parts))


def leb128(numbers: Iterable[int] | NDArray[np.integer]) -> bytes:
    """Whole numbers in [0, 2^35) in base 128, the lowest digit first; a digit that another follows has its top bit
    set."""
    values = np.fromiter(numbers, np.int64) if not isinstance(numbers, np.ndarray) else numbers.astype(np.int64)
    digits = (values[:, None] >> (7 * np.arange(5))) & 127
    follows = values[:, None] >= (1 << (7 * np.arange(1, 6)))
    kept = np.column_stack([np.ones(len(values), bool), follows[:, :-1]])
    taken: NDArray[np.uint8] = (digits | (follows << 7))[kept].astype(np.uint8)
    return taken.tobytes()
