"""What stands behind the connections: rules, limits, answers and the log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from harness.errors import ConfigError
from harness.testing.providers import anthropic_batches, anthropic_wire, openai_batches, openai_files, openai_wire
from harness.testing.providers.asked import Asked, Malformed, Wire, read
from harness.testing.providers.batches import Batches, Item, State, state_of
from harness.testing.providers.behaviour import ANSWERS, DEFAULT, Answer, Behaviour, Model
from harness.testing.providers.connection import Connection, Head, Sending, render
from harness.testing.providers.deciding import Bucket, Decider
from harness.testing.providers.incoming import Failure, Incoming, route, wire_of
from harness.testing.providers.log import Log, Outcome, Request
from harness.testing.providers.openai_files import File
from harness.testing.providers.plain import Plain
from harness.testing.providers.speech import said

_UNDONE = frozenset({"drop-before", "reset-before", "never"})  # faults before anything is done
_UNREADABLE = frozenset({"malformed", "empty", "html"})
LARGEST = 32 * 2**20  # bytes of one request for a reply (doc)


class Application:
    """Handles whole requests; runs in the server's event loop only."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.log = Log()
        self.batches = Batches()
        self.files: dict[str, File] = {}
        self._serial = 0
        self._caches: set[str] = set()
        self.behave(behaviour)

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
        self.batches = Batches()
        self.files.clear()
        self._caches.clear()
        self.behave(self.behaviour)

    def identity(self, kind: str) -> str:
        """A new id."""
        self._serial += 1
        return f"{kind}_{self._serial:024d}"

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
        self.log.counts.requests += 1
        return self._respond(self._incoming(head, body, unquote(path), query, connection.number))

    def _incoming(self, head: Head, body: bytes, path: str, query: str, connection: int) -> Incoming:
        operation, reads, name = route(head.method, path)
        number = self.log.number(operation)
        request = Request(number, operation, wire_of(head, path), path, connection, time.time())
        incoming = Incoming(head, body, dict(parse_qsl(query)), request, reads, name)
        if self.behaviour.log:
            request.headers = _harmless(head.headers())
            incoming.look()
            self.log.requests.append(request)
        return incoming

    def _respond(self, incoming: Incoming) -> Sending:
        request, identity = incoming.request, self.identity("req")
        answer = self._decider.decide(request, incoming.look)
        data, head = b"", 0
        if answer.fault not in _UNDONE:
            request.status, body, kind, answer = self._perform(incoming, answer, identity)
            data, head = _rendered(request.status, body, kind, answer, identity)
        is_reply = request.operation == "reply"
        if is_reply:
            self.log.counts.replies += 1
            self.log.counts.begin()
        delay = answer.latency
        if delay is None:
            delay = self.behaviour.latency + self._decider.jitter(self.behaviour.jitter) if is_reply else 0.0

        def done(became: Outcome) -> None:
            request.outcome, request.sent = became, time.time()
            if is_reply:
                self.log.counts.end(became)

        outcome: Outcome = "error" if request.status >= 400 else "answered"
        outcome = "broken" if answer.fault in _UNREADABLE else outcome
        return Sending(data, head, delay, answer.fault, outcome, done)

    def _perform(self, incoming: Incoming, answer: Answer, identity: str) -> tuple[int, bytes, str, Answer]:
        """Status, body, its media type, and the answer as it came out."""
        model = ""
        try:
            self._authorize(incoming)
            if answer.status >= 400:
                if answer.status == 404:  # names the model
                    incoming.look()
                raise Failure(answer, incoming.request.model)
            incoming.answer = answer
            told = _OPERATIONS.get((incoming.request.wire, incoming.request.operation), Application._unknown)(
                self, incoming
            )
        except Failure as failure:
            model = failure.model
            latency = answer.latency if failure.answer.latency is None else failure.answer.latency
            answer = replace(failure.answer, latency=latency)
        except Malformed as malformed:
            answer = replace(DEFAULT, status=400, message=str(malformed), latency=answer.latency)
        else:
            lines = incoming.request.operation in ("batch.results", "file.content")
            body = told if isinstance(told, bytes) else _json(told)
            return answer.status, body, "application/x-jsonl" if lines else "application/json", answer
        error = _error(incoming.request.wire, answer, identity, model)
        return answer.status, _json(error), "application/json", answer

    def _authorize(self, incoming: Incoming) -> None:
        key = self.behaviour.api_key
        if key is not None:
            headers = incoming.head.headers()
            if key not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
                raise Failure(ANSWERS["authentication"])

    def _limit(self) -> None:
        """Failure if the server's rate or capacity is used up."""
        capacity, answer = self.behaviour.capacity, None
        if capacity is not None and self.log.counts.at_once >= capacity:
            answer = ANSWERS["overloaded"]
        answer = answer or self._bucket.take()
        if answer is not None:
            self.log.counts.limited += 1
            raise Failure(answer)

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
        self._serial += 1
        text = request.said = said(asked, answer, self.behaviour.label)
        if asked.wire == "messages":
            return anthropic_wire.reply(asked, answer, text, self._serial, self._caches)
        return openai_wire.reply(asked, answer, text, self._serial)

    def item(self, reads: Wire, params: Mapping[str, Any], custom_id: str, batch: str) -> Item:
        """Answer one request of a batch."""
        wire = "anthropic" if reads == "messages" else "openai"
        request = Request(self.log.number("batch.item"), "batch.item", wire, arrived=time.time())
        request.custom_id, request.batch = custom_id, batch
        if self.behaviour.log:
            self.log.requests.append(request)
        answer, body = DEFAULT, {}
        try:
            asked = read(reads, params)
            request.note(asked)
            answer = self._decider.decide(request, lambda: None)
            if answer.status >= 400:
                raise Failure(answer, request.model)
            body = self.answer(asked, answer, request)
        except Failure as failure:
            answer, body = failure.answer, _error(wire, failure.answer, self.identity("req"), failure.model)
        except Malformed as malformed:
            answer = Answer(status=400, message=str(malformed))
            body = _error(wire, answer, self.identity("req"), "")
        state, copies = state_of(answer)
        request.status, request.sent, request.outcome = answer.status, time.time(), _became(state, copies)
        return Item(custom_id, state, body, answer.status, copies, request)

    def _reply(self, incoming: Incoming) -> dict[str, Any] | bytes:
        if len(incoming.body) > LARGEST:
            raise Failure(ANSWERS["too-large"])
        self._limit()
        if self._plain is not None and incoming.answer is DEFAULT:
            ready = self._plain.body(incoming.head.raw, incoming.body)
            if ready is not None:
                return ready
        return self.answer(incoming.asked(), incoming.answer, incoming.request)

    def _model(self, incoming: Incoming) -> dict[str, Any]:
        model = self.model(incoming.id)
        is_anthropic = incoming.request.wire == "anthropic"
        return anthropic_wire.model_info(model) if is_anthropic else openai_wire.model_info(model)

    def _models(self, incoming: Incoming) -> dict[str, Any]:
        models, query = self.behaviour.models or (), {"limit": "1000"} | dict(incoming.query)
        if incoming.request.wire == "anthropic":
            return anthropic_wire.page([anthropic_wire.model_info(one) for one in models], query)
        return openai_wire.page([openai_wire.model_info(one) for one in models], query)

    def _unknown(self, incoming: Incoming) -> dict[str, Any]:
        words = f"Unknown request URL: {incoming.head.method} {incoming.request.path}"
        raise Failure(Answer(status=404, code="unknown_url", message=words))

    def _control(self, method: str, path: str, body: bytes) -> Sending:
        """What tests ask the server itself: its log, its counts, another behaviour."""
        status, told = 200, {}
        try:
            if path == "/_log":
                told = self.log.as_dict()
            elif path == "/_counts":
                told = asdict(self.log.counts.now())
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


_OPERATIONS: dict[tuple[str, str], Callable[[Application, Incoming], dict[str, Any] | bytes]] = {
    **{(wire, "reply"): Application._reply for wire in ("anthropic", "openai")},
    **{(wire, "models.retrieve"): Application._model for wire in ("anthropic", "openai")},
    **{(wire, "models.list"): Application._models for wire in ("anthropic", "openai")},
    ("anthropic", "batch.create"): anthropic_batches.create,
    ("anthropic", "batch.retrieve"): anthropic_batches.retrieve,
    ("anthropic", "batch.list"): anthropic_batches.listed,
    ("anthropic", "batch.cancel"): anthropic_batches.cancel,
    ("anthropic", "batch.results"): anthropic_batches.results,
    ("openai", "batch.create"): openai_batches.create,
    ("openai", "batch.retrieve"): openai_batches.retrieve,
    ("openai", "batch.list"): openai_batches.listed,
    ("openai", "batch.cancel"): openai_batches.cancel,
    ("openai", "file.create"): openai_files.create,
    ("openai", "file.list"): openai_files.listed,
    ("openai", "file.retrieve"): openai_files.retrieve,
    ("openai", "file.delete"): openai_files.delete,
    ("openai", "file.content"): openai_files.content,
}


def _became(state: State, copies: int) -> Outcome:
    return ("answered" if copies else "broken") if state == "succeeded" else "error"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _error(wire: str, answer: Answer, identity: str, model: str) -> dict[str, Any]:
    return anthropic_wire.error(answer, identity, model) if wire == "anthropic" else openai_wire.error(answer, model)


def _rendered(status: int, body: bytes, kind: str, answer: Answer, identity: str) -> tuple[bytes, int]:
    headers = f"request-id: {identity}\r\nx-request-id: {identity}\r\n"
    after = answer.retry_after
    if isinstance(after, float) and not after.is_integer():
        headers += f"retry-after-ms: {after * 1000:.3f}\r\n"
    elif after is not None:
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
