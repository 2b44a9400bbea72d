"""Asking a provider: one request at a time from the cache or the network, within every limit, retried in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.labeling.brake import Brake, Halted
from harness.labeling.budget import Budget, Terms
from harness.labeling.cache import Entry, ReplyCache, Stored, storable
from harness.labeling.meter import Meter
from harness.labeling.pacing import Concurrency, Pause, TokenBucket, backoff
from harness.vlm import FATAL, LanguageModelOptions, Prompt, Reply, RequestError, Usage, VisionLanguageModel

TURNED_AWAY = frozenset({"rate_limit", "overloaded"})
HOPELESS = 20  # requests in a row that nobody answered: the provider is down
MISTAKEN = 8  # first requests that are all "bad request": the question itself is wrong
USUAL_OUTPUT = 16  # tokens that a first reply is taken to have


@dataclass(frozen=True)
class Request:
    """One request; tokens: what it sends, estimated."""

    key: bytes
    image: bytes
    prompt: Prompt
    schema: Mapping[str, Any] | None
    tokens: int = 0


@dataclass(frozen=True)
class Unanswered:
    """A request that nobody answered within its limits, or that was not asked; asking again may help."""

    kind: str
    message: str


class Engine:
    """Asks one model. Engines of one labelling share cache, meter, brake and budget; each keeps to its own limits.

    To be made where its event loop runs. model: or what builds it when it is first asked, because an SDK takes a second
    to import and a key to build, and replies from the cache need neither.
    """

    def __init__(
        self, model: VisionLanguageModel | Callable[[], VisionLanguageModel], labeler: str, asker: str,
        options: LanguageModelOptions, *,
        cache: ReplyCache, meter: Meter, brake: Brake, budget: Budget, terms: Terms, offline: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._model = model
        self.labeler = labeler
        self.asker = asker
        self.options = options
        self.limits = options.limits
        self.cache = cache
        self.meter = meter
        self.brake = brake
        self.budget = budget
        self.terms = terms
        self.offline = offline
        self.warn = warn
        self.answered = False  # whether anything was, now or before: then the question itself is understood
        self.concurrency = Concurrency(self.limits.connections)
        self._clock = asyncio.get_running_loop().time
        self._asking: dict[bytes, asyncio.Event] = {}
        self._checked: asyncio.Task[None] | None = None
        self._usual_output = float(min(USUAL_OUTPUT, terms.most_output))
        self._most_input = 0
        self._counted: set[int] = set()  # beginnings of keys
        self._requests = TokenBucket(self.limits.requests_per_minute, self._clock)
        self._input = TokenBucket(self.limits.input_tokens_per_minute, self._clock)
        self._output = TokenBucket(self.limits.output_tokens_per_minute, self._clock)
        self._pause = Pause(self._clock)
        self._gate = asyncio.Lock()
        self._doubtful: list[tuple[Request, Stored]] = []  # bad requests, as long as nothing was understood
        self._unanswered_in_a_row = 0

    @property
    def model(self) -> VisionLanguageModel:
        """Who is asked; built now if need be. HarnessError if it cannot be."""
        if not isinstance(self._model, VisionLanguageModel):
            self._model = self._model()
        return self._model

    async def close(self) -> None:
        """Close the model, if it was built and can be closed."""
        if hasattr(self._model, "close"):
            await self._model.close()

    async def ask(self, request: Request, known: Stored | None = None) -> Stored | Unanswered:
        """The reply to a request: `known` if given, from the cache, or from the provider. Halted if asking stopped."""
        stored = known or self.cache.get(request.key)
        if stored is not None:
            self.count(request.key, stored, cached=True)
            return stored
        if self.offline:
            return Unanswered("offline", "no reply is stored, and nothing is asked offline")
        if request.key in self._asking:  # the same image twice, and the first is under way: its reply serves both
            await self._asking[request.key].wait()
            self.brake.check()
            return await self.ask(request)
        over = self._asking[request.key] = asyncio.Event()
        try:
            await self.check()
            async with self.budget.holding(lambda: self.most(request)):
                return await self._until_answered(request)
        finally:
            del self._asking[request.key]
            over.set()

    async def check(self) -> None:
        """Let the model say, once and before the first request, what is wrong with it. Halted if it cannot be asked."""
        if self._checked is None:
            self._checked = asyncio.create_task(self._check())
        await asyncio.shield(self._checked)
        self.brake.check()

    async def _check(self) -> None:
        if not hasattr(self.model, "check"):
            return
        try:
            for warning in await self.brake.unless_pulled(self.model.check()):
                self.warn(f"labeler {self.labeler!r}: {warning}")
        except RequestError as error:
            self.brake.pull("fatal", f"{error.kind.replace('_', ' ')}: {error}; no face was sent to it")

    def most(self, request: Request, *, batch: bool = False) -> float | None:
        """US dollars that a request may cost at most; None as long as nobody knows what an image costs."""
        if not request.tokens and not self._most_input and self.terms.most(1) > self.terms.most(0):
            return None
        # Without an estimate, twice what the dearest reply took: faces differ in size.
        tokens = max(request.tokens, self._most_input) if request.tokens else 2 * self._most_input
        return self.terms.most(tokens, batch=batch)

    def count(self, key: bytes, stored: Stored, *, cached: bool) -> None:
        """Put a reply on the meter; its tokens and cost only once, though equal faces share it."""
        usage = stored.reply.usage
        self.answered = self.answered or stored.error is None
        short = int.from_bytes(key[:8])
        if short in self._counted:
            return
        self._counted.add(short)
        self._most_input = max(
            self._most_input, usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        )
        self.meter.count(usage, stored.reply.model, self.terms.cost(usage, batch=stored.batch), cached=cached)

    # --- one request, until it is answered or given up

    async def _until_answered(self, request: Request) -> Stored | Unanswered:
        spent = 0.0
        attempts = turned_away = 0
        while True:
            output = await self._turn(request)
            began = self._clock()
            try:
                return await self._kept(request, await self._attempt(request, output))
            except RequestError as error:
                failed = error
            if failed.kind in FATAL:
                self.brake.pull("fatal", f"{failed.kind.replace('_', ' ')}: {failed}")
                raise Halted
            if failed.kind in ("refused", "bad_request"):
                return await self._kept_error(request, failed)
            # A provider that says "not now" is obeyed for as long as give_up_after; other failures use up attempts.
            not_now = failed.kind in TURNED_AWAY
            turned_away += not_now
            attempts += not not_now
            wait = max(failed.retry_after or 0.0, self.concurrency.wait(turned_away) if not_now else backoff(attempts))
            spent += self._clock() - began + wait
            if attempts >= self.limits.attempts or spent > self.limits.give_up_after:
                return self._given_up(failed)
            if failed.retry_after and self.concurrency.mostly_turned_away:
                self._pause.extend(failed.retry_after)
            self.meter.repeats += 1
            await self.brake.sleep(wait)

    async def _turn(self, request: Request) -> float:
        """Wait for a place, and with it until the limits let the request go: one that had to wait for a place after
        that would come at the wrong time. Returns the tokens that it is taken to answer."""
        await self.concurrency.acquire()
        try:
            async with self._gate:  # one after the other, each by what is known then of those before it
                output = self._usual_output
                wait = max(self._requests.take(1), self._input.take(request.tokens), self._output.take(output))
                while wait := max(wait, self._pause.remaining):
                    await self.brake.sleep(wait)
                    wait = 0.0
        except BaseException:
            self.concurrency.release()
            raise
        return output

    async def _attempt(self, request: Request, output: float) -> Reply:
        """One attempt at the provider; gives the place back."""
        usage: Usage | None = None
        turned_away, began = False, self._clock()
        try:
            self.brake.check()
            self.meter.in_flight += 1
            try:
                async with asyncio.timeout(self.limits.timeout):
                    reply = await self.model.reply(request.image, request.prompt, request.schema)
            except TimeoutError:
                raise RequestError("timeout", f"no answer within {self.limits.timeout:g} s") from None
            finally:
                self.meter.in_flight -= 1
            usage = reply.usage
            self._usual_output += (usage.output_tokens - self._usual_output) / 16
        except RequestError as error:
            turned_away = error.kind in TURNED_AWAY
            raise
        finally:
            self.concurrency.release()
            self.concurrency.note(turned_away=turned_away, seconds=None if usage is None else self._clock() - began)
            if usage is not None:  # what a failed attempt sent may have counted
                self._input.settle(usage.input_tokens + usage.cache_write_tokens - request.tokens)
            self._output.settle((0 if usage is None else usage.output_tokens) - output)
        return reply

    async def _kept(self, request: Request, reply: Reply) -> Stored:
        return await self._keep(request, Stored(storable(reply)))

    async def _kept_error(self, request: Request, error: RequestError) -> Stored:
        """An answer about this face alone: kept like a reply, so that it is not asked for again."""
        kind = error.kind
        stored = Stored(storable(Reply("", "other", id=error.request_id, detail=str(error))), kind)
        if kind == "bad_request" and not self.answered:  # perhaps the fault is in the question: then none is kept
            self._doubtful.append((request, stored))
            if len(self._doubtful) >= max(MISTAKEN, self.limits.connections):  # all that were under way at first
                self.brake.pull("fatal", f"the provider refuses every request: {error}")
                raise Halted
            return stored
        return await self._keep(request, stored)

    async def _keep(self, request: Request, stored: Stored) -> Stored:
        kept = await self.cache.put(Entry(request.key, self.asker, self.labeler, self.options.model, stored))
        self._unanswered_in_a_row = 0
        self.count(request.key, stored, cached=False)
        while self.answered and self._doubtful:
            await self._keep(*self._doubtful.pop())
        return kept

    def _given_up(self, failed: RequestError) -> Unanswered:
        self._unanswered_in_a_row += 1
        text = str(failed)
        if failed.retry_after:
            text += f" (the provider asks to wait {failed.retry_after:g} s)"
        if self._unanswered_in_a_row >= HOPELESS:
            self.brake.pull("fatal", f"{HOPELESS} requests in a row without an answer, the last: {text}")
        return Unanswered(failed.kind, text)
