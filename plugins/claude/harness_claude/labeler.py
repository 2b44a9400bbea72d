"""Claude as a labeler: replies one by one, and batches at half the price."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from harness.vlm import BatchItem, BatchState, Prompt, Reply, RequestError
from harness_claude import batches, lifecycle
from harness_claude.answers import reply_of
from harness_claude.body import Bodies
from harness_claude.connection import Connection
from harness_claude.options import ClaudeOptions


class Claude:
    """Anthropic's models (`harness.vlm.BatchModel`). Nothing is read or opened before the first request."""

    def __init__(self, options: ClaudeOptions) -> None:
        self.options = options
        self._connection = Connection(options)
        self._bodies = Bodies(options)

    async def check(self) -> Sequence[str]:
        """Warnings about the model (deprecated, retired, unable) and the address; asked once before the first request.

        RequestError if there is no such model, or no key for it.
        """
        return await lifecycle.check(self._connection)

    async def reply(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None) -> Reply:
        """One message; with a schema its text is the JSON answer, whichever way it was asked for."""
        try:
            body = self._bodies.body(image, prompt, schema)
        except ValueError as error:
            raise RequestError("bad_request", str(error)) from None
        message, request_id = await self._connection.post("/v1/messages", body)
        return reply_of(message, request_id, self._connection.key)

    async def submit(self, items: Iterable[BatchItem], tag: str) -> str:  # noqa: ARG002 - the ids begin with it
        """Hand the items in as one Message Batch; its id."""
        return await batches.submit(self._connection, self._bodies, items)

    async def find(self, tag: str, since: float, count: int) -> str | None:
        """The batch that was created under a tag, or None; see `batches.find` for how long it may wait."""
        return await batches.find(self._connection, tag, since, count)

    async def poll(self, batch: str) -> BatchState:
        """How a batch stands."""
        return await batches.poll(self._connection, batch)

    def results(self, batch: str) -> AsyncIterator[tuple[str, Reply | RequestError]]:
        """Item ids and what became of them, as they arrive."""
        return batches.results(self._connection, batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
