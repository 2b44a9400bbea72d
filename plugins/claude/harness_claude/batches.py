"""Message Batches: handed in as a stream, found again by their items, read as a stream.

The file of requests is put down on disk first, so that a batch of 256 MB takes no memory.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import IO, Any

from harness.vlm import BatchItem, BatchState, Reply, RequestError
from harness_claude.answers import reply_of
from harness_claude.body import Bodies
from harness_claude.connection import Connection
from harness_claude.failures import from_object

PATH = "/v1/messages/batches"
CHUNK = 1 << 18
IN_MEMORY = 1 << 23  # a file of requests that is smaller stays in memory
UPLOAD_TIMEOUT = 600.0  # seconds for 256 MB and the answer; the timeout of one reply is too short
CLOCK_SLACK = 300.0  # seconds that the provider's clock and ours may differ
PAGE = 100  # batches a page of the list


async def submit(connection: Connection, bodies: Bodies, items: Iterable[BatchItem]) -> str:
    """Create a batch of the items; its id."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        try:
            length = _write(file, bodies, items)
        except ValueError as error:
            raise RequestError("bad_request", str(error)) from None
        timeout = max(UPLOAD_TIMEOUT, connection.options.limits.timeout)
        created = await connection.upload(PATH, _chunks(file), length, timeout)
    batch = created.get("id") if isinstance(created, Mapping) else None
    if not isinstance(batch, str) or not batch:
        raise RequestError("server", "the answer to a batch names no batch")
    return batch


def _write(file: IO[bytes], bodies: Bodies, items: Iterable[BatchItem]) -> int:
    """Write the body of a batch; its length in bytes."""
    separator = b'{"requests":['
    for item in items:
        params = bodies.body(item.image, item.prompt, item.schema, batch=True)
        file.write(b"".join((separator, b'{"custom_id":"', item.id.encode(), b'","params":', params, b"}")))
        separator = b","
    file.write(b"]}" if separator == b"," else b'{"requests":[]}')
    return file.tell()


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


async def find(connection: Connection, tag: str, since: float, count: int) -> str | None:
    """The batch that was created under a tag of `count` items after `since` (Unix time), or None.

    Anthropic's batches carry nothing of ours but the ids of their items, and these can be read only with the results.
    So the candidates are the batches created since then, five minutes of clock slack taken off, that have the same
    number of requests; of each, this waits until it has ended (at most the 24 hours after which it expires), and looks
    whether the first result belongs to the tag. Without a candidate the answer comes at once. Batches whose results
    are no longer kept cannot be told and are passed over.
    """
    for batch in await _created_since(connection, since - CLOCK_SLACK):
        if _total(batch) != count:
            continue
        while batch.get("processing_status") != "ended":
            await asyncio.sleep(connection.options.batch_poll)
            batch = await _retrieve(connection, str(batch.get("id")))
        if batch.get("archived_at") is None and await _belongs(connection, str(batch["id"]), tag):
            return str(batch["id"])
    return None


async def _belongs(connection: Connection, batch: str, tag: str) -> bool:
    async with aclosing(results(connection, batch)) as rows:
        async for item, _ in rows:
            return item.startswith(f"{tag}-")
    return False


async def _created_since(connection: Connection, moment: float) -> list[Mapping[str, Any]]:
    """Batches created since a moment (Unix time), the newest first, as the API lists them."""
    found: list[Mapping[str, Any]] = []
    query: dict[str, object] = {"limit": PAGE}
    while True:
        page = await connection.get(PATH, query)
        rows = page.get("data") if isinstance(page, Mapping) else None
        if not isinstance(rows, list):
            raise RequestError("server", "the list of batches is no list")
        for row in map(_batch, rows):
            if _seconds(row.get("created_at")) < moment:
                return found
            found.append(row)
        if not page.get("has_more") or not page.get("last_id"):
            return found
        query["after_id"] = page["last_id"]


def _seconds(moment: object) -> float:
    """Unix time of an RFC 3339 text."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        raise RequestError("server", "a batch without a date of creation") from None


async def poll(connection: Connection, batch: str) -> BatchState:
    """How a batch stands. It never fails as a whole, but its results are kept for 29 days only."""
    found = await _retrieve(connection, batch)
    total = _total(found)
    ended = found.get("processing_status") == "ended"
    failed = f"its results were archived on {str(found['archived_at'])[:10]}" if found.get("archived_at") else ""
    return BatchState(ended, total - found["request_counts"].get("processing", 0), total, failed)


def _total(batch: Mapping[str, Any]) -> int:
    return sum(count for count in batch["request_counts"].values() if isinstance(count, int))


async def _retrieve(connection: Connection, batch: str) -> Mapping[str, Any]:
    return _batch(await connection.get(f"{PATH}/{_checked(batch)}"))


def _batch(found: object) -> Mapping[str, Any]:
    if not isinstance(found, Mapping) or not isinstance(found.get("request_counts"), Mapping):
        raise RequestError("server", "an answer that is no batch")
    return found


def _checked(batch: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", batch):
        raise RequestError("bad_request", f"{batch!r} is no id of a batch")
    return batch


async def results(connection: Connection, batch: str) -> AsyncGenerator[tuple[str, Reply | RequestError], None]:
    """Item ids and what became of them. Read from the API's own address, not from the one a batch names: the key
    goes nowhere else."""
    async with aclosing(connection.lines(f"{PATH}/{_checked(batch)}/results")) as rows:
        async for row in rows:
            if not isinstance(row, Mapping) or not isinstance(row.get("custom_id"), str):
                raise RequestError("server", "a line of a batch's results names no item")
            yield row["custom_id"], _result(row.get("result"), connection.key)


def _result(result: object, secret: str) -> Reply | RequestError:
    fields = result if isinstance(result, Mapping) else {}
    kind = fields.get("type")
    try:
        if kind == "succeeded":
            return reply_of(fields.get("message"), secret=secret)
        if kind == "errored":
            response = fields.get("error")
            response = response if isinstance(response, Mapping) else {}
            return from_object(response.get("error"), str(response.get("request_id") or ""), secret)
    except RequestError as error:
        return error
    if kind in ("expired", "canceled"):
        return RequestError("timeout", f"the batch {'expired' if kind == 'expired' else 'was canceled'} first")
    return RequestError("server", f"a result of an unknown kind: {str(kind)[:40]!r}")
