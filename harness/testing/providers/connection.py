"""HTTP/1.1 by hand: one connection of a client, its requests one after another, and answers that may be broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from harness.testing.providers.behaviour import Fault
from harness.testing.providers.log import Outcome

_BREAKS = frozenset({"drop-before", "reset-before", "drop-accepted", "drop-during", "reset-during", "never"})


@dataclass
class Sending:
    """What to send and how. done: called with what became of it, before the first byte leaves."""

    data: bytes
    head: int = 0
    delay: float = 0.0
    fault: Fault = ""
    outcome: Outcome = "answered"
    done: Callable[[Outcome], None] | None = None


@dataclass
class Head:
    """The head of a request."""

    raw: bytes
    method: str = field(init=False)
    target: str = field(init=False)

    def __post_init__(self) -> None:
        method, target, _ = self.raw[: self.raw.find(b"\r\n")].split(b" ", 2)
        self.method, self.target = method.decode("ascii"), target.decode("ascii")

    def headers(self) -> dict[str, str]:
        """Header values by lower-case name."""
        lines = (line.partition(b":") for line in self.raw.split(b"\r\n")[1:])
        return {name.decode("latin-1").lower(): text.decode("latin-1").strip() for name, _, text in lines}


Handler = Callable[[bytes, bytes, "Connection"], Sending]


class Connection(asyncio.Protocol):
    """Reads requests, hands each (head, body) to `handle`, sends what it returns, then looks at the next."""

    def __init__(self, handle: Handler, number: int, everyone: set[Connection]) -> None:
        self.number = number
        self._handle, self._everyone = handle, everyone
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._head: bytes | None = None
        self._length = 0  # of the body; -1: chunked
        self._sending: Sending | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._everyone.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._sending is None:
            self._advance()

    def _advance(self) -> None:
        while self._sending is None and self._buffer and not self._transport.is_closing():
            if self._head is None and not self._read_head():
                return
            assert self._head is not None
            body = self._read_chunks() if self._length < 0 else self._read_body()
            if body is None:
                return
            head, self._head = self._head, None
            sending = self._sending = self._handle(head, body, self)
            if sending.fault == "never":
                return
            if sending.delay > 0:
                self._timer = self._loop.call_later(sending.delay, self._send)
                return
            self._send(go_on=False)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        lower = self._head.lower()
        at = lower.find(b"\r\ncontent-length:")
        chunked = at < 0 and b"\r\ntransfer-encoding: chunked" in lower
        self._length = -1 if chunked else 0 if at < 0 else int(lower[at + 17 :].partition(b"\r\n")[0])
        if b"\r\nexpect: 100-continue" in lower:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self) -> bytes | None:
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        return body

    def _read_chunks(self) -> bytes | None:
        """A body in chunks (RFC 9112, 7.1), once all of it is there. Looked through from its start each time: a
        client that sends chunks sends files of a test's size."""
        if not self._buffer.endswith(b"0\r\n\r\n"):
            return None
        body, position = bytearray(), 0
        while True:
            end = self._buffer.find(b"\r\n", position)
            if end < 0:
                return None
            length = int(bytes(self._buffer[position:end]).split(b";")[0], 16)
            if end + 2 + length + 2 > len(self._buffer):
                return None
            body += self._buffer[end + 2 : end + 2 + length]
            position = end + 2 + length + 2
            if length == 0:
                del self._buffer[:position]
                return bytes(body)

    def _send(self, go_on: bool = True) -> None:
        sending = self._sending
        assert sending is not None
        self._sending = self._timer = None
        broken = sending.fault in _BREAKS
        if sending.done is not None:
            gone = self._transport.is_closing()
            sending.done("abandoned" if gone else "broken" if broken else sending.outcome)
        if not broken:
            self._transport.write(sending.data)
            if sending.fault == "drop-after":
                self._transport.close()
        else:
            self._break(sending)
        if go_on:
            self._advance()

    def _break(self, sending: Sending) -> None:
        if sending.fault.endswith("-during"):
            self._transport.write(sending.data[: (sending.head + len(sending.data)) // 2])
        if sending.fault.startswith("reset"):
            # Closing with a linger time of zero sends RST instead of FIN.
            connected = self._transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._everyone.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._sending is not None and self._sending.done is not None:
            self._sending.done("broken" if self._sending.fault == "never" else "abandoned")
        self._sending = None

    def abort(self) -> None:
        """Close at once; what is waiting counts as abandoned."""
        self._transport.abort()


def render(status: int, body: bytes, headers: str = "", kind: str = "application/json") -> tuple[bytes, int]:
    """A whole HTTP answer, and the length of its head. headers: further lines, each ended by CR LF."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded"
    head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {kind}\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body, len(head)
