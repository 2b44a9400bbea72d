"""A request on its way to an answer: where it goes, and what it asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.testing.providers.asked import Asked, Malformed, Wire, read
from harness.testing.providers.behaviour import DEFAULT, Answer
from harness.testing.providers.connection import Head
from harness.testing.providers.log import Request

_REPLIES: Mapping[str, Wire] = {
    "/v1/messages": "messages",
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
}
_ROUTES = [
    ("GET", r"/v1/models", "models.list"),
    ("GET", r"/v1/models/(?P<id>.+)", "models.retrieve"),
    ("POST", r"/v1/(?:messages/)?batches", "batch.create"),
    ("GET", r"/v1/(?:messages/)?batches", "batch.list"),
    ("GET", r"/v1/(?:messages/)?batches/(?P<id>[^/]+)", "batch.retrieve"),
    ("POST", r"/v1/(?:messages/)?batches/(?P<id>[^/]+)/cancel", "batch.cancel"),
    ("GET", r"/v1/messages/batches/(?P<id>[^/]+)/results", "batch.results"),
    ("POST", r"/v1/files", "file.create"),
    ("GET", r"/v1/files", "file.list"),
    ("GET", r"/v1/files/(?P<id>[^/]+)", "file.retrieve"),
    ("DELETE", r"/v1/files/(?P<id>[^/]+)", "file.delete"),
    ("GET", r"/v1/files/(?P<id>[^/]+)/content", "file.content"),
]
_COMPILED = [(method, re.compile(path), operation) for method, path, operation in _ROUTES]


class Failure(Exception):
    """An error status that the real provider would answer with; model: the one its text names."""

    def __init__(self, answer: Answer, model: str = "") -> None:
        super().__init__(answer.message)
        self.answer, self.model = answer, model


@dataclass
class Incoming:
    """A whole request. id: of the batch, file or model that its path names; answer: what the rules say."""

    head: Head
    body: bytes
    query: Mapping[str, str]
    request: Request
    reads: Wire | None = None
    id: str = ""
    answer: Answer = DEFAULT
    _asked: Asked | None = None

    def asked(self) -> Asked:
        """What is asked for a reply, read once; Malformed."""
        if self._asked is None:
            assert self.reads is not None
            self._asked = read(self.reads, self.body)
        return self._asked

    def look(self) -> None:
        """Note in the request what it asks, if it can be read."""
        if self.reads is not None and not self.request.key:
            try:
                self.request.note(self.asked())
            except Malformed:
                self.request.key = "malformed"


def route(method: str, path: str) -> tuple[str, Wire | None, str]:
    """Operation, the format to read if it is a reply, and the id in the path."""
    if method == "POST" and path in _REPLIES:
        return "reply", _REPLIES[path], ""
    for known, pattern, operation in _COMPILED:
        found = pattern.fullmatch(path) if method == known else None
        if found:
            return operation, None, found.groupdict().get("id", "")
    return "unknown", None, ""


def wire_of(head: Head, path: str) -> str:
    """ "anthropic" or "openai": both have a /v1/models."""
    anthropic = path.startswith("/v1/messages") or b"anthropic-version" in head.raw.lower()
    return "anthropic" if anthropic else "openai"


def reads(endpoint: Any) -> Wire:
    """The format of a batch's endpoint; Malformed if it cannot be asked."""
    if endpoint not in _REPLIES or endpoint == "/v1/messages":
        raise Malformed(f"Invalid value: {endpoint!r}. Supported values are: '/v1/chat/completions', '/v1/responses'.")
    return _REPLIES[endpoint]
