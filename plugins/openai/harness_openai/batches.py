"""OpenAI's Batch API: a file of requests, a batch over it, and two files of results."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import IO, Any

import openai
from openai.types import Batch

from harness.vlm import BatchItem, BatchState, Reply, RequestError
from harness_openai.bodies import Bodies
from harness_openai.failures import FAILURES, reported
from harness_openai.options import OpenAIOptions
from harness_openai.replies import read

TAG = "harness"  # key of the batch's metadata that holds the engine's tag
KEEP_INPUT = 3 * 24 * 3600  # seconds until OpenAI deletes the file with the faces; a batch takes a day at most
UPLOAD_TIMEOUT = 600.0  # seconds
CLOCKS = 300.0  # seconds by which this machine's clock may be ahead of the server's
SETTLE = 3.0  # seconds after which a batch whose creation was cut off is in the list
_WRONG = (*FAILURES, ValueError, TypeError, AttributeError)  # the SDK hands on answers that are no JSON as they are
_ENDED = frozenset({"completed", "expired", "cancelled", "failed"})
_STATUSES = _ENDED | {"validating", "in_progress", "finalizing", "cancelling"}


class Batches:
    """The batches of one labeler. `explain` turns an exception of FAILURES into a RequestError."""

    def __init__(
        self, options: OpenAIOptions, client: openai.AsyncOpenAI, explain: Callable[[BaseException], RequestError]
    ) -> None:
        self._api = options.api
        self._client, self._explain = client, explain
        self._bodies = Bodies(options)

    @property
    def _endpoint(self) -> str:
        return "/v1/chat/completions" if self._api == "chat" else "/v1/responses"

    async def submit(self, items: Iterable[BatchItem], tag: str) -> str:
        """Upload the requests and create the batch; its id."""
        with tempfile.TemporaryFile(prefix="harness-batch-") as file:  # it has no name: nothing stays after a crash
            await self._write(items, file)
            try:
                upload = await self._client.files.create(
                    file=(f"{tag}.jsonl", file, "application/jsonl"),
                    purpose="batch",
                    expires_after={"anchor": "created_at", "seconds": KEEP_INPUT},
                    timeout=UPLOAD_TIMEOUT,
                )
                batch = await self._client.batches.create(
                    input_file_id=upload.id,
                    endpoint=self._endpoint,  # type: ignore[arg-type]
                    completion_window="24h",
                    metadata={TAG: tag},
                )
                return str(batch.id)
            except _WRONG as error:
                raise self._explain(error) from None

    async def _write(self, items: Iterable[BatchItem], file: IO[bytes]) -> None:
        for number, item in enumerate(items):
            name = json.dumps(item.id).encode()
            head = b'{"custom_id":' + name + b',"method":"POST","url":"' + self._endpoint.encode() + b'","body":'
            file.write(head + self._bodies.body(item.image, item.prompt, item.schema) + b"}\n")
            if number % 100 == 99:
                await asyncio.sleep(0)  # a large batch must not hold up the progress display
        file.seek(0)

    async def find(self, tag: str, since: float) -> str | None:
        """The newest batch with that tag, one that failed as a whole only if there is no other.

        A file without a batch costs nothing and is left to expire.
        """
        for attempt in range(2):
            if attempt:
                await asyncio.sleep(SETTLE)
            if (batch := await self._look(tag, since)) is not None:
                return batch.id
        return None

    async def _look(self, tag: str, since: float) -> Batch | None:
        failed: Batch | None = None
        try:
            async for batch in self._client.batches.list(limit=100):  # newest first
                if batch.created_at < since - CLOCKS:
                    break
                if (batch.metadata or {}).get(TAG) != tag:
                    continue
                if batch.status not in ("failed", "cancelled"):
                    return batch
                failed = failed or batch
        except _WRONG as error:
            raise self._explain(error) from None
        return failed

    async def poll(self, batch: str) -> BatchState:
        """How the batch stands now."""
        state = await self._retrieve(batch)
        counts = state.request_counts
        done, total = (counts.completed + counts.failed, counts.total) if counts else (0, 0)
        failed = _why(state) if state.status == "failed" else ""
        return BatchState(state.status in _ENDED, done, total, failed)

    async def results(self, batch: str) -> AsyncIterator[tuple[str, Reply | RequestError]]:
        """Every item that the output and the error file name, once."""
        state = await self._retrieve(batch)
        seen: set[str] = set()
        for file in (state.output_file_id, state.error_file_id):  # what was answered goes before what was not
            if file is None:
                continue
            async with aclosing(self._lines(file)) as lines:
                async for name, outcome in lines:
                    if name not in seen:
                        seen.add(name)
                        yield name, outcome

    async def _lines(self, file: str) -> AsyncGenerator[tuple[str, Reply | RequestError], None]:
        broken = False
        try:
            async with self._client.files.with_streaming_response.content(file) as response:
                async for line in response.iter_lines():
                    if line.strip():
                        row = _row(line)
                        broken = row is None  # one in the middle is lost like any item without a result
                        if row is not None:
                            yield row["custom_id"], _outcome(row, self._api)
        except FAILURES as error:
            raise self._explain(error) from None
        if broken:
            raise RequestError("connection", f"the results of the batch end in the middle of a line (file {file})")

    async def _retrieve(self, batch: str) -> Batch:
        try:
            state = await self._client.batches.retrieve(batch)
            if state.status not in _STATUSES:
                raise ValueError(f"a batch of status {state.status!r}")
        except _WRONG as error:
            raise self._explain(error) from None
        return state


def _why(batch: Batch) -> str:
    problems = (batch.errors.data if batch.errors else None) or []
    texts = [f"{problem.message or problem.code}" for problem in problems[:3]]
    return "; ".join(texts) or "no reason given"


def _row(line: str) -> dict[str, Any] | None:
    """One line of a result file; None if it is broken."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("custom_id"), str) else None


def _outcome(row: Mapping[str, Any], api: str) -> Reply | RequestError:
    if error := row.get("error"):
        return reported(error)
    response = row.get("response")
    if not isinstance(response, Mapping) or not isinstance(response.get("body"), Mapping):
        return RequestError("server", "the batch's result holds no response")
    body: Mapping[str, Any] = response["body"]
    status, identity = int(response.get("status_code") or 200), str(response.get("request_id") or "")
    if status >= 400:
        return reported(body.get("error") or body, identity, status)
    try:
        return read(api, body, identity)
    except RequestError as unreadable:
        return unreadable
