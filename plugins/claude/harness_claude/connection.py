"""The connection to the API through Anthropic's SDK: its client, its transport, its errors.

Requests go through the client's own verbs (`post`, `get`), which take and give bytes: the SDK signs, sends and
classifies, and no pydantic model is built for each reply.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic

from harness.errors import MissingPackage
from harness.vlm import RequestError, is_loopback
from harness_claude.failures import from_sdk, one_line
from harness_claude.options import ClaudeOptions

SPARE = 4  # connections beside those of replies: batches, the model check
IDLE = 30.0  # seconds that an idle connection is kept; a paced run leaves some idle for longer than the SDK's 5
NO_KEY = "no-key"  # the SDK insists on one, and would search the environment and the disk for it


def api_key(options: ClaudeOptions) -> str:
    """The API key of the environment; RequestError naming the variable if there is none and the server is not local."""
    name = options.api_key_env
    key = os.environ.get(name, "").strip()
    if not key:
        if is_loopback(options.base_url):
            return NO_KEY
        raise RequestError("authentication", f"no API key: set the environment variable {name} (option api_key_env)")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise RequestError("authentication", f"the environment variable {name} holds no API key: it has blanks or "
                           "characters that no key has")  # fmt: skip
    return key


class Connection:
    """One client of the SDK, made by the first request, in its event loop."""

    def __init__(self, options: ClaudeOptions) -> None:
        self.options = options
        self._client: AsyncAnthropic | None = None
        self.key = ""  # what must not show in any message

    def __repr__(self) -> str:
        return f"Connection({self.options.base_url!r})"

    @property
    def client(self) -> AsyncAnthropic:
        """The SDK's client. It neither retries nor reads credentials or addresses of its own, and reports to nobody."""
        if self._client is None:
            self.key = api_key(self.options)
            self._client = AsyncAnthropic(
                api_key=self.key,
                base_url=self.options.base_url,
                max_retries=0,
                timeout=self.options.limits.timeout,
                http_client=_http_client(self.options),
                open_telemetry=False,  # else the environment could send prompts and faces to a collector
            )
        return self._client

    async def post(self, path: str, body: bytes) -> tuple[Any, str]:
        """Send JSON bytes; the decoded answer and the request id. RequestError for whatever goes wrong."""
        try:
            response = await self.client.post(path, content=body, cast_to=httpx2.Response)
        except anthropic.AnthropicError as error:
            raise from_sdk(error, self.key) from None
        return _decoded(response), response.headers.get("request-id", "")

    async def upload(self, path: str, chunks: AsyncIterator[bytes], length: int, timeout: float) -> Any:
        """Send `length` bytes of JSON piece by piece; the decoded answer."""
        headers = {"Content-Length": str(length)}
        try:
            response = await self.client.post(
                path, content=chunks, cast_to=httpx2.Response, options={"headers": headers, "timeout": timeout}
            )
        except anthropic.AnthropicError as error:
            raise from_sdk(error, self.key, about_model=False) from None
        return _decoded(response)

    async def get(self, path: str, query: Mapping[str, object] | None = None, *, about_model: bool = False) -> Any:
        """The decoded answer of a GET."""
        try:
            response = await self.client.get(path, cast_to=httpx2.Response, options={"params": query or {}})
        except anthropic.AnthropicError as error:
            raise from_sdk(error, self.key, about_model=about_model) from None
        return _decoded(response)

    async def lines(self, path: str) -> AsyncGenerator[Any, None]:
        """The decoded lines of a JSON Lines file, as they arrive; RequestError if it ends before its end."""
        try:
            streamed: bool = True  # the verb's overloads know True only together with a class of events
            response = await self.client.get(path, cast_to=httpx2.Response, stream=streamed)
        except anthropic.AnthropicError as error:
            raise from_sdk(error, self.key, about_model=False) from None
        try:
            rest = b""
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    if line.strip():
                        yield _json(line)
            if rest.strip():
                yield _json(rest)
        except httpx2.TimeoutException as error:
            raise RequestError("timeout", f"no answer in time ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise RequestError("connection", one_line(f"connection failed: {error}", self.key)) from None
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _http_client(options: ClaudeOptions) -> httpx2.AsyncClient:
    """A transport with as many connections as replies are waited for.

    Redirects are not followed: they would take the face to a host that nobody agreed to. Nor does a proxy of the
    environment stand between this process and a server on the same machine.
    """
    most = options.limits.connections + SPARE
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=IDLE)
    local = is_loopback(options.base_url)
    if options.http == "aiohttp":
        try:
            return anthropic.DefaultAioHttpClient(limits=limits, follow_redirects=False, trust_env=not local)
        except RuntimeError:
            raise MissingPackage("http = 'aiohttp' needs the package aiohttp: pip install 'anthropic[aiohttp]', or "
                                 "set http = 'httpx'") from None  # fmt: skip
    if local:  # a transport of our own: the SDK's would take the proxies of the environment
        transport = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)
        return anthropic.DefaultAsyncHttpxClient(transport=transport, follow_redirects=False, trust_env=False)
    return anthropic.DefaultAsyncHttpxClient(limits=limits, follow_redirects=False)


def _decoded(response: httpx2.Response) -> Any:
    return _json(response.content, response.headers.get("request-id", ""))


def _json(text: bytes, request_id: str = "") -> Any:
    try:
        return json.loads(text)
    except ValueError:
        said = f"an answer of {len(text)} bytes that is not JSON" if text else "an empty answer"
        raise RequestError("server", said, request_id=request_id) from None
