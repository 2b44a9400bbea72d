"""The plain path: one fixed label, nothing logged, nothing refused. Rendered beforehand, for speed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.testing.providers import anthropic_wire, openai_wire
from harness.testing.providers.asked import Asked
from harness.testing.providers.behaviour import DEFAULT, Behaviour
from harness.testing.providers.connection import Sending, render
from harness.testing.providers.log import Log, Outcome

# A request that names one of these must be read: its answer is not plain text.
_STRUCTURED = (b'"tool_choice"', b'"json_schema"', b'"logprobs"', b'"stream"')


class Plain:
    """Pre-rendered replies of one behaviour. Token numbers are constants here: nothing looks at the image."""

    def __init__(self, behaviour: Behaviour, log: Log) -> None:
        assert behaviour.label is not None
        self._latency, self._log = behaviour.latency, log
        self._done: Callable[[Outcome], None] = self._count
        self._ready = {
            b"POST /v1/messages HTTP/1.1": self._message(behaviour.label),
            b"POST /v1/chat/completions HTTP/1.1": self._chat(behaviour.label),
        }

    @staticmethod
    def suits(behaviour: Behaviour) -> bool:
        """Whether every reply of a behaviour is the same."""
        plain = Behaviour(latency=behaviour.latency, label=behaviour.label, log=False)
        return behaviour.label is not None and behaviour == plain

    def sending(self, head: bytes, body: bytes) -> Sending | None:
        """The answer, or None if the request has to be read."""
        ready = self._ready.get(head[: head.find(b"\r\n")])
        if ready is None or any(name in body for name in _STRUCTURED):
            return None
        counts = self._log.counts
        counts.requests += 1
        counts.replies += 1
        counts.begin()
        return Sending(ready[0], ready[1], self._latency, done=self._done)

    def _count(self, outcome: Outcome) -> None:
        self._log.counts.end(outcome)

    def _message(self, label: str) -> tuple[bytes, int]:
        asked = Asked("messages", "test-model", texts=["?" * 400], roles=["user"], most=1024)
        return _rendered(anthropic_wire.reply(asked, DEFAULT, label, 1, set()))

    def _chat(self, label: str) -> tuple[bytes, int]:
        asked = Asked("chat", "test-model", texts=["?" * 400], roles=["user"])
        return _rendered(openai_wire.reply(asked, DEFAULT, label, 1))


def _rendered(body: dict[str, Any]) -> tuple[bytes, int]:
    identity = f"request-id: req_{1:024d}\r\nx-request-id: req_{1:024d}\r\n"
    return render(200, json.dumps(body, separators=(",", ":")).encode(), identity)
