"""The labeler `openai`: one request, one reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import httpx2

from harness.vlm import BatchItem, BatchState, Prompt, Reply, RequestError
from harness_openai.batches import Batches
from harness_openai.bodies import Bodies
from harness_openai.connection import PLAIN, api_key, connect
from harness_openai.failures import FAILURES, request_error
from harness_openai.options import OpenAIOptions
from harness_openai.replies import parse, read

CHECK_TIMEOUT = 5.0  # seconds that looking up the model may take


class OpenAI:
    """A model behind OpenAI's API or a compatible server.

    ConfigError if its API key is missing. Requests go through the SDK's `post` with a ready-made body and the bare
    response: that halves the CPU time of `chat.completions.create` and keeps the SDK's error classes.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._key = api_key(options)
        self._client = connect(options, self._key)
        self._path = "/chat/completions" if options.api == "chat" else "/responses"
        self._bodies = Bodies(options)
        self._batches = Batches(options, self._client, self._explain)

    def __repr__(self) -> str:
        return f"OpenAI(model={self._options.model!r}, base_url={self._options.destination()!r})"

    async def reply(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None) -> Reply:
        """Ask once."""
        body = self._bodies.body(image, prompt, schema)
        try:
            async with asyncio.timeout(self._options.limits.timeout):
                response = await self._client.post(
                    self._path, content=body, cast_to=httpx2.Response, options={"headers": PLAIN}
                )
        except FAILURES as error:
            raise self._explain(error) from None
        return read(self._options.api, parse(response.content), response.headers.get("x-request-id", ""))

    async def check(self) -> Sequence[str]:
        """Warnings before the first request: a model that the server does not list. Never an error."""
        options = self._options
        try:
            # On a connection of its own: a server that fails at this may close it without a word.
            page = await self._client.models.list(
                timeout=min(CHECK_TIMEOUT, options.limits.timeout), extra_headers={"Connection": "close"}
            )
            names = {model.id for model in page.data}
        except (*FAILURES, AttributeError, TypeError, ValueError):
            return ()  # not every server has a list, and the first request will tell
        known = {name.removeprefix("models/") for name in names}  # Gemini's spelling
        if not known or options.model.removeprefix("models/") in known:
            return ()
        return (f"{options.destination()} does not list the model {options.model!r}; it is asked all the same",)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def submit(self, items: Iterable[BatchItem], tag: str) -> str:
        """Upload the requests and create their batch; its id."""
        return await self._batches.submit(items, tag)

    async def find(self, tag: str, since: float, count: int) -> str | None:  # noqa: ARG002 - the metadata is enough
        """The batch that was created under a tag, or None."""
        return await self._batches.find(tag, since)

    async def poll(self, batch: str) -> BatchState:
        """How a batch stands."""
        return await self._batches.poll(batch)

    def results(self, batch: str) -> AsyncIterator[tuple[str, Reply | RequestError]]:
        """What became of a batch's items."""
        return self._batches.results(batch)

    def _explain(self, error: BaseException) -> RequestError:
        return request_error(error, self._options.destination(), self._key, self._options.key_variable)
