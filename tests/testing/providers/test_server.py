"""What the server remembers; threads and processes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.testing.providers import ProviderProcess, ProviderServer, Rule

Ask = Callable[..., Any]
Post = Callable[..., tuple[int, Any]]
BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "'Sad' or 'Happy'?"}]}
ASKED = json.dumps(BODY).encode()


def test_the_log_holds_what_was_asked_and_answered(
    server: ProviderServer, ask: Ask, face: Callable[..., bytes]
) -> None:
    before = time.time()
    ask("messages", face(7), "Which one, 'Sad' or 'Happy'?", system="Be brief.")
    (told,) = server.requests
    assert (told.operation, told.number, told.path, told.wire) == ("reply", 1, "/v1/messages", "anthropic")
    assert told.image == hashlib.sha256(face(7)).hexdigest()
    assert told.texts == ("Be brief.", "Which one, 'Sad' or 'Happy'?")
    assert told.said in ("Sad", "Happy")
    assert told.sent is not None
    assert before <= told.arrived <= told.sent <= time.time()
    assert told.headers["anthropic-version"]
    assert (told.outcome, told.status, told.model) == ("answered", 200, "a-model")


def test_without_a_log_requests_are_counted_all_the_same(server: ProviderServer, post: Post) -> None:
    for label in (None, "Sad"):
        server.behave(log=False, label=label, rules=[Rule("overloaded", every=3)])
        server.reset()
        [post()[0] for _ in range(6)]
        counts = server.counts
        assert (counts.requests, counts.replies, counts.answered, counts.errors) == (6, 6, 4, 2)
        assert (counts.at_once, counts.most_at_once) == (0, 1)
        assert counts.first is not None
        assert counts.last is not None
        assert counts.first < counts.last
        assert server.requests == []


def test_a_reset_forgets_requests_and_batches(server: ProviderServer, post: Post) -> None:
    rows = json.dumps({"requests": [{"custom_id": "a", "params": BODY}]}).encode()
    assert post(rows, "/v1/messages/batches")[0] == 200
    post()
    assert len(server.requests) == 3
    server.reset()
    assert (server.requests, server.counts.requests) == ([], 0)
    assert post(b"", "/v1/messages/batches", "GET")[1]["data"] == []


def test_nothing_is_left_when_a_server_ends(post: Post) -> None:
    before = set(threading.enumerate())
    with ProviderServer(latency=60) as server:

        def left_alone() -> None:
            with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the system has it
                post(url=server.url)

        waiting = threading.Thread(target=left_alone)
        waiting.start()
        while server.counts.at_once == 0:
            time.sleep(0.005)
    waiting.join()
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        post(url=server.url)


def test_a_port_that_is_taken_is_an_error(server: ProviderServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"), ProviderServer(port=port):
        pass


def test_a_server_of_its_own_process_outlives_a_killed_client(post: Post) -> None:
    with ProviderProcess(latency=0.3, rules=[Rule("overloaded", numbers=(2,))]) as server:
        code = f"""
import http.client, threading
def ask():
    c = http.client.HTTPConnection({server.url.removeprefix("http://")!r})
    c.request("POST", "/v1/messages", {ASKED!r}); c.getresponse().read()
ask()
print("answered", flush=True)
try: ask()
finally: ask()
"""
        client = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert client.stdout is not None
        assert client.stdout.readline() == "answered\n"
        while server.counts.replies < 3:
            time.sleep(0.01)
        client.send_signal(signal.SIGKILL)
        client.wait()
        client.stdout.close()
        deadline = time.monotonic() + 5
        while server.counts.at_once and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [one.outcome for one in server.replies] == ["answered", "error", "abandoned"]
        assert server.counts.cpu > 0
        server.behave(label="Sad", latency=0, rules=[])
        server.reset()
        assert post(url=server.url)[1]["content"][0]["text"] == "Sad"
        assert server.openai_url.endswith("/v1")
        pid = server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_cannot_start_says_so(server: ProviderServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match=f"did not start on port {port}"), ProviderProcess(port=port):
        pass


def test_a_process_refuses_a_misspelt_behaviour() -> None:
    with pytest.raises(ConfigError, match="field 'latncy'"):
        ProviderProcess(latncy=1)


def test_the_server_is_imported_without_an_sdk() -> None:
    heavy = "{'anthropic', 'openai', 'httpx2', 'aiohttp', 'pandas', 'torch'}"
    code = f"import sys, harness.testing.providers; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_the_example_of_the_documentation_runs() -> None:
    import harness.testing.providers as providers

    assert providers.__doc__ is not None
    example = providers.__doc__.partition("\n\n    ")[2].partition("\n\nWhat")[0]
    code = "\n".join(line.removeprefix("    ") for line in ("    " + example).splitlines())
    space: dict[str, Any] = {}
    exec(compile(code, "example", "exec"), space)
    asyncio.run(space["main"]())
