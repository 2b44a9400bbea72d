"""Looking after the reply cache: what it holds, taking replies out and in as JSON lines, dropping old ones."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from harness.errors import DataError, StoreError
from harness.labeling.cache import FILE, ReplyCache, Stored
from harness.vlm import ErrorKind, StopReason

KEY_BYTES = 32
FIELDS = ("key", "asker", "labeler", "model", "created", "reply")
TEXTS = ("text", "stop_reason", "model", "id", "detail")


@dataclass(frozen=True)
class Holding:
    """The replies of one labeler and model; first, last: Unix times; size: bytes of their JSON texts."""

    labeler: str
    model: str
    replies: int
    first: float
    last: float
    size: int


def holdings(store: Path) -> list[Holding]:
    """What the reply cache of a store holds, by labeler and model; empty if there is none."""
    query = (
        "SELECT labeler, model, COUNT(*), MIN(created), MAX(created), SUM(LENGTH(CAST(reply AS BLOB))) FROM replies"
        " GROUP BY labeler, model ORDER BY 1, 2"
    )
    if not (store / FILE).is_file():
        return []
    with _open(store) as db:
        return [Holding(*row) for row in db.execute(query)]


def count(store: Path) -> int:
    """The number of stored replies."""
    return sum(one.replies for one in holdings(store))


def lines(store: Path) -> Iterator[str]:
    """Every reply as a JSON line, in the order of keys; the lines of equal caches are equal."""
    if not (store / FILE).is_file():
        return
    with _open(store) as db:
        for key, *values, reply in db.execute(f"SELECT {', '.join(FIELDS)} FROM replies ORDER BY key"):  # noqa: S608
            row = dict(zip(FIELDS, [key.hex(), *values, json.loads(reply)], strict=True))
            yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def take_in(store: Path, source: Path) -> tuple[int, int]:
    """Add the replies of a file that `lines` made; those that are known stay. Returns (added, known before).

    DataError names the first line that is no reply; nothing is added then.
    """
    rows = _rows(source)
    with ReplyCache(store / FILE):
        pass  # which makes the tables where there are none
    added = total = 0
    with _open(store) as db, _change(db):
        for row in rows:
            total += 1
            added += db.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", row).rowcount
    return added, total - added


def prune(store: Path, older_than_days: float, labeler: str | None = None, model: str | None = None) -> int:
    """Drop replies that came more than so many days ago, of one labeler or model if named. Returns their number."""
    if not (store / FILE).is_file():
        return 0
    where, values = ["created <= ?"], [time.time() - older_than_days * 86400]
    chosen = [(name, value) for name, value in (("labeler", labeler), ("model", model)) if value is not None]
    statement = " AND ".join([*where, *(f"{name} = ?" for name, _ in chosen)])
    with _open(store) as db:
        with _change(db):
            dropped = db.execute(f"DELETE FROM replies WHERE {statement}", [*values, *(one for _, one in chosen)])  # noqa: S608
        with contextlib.suppress(sqlite3.OperationalError):  # another process reads: the room is given back later
            db.execute("VACUUM")
        return dropped.rowcount


@contextlib.contextmanager
def _open(store: Path) -> Iterator[sqlite3.Connection]:
    path = store / FILE
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
            yield db
    except (sqlite3.Error, json.JSONDecodeError) as error:
        raise StoreError(f"the replies in {str(path)!r} cannot be used ({error})") from error


@contextlib.contextmanager
def _change(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction: all of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


# --- what a line must be


def _rows(source: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of a file of JSON lines, ready for the table; DataError names file, line and fault."""
    try:
        with source.open(encoding="utf-8") as file:
            yield from _checked(source, file)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source}: cannot be read ({error})") from error


def _checked(source: Path, file: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            try:
                yield _row(line)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
                raise DataError(
                    f"{source}: line {number} is no exported reply ({said}); nothing was imported"
                ) from error


def _row(line: str) -> tuple[Any, ...]:
    data = json.loads(line)
    if not isinstance(data, dict):
        raise TypeError("not a JSON object")
    key = bytes.fromhex(data["key"])
    if len(key) != KEY_BYTES:
        raise ValueError(f"key has {len(key)} bytes, not {KEY_BYTES}")
    texts = [data[name] for name in ("asker", "labeler", "model")]
    if not all(isinstance(one, str) for one in texts):
        raise TypeError("asker, labeler and model must be text")
    if isinstance(data["created"], bool) or not isinstance(data["created"], int | float):
        raise TypeError("created must be a number")
    return (key, *texts, float(data["created"]), _stored(data["reply"]).to_json())


def _stored(data: Any) -> Stored:
    """The value of a reply, every field of the type that it must have."""
    stored = Stored.from_json(json.dumps(data))
    reply = stored.reply
    for name in TEXTS:
        if not isinstance(getattr(reply, name), str):
            raise TypeError(f"reply.{name} must be text")
    if reply.stop_reason not in get_args(StopReason):
        raise ValueError(f"reply.stop_reason {reply.stop_reason!r} is none of {', '.join(get_args(StopReason))}")
    if stored.error is not None and stored.error not in get_args(ErrorKind):
        raise ValueError(f"reply.error {stored.error!r} is no kind of error")
    if reply.logprob is not None and (isinstance(reply.logprob, bool) or not isinstance(reply.logprob, int | float)):
        raise TypeError("reply.logprob must be a number")
    for name, tokens in asdict(reply.usage).items():
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
            raise TypeError(f"reply.usage.{name} must be a whole number from 0 on")
    return stored
