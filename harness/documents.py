"""Text files for people and programs: JSON that reads well, written whole or not at all."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from harness.errors import StoreError

WIDTH = 120


def readable_json(value: Any) -> str:
    """JSON with one key a line and each list or object on one line if it fits, long lists on filled lines.

    Finite numbers only (ValueError otherwise): NaN is not JSON.
    """
    return _render(value, "") + "\n"


def _render(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list | tuple) or len(indent) + len(line) <= WIDTH:
        return line
    inner = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(str(key), ensure_ascii=False)}: {_render(one, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + "\n" + indent + "}"
    return "[\n" + inner + _filled([_render(one, inner) for one in value], inner) + "\n" + indent + "]"


def _filled(parts: list[str], indent: str) -> str:
    """The parts with commas between, as many on a line as fit."""
    text, room = parts[0], WIDTH - len(indent) - len(parts[0])
    for before, part in itertools.pairwise(parts):
        breaks = "\n" in before or "\n" in part or len(part) + 2 > room
        room = WIDTH - len(indent) - len(part) if breaks else room - len(part) - 2
        text += (f",\n{indent}" if breaks else ", ") + part
    return text


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all, text as UTF-8, whatever else happens or writes it; StoreError if it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o666 & ~_umask())  # noqa: PTH101  mkstemp makes it 0600; a table is for everybody
            os.replace(beside, path)  # noqa: PTH105
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"{path.name!r} cannot be written in {str(path.parent)!r}: {error.strerror or error}"
        ) from error
    return path


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
