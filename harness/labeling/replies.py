"""The table of everything that was answered: one row a face and voter, with the text itself, whatever its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.labeling.asking import Answer, Voter
from harness.labeling.columns import numbers, texts
from harness.labeling.crops import AskedFace

FILE = "replies.parquet"
ROW_GROUP = 1024
TEXTS = (
    "clip", "voter", "prompt", "outcome", "text", "earlier", "reason", "stop_reason", "detail", "model", "id",
    "unanswered",
)  # fmt: skip
NUMBERS: Mapping[str, type[np.generic]] = {
    "face": np.int64, "frame": np.int32, "vote": np.int16, "rung": np.int16, "label": np.int16,
    "probability": np.float32, "input_tokens": np.int32, "output_tokens": np.int32,
}  # fmt: skip
SCHEMA = pa.schema(
    [
        *((name, pa.from_numpy_dtype(np.dtype(kind))) for name, kind in NUMBERS.items()),
        *((name, pa.string()) for name in TEXTS),
    ]
)


def row_of(face: AskedFace, voter: Voter, answer: Answer) -> dict[str, Any]:
    """One row: text is the deciding reply, earlier those of the steps before it, unanswered why there is none."""
    last = answer.replies[-1] if answer.replies else None
    return {
        "face": face.id,
        "clip": face.clip,
        "frame": face.frame,
        "voter": voter.name,
        "prompt": voter.prompt.name,
        "vote": voter.vote,
        "rung": answer.rung,
        "outcome": answer.outcome,
        "label": answer.label,
        "probability": answer.probability,
        "text": answer.text,
        "earlier": "\n\n".join(one.text for one in answer.replies[:-1]),
        "reason": answer.reason,
        "stop_reason": last.stop_reason if last else "",
        "detail": last.detail if last else "",
        "model": last.model if last else "",
        "id": last.id if last else "",
        "unanswered": answer.unanswered.kind if answer.unanswered else "",
        "input_tokens": sum(_sent(one.usage) for one in answer.replies),
        "output_tokens": sum(one.usage.output_tokens for one in answer.replies),
    }


def _sent(usage: Any) -> int:
    return int(usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens)


class ReplyWriter:
    """Writes replies.parquet in the order of row numbers, whatever order the answers come in; a context manager.

    Rows wait in memory only until those before them have come.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = pq.ParquetWriter(folder / FILE, SCHEMA, compression="zstd", use_dictionary=list(TEXTS))
        self._waiting: dict[int, dict[str, Any]] = {}
        self._next = 0
        self._ready: list[dict[str, Any]] = []

    def __enter__(self) -> ReplyWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._write()
        self._writer.close()

    def add(self, number: int, row: dict[str, Any]) -> None:
        """Row `number` (from 0) is known."""
        self._waiting[number] = row
        while self._next in self._waiting:
            self._ready.append(self._waiting.pop(self._next))
            self._next += 1
        if len(self._ready) >= ROW_GROUP:
            self._write()

    def _write(self) -> None:
        if self._ready:
            rows, self._ready = self._ready, []
            arrays = [
                numbers([row[one.name] for row in rows], NUMBERS[one.name])
                if one.name in NUMBERS
                else texts([row[one.name] for row in rows])
                for one in SCHEMA
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
