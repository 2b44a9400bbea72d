"""The JSON Schema of a record: python -m harness.leaderboard.schema writes leaderboards/record.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.documents import write_atomically
from harness.leaderboard.record import Record

FILE = Path("leaderboards/record.schema.json")


def record_schema() -> dict[str, Any]:
    """The schema of schema 2, draft 2020-12, for programs that read records without the harness."""
    found = Record.model_json_schema()
    title = "The record of one run (cer-harness, schema 2)"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": title}


def as_text() -> str:
    """The file's content."""
    return json.dumps(record_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(write_atomically(FILE, as_text()))  # noqa: T201 - what was written, for who ran it
