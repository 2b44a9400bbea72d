"""Rates, capacities and latencies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from harness.testing.providers import Answer, ProviderServer

Ask = Callable[..., Any]
Post = Callable[..., tuple[int, Any]]


@pytest.mark.parametrize("fast", [True, False])
def test_the_server_permits_so_many_replies_a_second_and_no_more(
    server: ProviderServer, fast: bool, post: Post
) -> None:
    server.behave(rate=20, burst=5, log=not fast, label="Sad" if fast else None)
    began = time.monotonic()
    statuses = []
    while time.monotonic() - began < 1:
        statuses += [post()[0] for _ in range(5)]
    permitted = 5 + 20 * (time.monotonic() - began)
    assert 0.8 * permitted - 2 <= statuses.count(200) <= permitted + 1
    assert statuses.count(429) == server.counts.limited == len(statuses) - statuses.count(200)


def test_a_refusal_by_rate_can_say_how_long_to_wait(server: ProviderServer, ask: Ask) -> None:
    waits = {}
    for told, header in (("seconds", "retry-after"), ("milliseconds", "retry-after-ms"), ("no", "retry-after")):
        server.behave(rate=0.4, retry_after=told)
        ask("messages")
        with pytest.raises(anthropic.RateLimitError) as caught:
            ask("messages")
        waits[told] = caught.value.response.headers.get(header)
    assert waits["seconds"] in ("2", "3")
    assert 1000 < float(waits["milliseconds"]) <= 2500
    assert waits["no"] is None


def test_more_at_a_time_than_the_capacity_is_overload(server: ProviderServer, post: Post) -> None:
    server.behave(latency=0.4, capacity=2)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(post()[0])) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 529, 529, 529]
    assert server.counts.limited == 3


def test_latency_and_jitter_pass_before_an_answer(server: ProviderServer, post: Post) -> None:
    server.behave(latency=0.2, jitter=0.1)
    began = time.monotonic()
    post()
    assert time.monotonic() - began >= 0.2
    told = server.replies[0]
    assert told.sent is not None
    assert told.sent - told.arrived >= 0.2
    server.behave(latency=30, jitter=0, rules=Answer(latency=0))
    post()
