"""The server as a thing: limits, log, behaviour, threads and processes, bytes on the wire."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import anthropic
import openai
import pytest

from harness.errors import ConfigError
from harness.testing.providers import ANSWERS, Answer, Behaviour, Model, ProviderProcess, ProviderServer, Rule, script

Ask = Callable[..., Any]
BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "'Sad' or 'Happy'?"}]}
ASKED = json.dumps(BODY).encode()


def post(url: str, body: bytes = ASKED, path: str = "/v1/messages", method: str = "POST") -> tuple[int, Any]:
    """A bare request, without an SDK."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def raw(server: ProviderServer, sent: bytes, *pieces: bytes) -> bytes:
    """What comes back on one connection for bytes as they are, until nothing comes for a moment."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=0.5) as connection:
        for piece in (sent, *pieces):
            connection.sendall(piece)
            time.sleep(0.02)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            pass
    return received


def request(body: bytes = ASKED, *headers: str) -> bytes:
    lines = ["POST /v1/messages HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# --- HTTP ---------------------------------------------------------------------------------------------------------


def test_a_request_may_arrive_byte_by_byte(server: ProviderServer) -> None:
    whole = request()
    third = len(whole) // 3
    assert raw(server, whole[:third], whole[third : 2 * third], whole[2 * third :]).startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_at_once_on_one_connection_are_answered_in_order(server: ProviderServer) -> None:
    server.behave(latency=0.05, rules=script(Answer("first"), Answer("second", latency=0.0)))
    received = raw(server, request() + request())
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.index(b"first") < received.index(b"second")
    assert server.counts.connections == 1


def test_a_body_may_come_in_chunks(server: ProviderServer) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (ASKED[:30], ASKED[30:]))
    assert b"200 OK" in raw(server, head + chunks[:20], chunks[20:] + b"0\r\n", b"\r\n")


def test_a_client_that_expects_100_continue_gets_it(server: ProviderServer) -> None:
    received = raw(
        server, request(b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: %d" % len(ASKED)), ASKED
    )
    assert received.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 200 OK" in received


def test_half_a_body_is_half_of_what_was_promised(server: ProviderServer) -> None:
    server.behave(rules="drop-during")
    head, _, body = raw(server, request()).partition(b"\r\n\r\n")
    promised = int(head.rpartition(b"content-length: ")[2])
    assert 0 < len(body) < promised


@pytest.mark.parametrize(("fault", "reset"), [("drop-before", False), ("reset-before", True)])
def test_a_reset_is_told_from_an_orderly_end(server: ProviderServer, fault: str, reset: bool) -> None:
    server.behave(rules=fault)
    if reset:
        with pytest.raises(ConnectionResetError):
            raw(server, request())
    else:
        assert raw(server, request()) == b""


def test_an_unknown_address_is_not_found(server: ProviderServer) -> None:
    assert post(server.url, path="/v1/embeddings")[0] == 404
    assert post(server.url, path="/_nothing")[0] == 404
    assert post(server.url, b"{", "/v1/chat/completions")[1]["error"]["type"] == "invalid_request_error"


# --- limits -------------------------------------------------------------------------------------------------------


def flood(url: str, count: int) -> list[int]:
    """Statuses of requests sent one after another, as fast as they go."""
    return [post(url)[0] for _ in range(count)]


@pytest.mark.parametrize("fast", [True, False])
def test_the_server_permits_so_many_replies_a_second_and_no_more(server: ProviderServer, fast: bool) -> None:
    server.behave(rate=20, burst=5, log=not fast, label="Sad" if fast else None)
    began = time.monotonic()
    statuses = []
    while time.monotonic() - began < 1:
        statuses += flood(server.url, 5)
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


def test_more_at_a_time_than_the_capacity_is_overload(server: ProviderServer) -> None:
    server.behave(latency=0.4, capacity=2)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(post(server.url)[0])) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 529, 529, 529]
    assert server.counts.limited == 3


def test_latency_and_jitter_pass_before_an_answer(server: ProviderServer) -> None:
    server.behave(latency=0.2, jitter=0.1)
    began = time.monotonic()
    post(server.url)
    assert time.monotonic() - began >= 0.2
    told = server.replies[0]
    assert told.sent is not None
    assert told.sent - told.arrived >= 0.2
    server.behave(latency=30, jitter=0, rules=Answer(latency=0))
    post(server.url)


# --- rules --------------------------------------------------------------------------------------------------------


def statuses_of(server: ProviderServer, *rules: Rule, count: int = 6) -> list[int]:
    server.behave(rules=rules)
    server.reset()
    return flood(server.url, count)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Rule("overloaded", numbers=(2, 4)), [200, 529, 200, 529, 200, 200]),
        (Rule("overloaded", every=3), [200, 200, 529, 200, 200, 529]),
        (Rule("overloaded", times=2), [529, 529, 200, 200, 200, 200]),
        (Rule("overloaded", tries=1), [529, 200, 200, 200, 200, 200]),
        (Rule("overloaded", contains="Happy"), [529] * 6),
        (Rule("overloaded", contains="Angry"), [200] * 6),
        (Rule("overloaded", image="00"), [200] * 6),
        (Rule("overloaded", on="batch.create"), [200] * 6),
        (Rule(Answer(status=500), on="*", probability=0.0), [200] * 6),
    ],
)
def test_a_rule_holds_when_all_its_conditions_do(server: ProviderServer, rule: Rule, wanted: list[int]) -> None:
    assert statuses_of(server, rule) == wanted


def test_the_first_rule_that_holds_decides(server: ProviderServer) -> None:
    rules = [Rule("overloaded", every=2), Rule("server-error", numbers=(1, 2))]
    assert statuses_of(server, *rules, count=4) == [500, 529, 200, 529]


def test_chance_repeats_with_its_seed(server: ProviderServer) -> None:
    rule = Rule("overloaded", probability=0.5)
    first = statuses_of(server, rule, count=40)
    assert first == statuses_of(server, rule, count=40)
    assert 8 < first.count(529) < 32
    server.behave(seed=1)
    assert first != statuses_of(server, rule, count=40)


def test_each_distinct_question_can_fail_once(server: ProviderServer, ask: Ask, face: Callable[..., bytes]) -> None:
    server.behave(rules=Rule("overloaded", tries=1))
    for number in range(2):
        with pytest.raises(anthropic.OverloadedError):
            ask("messages", face(number))
        ask("messages", face(number))


def test_a_rule_can_be_about_one_image(server: ProviderServer, ask: Ask, face: Callable[..., bytes]) -> None:
    server.behave(rules=Rule("bad-request", image=hashlib.sha256(face(1)).hexdigest()[:16]))
    ask("messages", face(0))
    with pytest.raises(openai.BadRequestError):
        ask("chat", face(1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": "overloadde"}, "answer 'overloadde' is not known; did you mean 'overloaded'?"),
        ({"rules": [{"answer": "refusal", "evry": 2}]}, "rule: field 'evry' is not known; did you mean 'every'?"),
        ({"rules": [{"answer": {"txt": "x"}}]}, "answer: field 'txt' is not known"),
        ({"latncy": 1}, "behaviour: field 'latncy' is not known; did you mean 'latency'?"),
        ({"models": [{"id": "m", "end": 1}]}, "model: field 'end' is not known"),
    ],
)
def test_a_misspelt_behaviour_is_refused(server: ProviderServer, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        server.behave(**changes)
    assert str(caught.value).startswith(message)
    status, told = post(server.url, json.dumps(changes).encode(), "/_behaviour")
    assert (status, told["error"]) == (400, str(caught.value))


def test_a_behaviour_survives_json() -> None:
    behaviour = Behaviour().changed(
        {
            "latency": 0.1,
            "models": [Model("m", "retired")],
            "rules": [Rule(Answer("x", retry_after=2), numbers=(1,)), "refusal"],
        }
    )
    assert Behaviour().changed(json.loads(json.dumps(behaviour.as_dict()))) == behaviour
    with pytest.raises(ConfigError, match="cannot be handed to another process"):
        Behaviour().changed({"rules": lambda _: None}).as_dict()


@pytest.mark.parametrize("name", sorted(name for name, answer in ANSWERS.items() if not answer.fault))
def test_every_named_answer_comes_with_its_status(server: ProviderServer, name: str) -> None:
    server.behave(rules=name)
    assert post(server.url)[0] == ANSWERS[name].status


# --- log and counts -----------------------------------------------------------------------------------------------


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


def test_without_a_log_requests_are_counted_all_the_same(server: ProviderServer) -> None:
    for label in (None, "Sad"):
        server.behave(log=False, label=label, rules=[Rule("overloaded", every=3)])
        server.reset()
        flood(server.url, 6)
        counts = server.counts
        assert (counts.requests, counts.replies, counts.answered, counts.errors) == (6, 6, 4, 2)
        assert (counts.at_once, counts.most_at_once) == (0, 1)
        assert counts.first is not None
        assert counts.last is not None
        assert counts.first < counts.last
        assert server.requests == []


def test_a_reset_forgets_requests_and_batches(server: ProviderServer) -> None:
    rows = json.dumps({"requests": [{"custom_id": "a", "params": BODY}]}).encode()
    assert post(server.url, rows, "/v1/messages/batches")[0] == 200
    post(server.url)
    assert len(server.requests) == 3
    server.reset()
    assert (server.requests, server.counts.requests) == ([], 0)
    assert post(server.url, b"", "/v1/messages/batches", "GET")[1]["data"] == []


# --- threads and processes ----------------------------------------------------------------------------------------


def test_nothing_is_left_when_a_server_ends() -> None:
    with ProviderServer(latency=60) as server:

        def left_alone() -> None:
            with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the system has it
                post(server.url)

        waiting = threading.Thread(target=left_alone)
        waiting.start()
        while server.counts.at_once == 0:
            time.sleep(0.005)
    waiting.join()
    assert not [one for one in threading.enumerate() if one.name == "provider-server"]
    with pytest.raises(ConnectionRefusedError):
        post(server.url)


def test_a_port_that_is_taken_is_an_error(server: ProviderServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"), ProviderServer(port=port):
        pass


def test_a_server_of_its_own_process_outlives_a_killed_client() -> None:
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
        assert post(server.url)[1]["content"][0]["text"] == "Sad"
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
