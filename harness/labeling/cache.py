"""Replies of language models, kept for good: one SQLite file a store (WAL, JSON), so that nothing is paid twice.

The key of a reply says what was asked of whom: see `harness.labeling.keys`. A reply is on the disk before it counts:
writes are gathered while one commit is under way, so durability costs one fsync a batch of replies, not one a reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.vlm import ErrorKind, Reply, Usage

FILE = "replies.sqlite"
TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY, asker TEXT NOT NULL, labeler TEXT NOT NULL, model TEXT NOT NULL, created REAL NOT NULL,
    reply TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batches (
    tag TEXT PRIMARY KEY, asker TEXT NOT NULL, created REAL NOT NULL, items INTEGER NOT NULL, batch TEXT
);
CREATE TABLE IF NOT EXISTS batch_items (tag TEXT NOT NULL, number INTEGER NOT NULL, key BLOB NOT NULL,
    PRIMARY KEY (tag, number)) WITHOUT ROWID;
"""
MOST_VARIABLES = 512  # of one SELECT ... IN
Write = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True)
class Stored:
    """What is known of one request: a reply, or an error that asking again would not mend (`error` is its kind).

    batch: it was answered at the batch price.
    """

    reply: Reply
    error: ErrorKind | None = None
    batch: bool = False

    def to_json(self) -> str:
        """The value as it is kept."""
        one = self.reply
        usage = {name: count for name, count in vars(one.usage).items() if count}
        data: dict[str, Any] = {"text": one.text, "stop_reason": one.stop_reason, "usage": usage, "model": one.model}
        data |= {name: value for name in ("id", "detail", "logprob") if (value := getattr(one, name)) not in ("", None)}
        if self.error:
            data["error"] = self.error
        if self.batch:
            data["batch"] = True
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Stored:
        """The value that `to_json` wrote; ValueError, TypeError or KeyError if it is none."""
        data = json.loads(text)
        error, batch = data.pop("error", None), data.pop("batch", False)
        return cls(Reply(**{**data, "usage": Usage(**data["usage"])}), error, batch)


def storable(reply: Reply) -> Reply:
    """The reply with texts that any file can hold: JSON may bring half a surrogate pair, which UTF-8 does not know."""
    texts = {name: text for name in ("text", "model", "id", "detail") if not (text := getattr(reply, name)).isascii()}
    return replace(reply, **{name: text.encode("utf-8", "replace").decode() for name, text in texts.items()})


@dataclass(frozen=True)
class Entry:
    """One reply to keep. asker: digest of labeler and sampling parameters; model: as asked for."""

    key: bytes
    asker: str
    labeler: str
    model: str
    stored: Stored


@dataclass(frozen=True)
class OpenBatch:
    """A batch that was handed in, or was about to be (batch is None then), and whose results are not all here."""

    tag: str
    created: float
    items: int
    batch: str | None


class ReplyCache:
    """The replies under one file; use it as a context manager. One process may write while others read and write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        with contextlib.ExitStack() as opened:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._reader = opened.enter_context(contextlib.closing(self._connect()))
                self._writer = opened.enter_context(contextlib.closing(self._connect()))
                self._writer.executescript(TABLES)
            except (OSError, sqlite3.Error) as error:
                raise _unusable(path, error) from error
            self._opened = opened.pop_all()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replies")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-512")  # kibibytes: keys are random, a larger cache finds no more
        return connection

    def __enter__(self) -> ReplyCache:
        return self

    def __exit__(self, *exc: object) -> None:
        self._thread.shutdown(wait=True)
        self._opened.close()

    # --- reading

    def get(self, key: bytes) -> Stored | None:
        """What is known of a request, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Stored]:
        """What is known of several requests; unknown keys are left out. StoreError for a damaged file."""
        found: dict[bytes, Stored] = {}
        try:
            for start in range(0, len(keys), MOST_VARIABLES):
                part = keys[start : start + MOST_VARIABLES]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, reply FROM replies WHERE key IN ({marks})"  # noqa: S608 - question marks only
                found.update((key, Stored.from_json(text)) for key, text in self._reader.execute(query, part))
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise _unusable(self.path, error) from error
        return found

    def open_batches(self, asker: str) -> list[OpenBatch]:
        """The batches of an asker whose results are not all here, oldest first."""
        query = "SELECT tag, created, items, batch FROM batches WHERE asker = ? ORDER BY created, tag"
        return [OpenBatch(*row) for row in self._rows(query, asker)]

    def batch_keys(self, tag: str) -> dict[int, bytes]:
        """Item number -> key of the request, of one batch."""
        return dict(self._rows("SELECT number, key FROM batch_items WHERE tag = ?", tag))

    def _rows(self, query: str, value: str) -> list[Any]:
        try:
            return self._reader.execute(query, [value]).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    # --- writing: durable when the coroutine returns

    async def put(self, entry: Entry) -> Stored:
        """Keep one reply; the first of two for a key stays, and is returned."""
        row = (entry.key, entry.asker, entry.labeler, entry.model, time.time(), entry.stored.to_json())
        first = True

        def write(db: sqlite3.Connection) -> None:
            nonlocal first
            first = db.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", row).rowcount > 0

        await self.write(write)
        return entry.stored if first else self.get(entry.key) or entry.stored

    async def put_many(self, entries: Sequence[Entry]) -> None:
        """Keep several replies in one commit."""
        now = time.time()
        rows = [(one.key, one.asker, one.labeler, one.model, now, one.stored.to_json()) for one in entries]
        statement = "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)"
        await self.write(lambda db: db.executemany(statement, rows))

    async def open_batch(self, tag: str, asker: str, keys: Sequence[bytes]) -> None:
        """Write down what is about to be handed in, before it is."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, NULL)", [tag, asker, time.time(), len(keys)])
            db.executemany("INSERT INTO batch_items VALUES (?, ?, ?)", [(tag, n, key) for n, key in enumerate(keys)])

        await self.write(write)

    async def name_batch(self, tag: str, batch: str) -> None:
        """Write down the provider's id of a batch."""
        await self.write(lambda db: db.execute("UPDATE batches SET batch = ? WHERE tag = ?", [batch, tag]))

    async def close_batch(self, tag: str) -> None:
        """Forget a batch whose results are all here, or that never was."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM batch_items WHERE tag = ?", [tag])
            db.execute("DELETE FROM batches WHERE tag = ?", [tag])

        await self.write(write)

    async def write(self, change: Write) -> None:
        """Run a change in the next commit; returns when that commit is on the disk. StoreError if it cannot be."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        """Commit what waits, then what came meanwhile, until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: Exception | None = None
            try:
                await loop.run_in_executor(self._thread, self._commit, [change for change, _ in batch])
            except sqlite3.Error as error:
                failure = _unusable(self.path, error)
            except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
                failure = error
            for _, done in batch:
                if done.done():  # whoever waited was cancelled
                    continue
                if failure:
                    done.set_exception(failure)
                else:
                    done.set_result(None)
        self._flushing = None

    def _commit(self, changes: Iterable[Write]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                change(self._writer)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise


def _unusable(path: Path, error: Exception) -> StoreError:
    text = str(error)
    if "full" in text:
        return StoreError(f"no space left for the replies in {str(path)!r}; free some, then run the same command again")
    if "locked" in text:
        return StoreError(f"the replies in {str(path)!r} are locked by another process; try again when it has finished")
    return StoreError(f"the replies in {str(path)!r} cannot be used ({text}); move the file away to begin a new one")
