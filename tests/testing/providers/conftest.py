"""The provider server, and the real SDKs to ask it with."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import anthropic
import numpy as np
import openai
import pytest
from PIL import Image

from harness.testing.providers import ProviderServer

QUESTION = "Which of the following expressions is in the image: 'Happily Surprised', 'Sadly Fearful', 'Sadly Angry'?"

Work = Callable[[anthropic.AsyncAnthropic, openai.AsyncOpenAI], Awaitable[Any]]


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def post(server: ProviderServer) -> Callable[..., tuple[int, Any]]:
    """post(body, path, method): status and JSON of a bare request, without an SDK."""
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "'Sad' or 'Happy'?"}]}

    def once(
        body: bytes | None = None, path: str = "/v1/messages", method: str = "POST", url: str = server.url
    ) -> tuple[int, Any]:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, path, json.dumps(asked).encode() if body is None else body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    return once


@pytest.fixture
def face() -> Callable[..., bytes]:
    """face(number, side, "JPEG" or "PNG"): noise that differs by number."""

    def encoded(number: int = 0, side: int = 64, kind: str = "JPEG") -> bytes:
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        return file.getvalue()

    return encoded


@pytest.fixture
def talk(server: ProviderServer) -> Callable[..., Any]:
    """talk(work): what `async work(claude, gpt)` returns, asked of the server through both SDKs, closed afterwards."""

    def run(work: Work, *, timeout: float = 5, aiohttp: bool = True, url: str = server.url) -> Any:
        async def inside() -> Any:
            settings: dict[str, Any] = {"api_key": "test-key", "max_retries": 0, "timeout": timeout}
            both = anthropic.DefaultAioHttpClient if aiohttp else None, openai.DefaultAioHttpClient if aiohttp else None
            transports = [{"http_client": make()} if make else {} for make in both]
            async with (
                anthropic.AsyncAnthropic(base_url=url, **settings, **transports[0]) as claude,
                openai.AsyncOpenAI(base_url=f"{url}/v1", **settings, **transports[1]) as gpt,
            ):
                return await work(claude, gpt)

        return asyncio.run(inside())

    return run


@pytest.fixture
def ask(talk: Callable[..., Any], face: Callable[..., bytes]) -> Callable[..., Any]:
    """ask("messages", image, text, **request): the SDK's reply to one question about one face."""

    def once(wire: str, image: bytes | None = None, words: str = QUESTION, *, client: Any = None, **more: Any) -> Any:
        data = base64.b64encode(face() if image is None else image).decode()
        kind = "image/png" if image is not None and image.startswith(b"\x89PNG") else "image/jpeg"
        url = f"data:{kind};base64,{data}"

        async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> Any:
            if wire == "messages":
                source = {"type": "base64", "media_type": kind, "data": data}
                content: Any = [{"type": "image", "source": source}, {"type": "text", "text": words}]
                asked: Any = {"model": "a-model", "max_tokens": 64, "messages": [{"role": "user", "content": content}]}
                return await claude.messages.create(**(asked | more))
            if wire == "chat":
                content = [
                    {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
                    {"type": "text", "text": words},
                ]
                asked = {"model": "a-model", "messages": [{"role": "user", "content": content}]}
                return await gpt.chat.completions.create(**(asked | more))
            content = [
                {"type": "input_image", "image_url": url, "detail": "low"},
                {"type": "input_text", "text": words},
            ]
            return await gpt.responses.create(
                **({"model": "a-model", "input": [{"role": "user", "content": content}]} | more)
            )

        return talk(work, **(client or {}))

    return once


@pytest.fixture
def text_of() -> Callable[[Any], str]:
    """The text of a reply, whichever SDK it came from."""

    def text(reply: Any) -> str:
        if hasattr(reply, "output_text"):
            return str(reply.output_text)
        if hasattr(reply, "choices"):
            return str(reply.choices[0].message.content)
        return "".join(block.text for block in reply.content if block.type == "text")

    return text
