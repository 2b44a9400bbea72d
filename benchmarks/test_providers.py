"""How fast the provider server of `harness.testing` is: it must never be what a labeling benchmark measures.

A raw client in this process keeps its connections busy with requests of 27 KB (a JPEG of 20 KB in base64); the server
runs in a process of its own. Both share the machine, so look at the CPU seconds a thousand requests cost the server:
their inverse is what one core of its own could serve.

    pytest benchmarks/test_providers.py --benchmark-enable
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.testing.providers import ProviderProcess

CONNECTIONS, REQUESTS = 256, 6000
QUESTION = "Which of the following expressions is the expression in the image: 'Happily Surprised', 'Sadly Angry'?"
ASKED = {
    "one label, counts only": {"label": "Sadly Angry", "log": False},
    "labels by image, full log": {},
}


def messages(count: int) -> Iterator[bytes]:
    """HTTP requests of as many different images."""
    draw = random.Random(0)
    for _ in range(count):
        image = b"\xff\xd8\xff\xe0" + draw.randbytes(20_000)
        source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(image).decode()}
        content = [{"type": "image", "source": source}, {"type": "text", "text": QUESTION}]
        asked = {"model": "test", "max_tokens": 64, "messages": [{"role": "user", "content": content}]}
        body = json.dumps(asked).encode()
        head = "POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nanthropic-version: 2026-10-21\r\n"
        yield f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class Asking(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, waiting: Iterator[bytes], finished: asyncio.Future[None]) -> None:
        self.waiting, self.finished = waiting, finished
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        request = next(self.waiting, None)
        if request is None:
            self.transport.close()
            self.finished.set_result(None)
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.rpartition(b"content-length: ")[2]):
            assert head.startswith(b"HTTP/1.1 200"), head
            self.buffer = b""
            self.ask()


async def ask_all(port: int, requests: list[bytes], connections: int) -> None:
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    finished = [loop.create_future() for _ in range(connections)]
    for one in finished:
        await loop.create_connection(lambda one=one: Asking(waiting, one), "127.0.0.1", port)
    await asyncio.gather(*finished)


@pytest.mark.parametrize("asked", ASKED)
def test_requests_a_second(benchmark: BenchmarkFixture, asked: str) -> None:
    count = REQUESTS if benchmark.enabled else CONNECTIONS
    different = list(messages(min(count, 500)))
    requests = (different * (count // len(different) + 1))[:count]
    behaviour: dict[str, Any] = ASKED[asked]
    with ProviderProcess(**behaviour) as server:
        port = int(server.url.rpartition(":")[2])

        def run() -> None:
            server.reset()
            asyncio.run(ask_all(port, requests, CONNECTIONS))

        benchmark.pedantic(run, rounds=3, warmup_rounds=1 if benchmark.enabled else 0)
        counts = server.counts
        assert counts.answered == count
        assert counts.most_at_once <= CONNECTIONS
        if benchmark.enabled:
            before = counts.cpu
            run()
            cost = (server.counts.cpu - before) / count
            benchmark.extra_info["requests a second, with the client beside it"] = round(
                count / benchmark.stats.stats.median
            )
            benchmark.extra_info["requests a second of one core"] = round(1 / cost)
            benchmark.extra_info["server CPU seconds a thousand"] = round(1000 * cost, 3)
            assert cost < 1 / 3000
