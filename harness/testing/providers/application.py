"""What stands behind the connections: routes, rules, limits, answers and the log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from harness.errors import ConfigError
from harness.testing.providers import anthropic_wire, openai_wire
from harness.testing.providers.asked import Asked, Malformed, Wire, read
from harness.testing.providers.behaviour import ANSWERS, DEFAULT, Answer, Behaviour, Model
from harness.testing.providers.connection import Connection, Head, Sending, render
from harness.testing.providers.deciding import Bucket, Decider
from harness.testing.providers.log import Log, Outcome, Request
from harness.testing.providers.plain import Plain
from harness.testing.providers.speech import said

_UNDONE = frozenset({"drop-before", "reset-before", "never"})  # faults before anything is done
LARGEST = 32 * 2**20  # bytes of one request for a reply (doc)


@dataclass
class Incoming:
    """A request on its way to an answer."""

    head: Head
    body: bytes
    path: str
    query: Mapping[str, str]
    wire: str
    request: Request
    reads: Wire | None = None
    _asked: Asked | None = None

    def asked(self) -> Asked:
        """What is asked for a reply, read once; Malformed."""
        if self._asked is None:
            assert self.reads is not None
            self._asked = read(self.reads, self.body)
        return self._asked

    def look(self) -> None:
        """Fill the request in, if it can be read."""
        if self.reads is not None and not self.request.key:
            try:
                self.request.note(self.asked())
            except Malformed:
                self.request.key = "malformed"


class Failure(Exception):
    """An error status that the real provider would answer with."""

    def __init__(self, answer: Answer, model: str = "") -> None:
        super().__init__(answer.message)
        self.answer, self.model = answer, model


Operation = Callable[[Incoming, Answer], "tuple[bytes, str]"]


class Application:
    """Handles whole requests; runs in the server's event loop only."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.log = Log()
        self.behave(behaviour)
        self._serial = 0
        self._caches: set[str] = set()

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from the next request on; counters of rules start anew."""
        self.behaviour = behaviour
        self._decider, self._bucket = Decider(behaviour), Bucket(behaviour)
        self._plain = Plain(behaviour, self.log) if Plain.suits(behaviour) else None

    def reset(self) -> None:
        """Forget requests, counters, batches and files."""
        waiting = self.log.counts.at_once
        self.log.clear()
        self.log.counts.at_once = waiting
        self._caches.clear()
        self.behave(self.behaviour)

    def handle(self, raw: bytes, body: bytes, connection: Connection) -> Sending:
        """The answer to one request, ready to be sent."""
        if self._plain is not None:
            sending = self._plain.sending(raw, body)
            if sending is not None:
                return sending
        head = Head(raw)
        path, _, query = head.target.partition("?")
        if path.startswith("/_"):
            return self._control(head.method, path, body)
        incoming = self._incoming(head, body, unquote(path), query, connection.number)
        self.log.counts.requests += 1
        return self._respond(incoming)

    def _incoming(self, head: Head, body: bytes, path: str, query: str, connection: int) -> Incoming:
        anthropic = path.startswith("/v1/messages") or b"anthropic-version" in head.raw.lower()
        wire = "anthropic" if anthropic else "openai"
        operation, reads = _route(head.method, path)
        request = Request(self.log.number(operation), operation, wire, path, connection, time.time())
        incoming = Incoming(head, body, path, dict(parse_qsl(query)), wire, request, reads)
        if self.behaviour.log:
            request.headers = _harmless(head.headers())
            incoming.look()
            self.log.requests.append(request)
        return incoming

    def _respond(self, incoming: Incoming) -> Sending:
        request = incoming.request
        is_reply = request.operation == "reply"
        self._serial += 1
        identity = f"req_{self._serial:024d}"
        answer = self._decider.decide(request, incoming.look)
        if answer.fault in _UNDONE:
            data, head = b"", 0
        else:
            status, body, kind, answer = self._perform(incoming, answer, identity)
            request.status = status
            data, head = _rendered(status, body, kind, answer, identity)
        if is_reply:
            self.log.counts.replies += 1
            self.log.counts.begin()
        delay = answer.latency
        if delay is None:
            delay = self.behaviour.latency + self._decider.jitter(self.behaviour.jitter) if is_reply else 0.0
        outcome: Outcome = "error" if request.status >= 400 else "answered"
        if answer.fault in ("malformed", "empty", "html"):
            outcome = "broken"

        def done(became: Outcome) -> None:
            request.outcome = became
            request.sent = time.time()
            if is_reply:
                self.log.counts.end(became)

        return Sending(data, head, delay, answer.fault, outcome, done)

    def _perform(self, incoming: Incoming, answer: Answer, identity: str) -> tuple[int, bytes, str, Answer]:
        """Status, body, its media type, and the answer as it came out."""
        model = incoming.request.model
        try:
            self._authorize(incoming)
            if answer.status >= 400:
                incoming.look()
                raise Failure(answer, incoming.request.model)
            if incoming.request.operation == "reply":
                refused = self._limited()
                if refused is not None:
                    raise Failure(refused)
            body, kind = _OPERATIONS[incoming.request.operation](self, incoming, answer)
        except Failure as failure:
            model = failure.model or model
            told = replace(failure.answer, latency=answer.latency) if failure.answer is not answer else answer
            return told.status, _json(_error(incoming.wire, told, identity, model)), "application/json", told
        except Malformed as malformed:
            told = replace(DEFAULT, status=400, message=str(malformed), latency=answer.latency)
            return 400, _json(_error(incoming.wire, told, identity, model)), "application/json", told
        return answer.status, body, kind, answer

    def _authorize(self, incoming: Incoming) -> None:
        key = self.behaviour.api_key
        if key is not None:
            headers = incoming.head.headers()
            if key not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
                raise Failure(ANSWERS["authentication"])

    def _limited(self) -> Answer | None:
        capacity = self.behaviour.capacity
        answer = self._bucket.take()
        if answer is None and capacity is not None and self.log.counts.at_once >= capacity:
            answer = ANSWERS["overloaded"]
        if answer is not None:
            self.log.counts.limited += 1
        return answer

    def model(self, name: str) -> Model:
        """A model of the catalogue; Failure 404."""
        known = {one.id: one for one in self.behaviour.models or ()}
        if self.behaviour.models is not None and name not in known:
            raise Failure(ANSWERS["unknown-model"], name)
        return known.get(name, Model(name))

    def answer(self, asked: Asked, answer: Answer, request: Request) -> dict[str, Any]:
        """The reply to a question; Failure, Malformed."""
        if self.model(asked.model).lifecycle == "retired":
            raise Failure(ANSWERS["unknown-model"], asked.model)
        if asked.wire == "messages":
            anthropic_wire.check(asked)
        if not self.behaviour.obeys:
            asked = replace(asked, schema=None, tool="", top=-1)
        text = said(asked, answer, self.behaviour.label)
        request.said = text
        if asked.wire == "messages":
            return anthropic_wire.reply(asked, answer, text, self._serial, self._caches)
        return openai_wire.reply(asked, answer, text, self._serial)

    def _reply(self, incoming: Incoming, answer: Answer) -> tuple[bytes, str]:
        if len(incoming.body) > LARGEST:
            raise Failure(ANSWERS["too-large"])
        return _json(self.answer(incoming.asked(), answer, incoming.request)), "application/json"

    def _models(self, incoming: Incoming, _: Answer) -> tuple[bytes, str]:
        wire = anthropic_wire if incoming.wire == "anthropic" else openai_wire
        name = incoming.path.removeprefix("/v1/models").strip("/")
        if name:
            return _json(wire.model_info(self.model(name))), "application/json"
        rows = [wire.model_info(one) for one in self.behaviour.models or ()]
        return _json(wire.page(rows, {"limit": "1000"} | dict(incoming.query))), "application/json"

    def _unknown(self, incoming: Incoming, _: Answer) -> tuple[bytes, str]:
        words = f"Unknown request URL: {incoming.head.method} {incoming.path}"
        raise Failure(Answer(status=404, code="unknown_url", message=words))

    def _control(self, method: str, path: str, body: bytes) -> Sending:
        """What tests ask the server itself: its log, its counts, another behaviour."""
        status, told = 200, {}
        try:
            if path == "/_log":
                told = self.log.as_dict()
            elif path == "/_counts":
                told = asdict(self.log.counts)
            elif path == "/_behaviour" and method == "POST":
                self.behave(self.behaviour.changed(json.loads(body)))
            elif path == "/_reset" and method == "POST":
                self.reset()
            else:
                status, told = 404, {"error": "known: GET /_log, GET /_counts, POST /_behaviour, POST /_reset"}
        except (ConfigError, ValueError, TypeError) as error:
            status, told = 400, {"error": str(error)}
        data, head = render(status, _json(told))
        return Sending(data, head)


_OPERATIONS: dict[str, Callable[[Application, Incoming, Answer], tuple[bytes, str]]] = {
    "reply": Application._reply,
    "models.retrieve": Application._models,
    "models.list": Application._models,
    "unknown": Application._unknown,
}
_REPLIES: Mapping[str, Wire] = {
    "/v1/messages": "messages",
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
}


def _route(method: str, path: str) -> tuple[str, Wire | None]:
    """Operation, and the format to read if it is a reply."""
    if method == "POST" and path in _REPLIES:
        return "reply", _REPLIES[path]
    if method == "GET" and path == "/v1/models":
        return "models.list", None
    if method == "GET" and path.startswith("/v1/models/"):
        return "models.retrieve", None
    return "unknown", None


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _error(wire: str, answer: Answer, identity: str, model: str) -> dict[str, Any]:
    return anthropic_wire.error(answer, identity, model) if wire == "anthropic" else openai_wire.error(answer, model)


def _rendered(status: int, body: bytes, kind: str, answer: Answer, identity: str) -> tuple[bytes, int]:
    headers = f"request-id: {identity}\r\nx-request-id: {identity}\r\n"
    if isinstance(answer.retry_after, float) and not answer.retry_after.is_integer():
        headers += f"retry-after-ms: {answer.retry_after * 1000:.3f}\r\n"
    elif answer.retry_after is not None:
        after = answer.retry_after
        headers += f"retry-after: {after if isinstance(after, str) else int(after)}\r\n"
    if answer.fault == "malformed":
        body = body[: len(body) // 2]
    elif answer.fault == "empty":
        body = b""
    elif answer.fault == "html":
        body, kind = b"<html><body><h1>Bad gateway</h1></body></html>\n", "text/html"
    return render(status, body, headers, kind)


def _harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """Without keys: a log is shown in test failures."""
    return {name: text for name, text in headers.items() if name not in ("authorization", "x-api-key", "cookie")}
