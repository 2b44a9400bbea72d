"""The plain path: one fixed label, nothing logged. Rendered beforehand, for speed."""

from __future__ import annotations

import json
from typing import Any

from harness.testing.providers import anthropic_wire, openai_wire
from harness.testing.providers.asked import Asked
from harness.testing.providers.behaviour import DEFAULT, Behaviour
from harness.testing.providers.connection import Sending, render
from harness.testing.providers.log import Log

# A request that names one of these must be read: its answer is not plain text.
_STRUCTURED = (b'"tool_choice"', b'"json_schema"', b'"logprobs"', b'"stream"')


class Plain:
    """Replies of one behaviour, rendered. Ids and token numbers are constants here: nothing looks at the image."""

    def __init__(self, behaviour: Behaviour, log: Log) -> None:
        assert behaviour.label is not None
        self._latency, self._log = behaviour.latency, log
        self._unlimited = behaviour == Behaviour(latency=behaviour.latency, label=behaviour.label, log=False)
        message = Asked("messages", "test-model", texts=["?" * 400], roles=["user"], most=1024)
        chat = Asked("chat", "test-model", texts=["?" * 400], roles=["user"])
        self._bodies = {
            b"POST /v1/messages HTTP/1.1": _json(anthropic_wire.reply(message, DEFAULT, behaviour.label, 1, set())),
            b"POST /v1/chat/completions HTTP/1.1": _json(openai_wire.reply(chat, DEFAULT, behaviour.label, 1)),
        }
        identity = f"request-id: req_{1:024d}\r\nx-request-id: req_{1:024d}\r\n"
        self._rendered = {start: render(200, body, identity) for start, body in self._bodies.items()}

    @staticmethod
    def suits(behaviour: Behaviour) -> bool:
        """Whether every reply of a behaviour that no rule changes is the same."""
        anyone = behaviour.api_key is None and behaviour.models is None
        return behaviour.label is not None and not behaviour.log and anyone

    def sending(self, head: bytes, body: bytes) -> Sending | None:
        """The whole answer, or None if rules and limits have a say or the request has to be read."""
        ready = self._rendered.get(head[: head.find(b"\r\n")]) if self._unlimited else None
        if ready is None or _structured(body):
            return None
        counts = self._log.counts
        counts.requests += 1
        counts.replies += 1
        counts.begin()
        return Sending(ready[0], ready[1], self._latency, done=counts.end)

    def body(self, head: bytes, body: bytes) -> bytes | None:
        """The body of the default reply, or None if the request has to be read."""
        return None if _structured(body) else self._bodies.get(head[: head.find(b"\r\n")])


def _structured(body: bytes) -> bool:
    return any(name in body for name in _STRUCTURED)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
