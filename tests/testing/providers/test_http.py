"""Bytes on the wire."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.testing.providers import Answer, ProviderServer, script

Ask = Callable[..., Any]
Post = Callable[..., tuple[int, Any]]
BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "'Sad' or 'Happy'?"}]}
ASKED = json.dumps(BODY).encode()


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


def test_an_unknown_address_is_not_found(server: ProviderServer, post: Post) -> None:
    assert post(path="/v1/embeddings")[0] == 404
    assert post(path="/_nothing")[0] == 404
    assert post(b"{", "/v1/chat/completions")[1]["error"]["type"] == "invalid_request_error"
