"""Asking a provider: one request at a time from the cache or the network, within every limit, retried in one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.labeling.cache import Entry, ReplyCache, Stored
from harness.labeling.meter import Meter, dollars
from harness.labeling.pacing import Concurrency, Pause, TokenBucket, backoff
from harness.labeling.prices import Price, cost
from harness.vlm import FATAL, LanguageModelOptions, Prompt, Reply, RequestError, Usage, VisionLanguageModel

T = TypeVar("T")
TURNED_AWAY = frozenset({"rate_limit", "overloaded"})
HOPELESS = 20  # requests in a row that nobody answered: the provider is down
MISTAKEN = 8  # first replies that are all "bad request": the question itself is wrong
MOST_OUTPUT = 1024  # tokens answered at most, where the options do not say
USUAL_OUTPUT = 64  # tokens that a first reply is taken to have


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


@dataclass(frozen=True)
class Halt:
    """Why no more is asked. interrupted, max_cost: what was answered counts; fatal: nothing can be answered."""

    kind: str
    message: str


class Halted(Exception):
    """Asking has stopped; the brake's `halt` says why."""


class Brake:
    """Stops all engines of one labelling; the first reason stays."""

    def __init__(self) -> None:
        self.halt: Halt | None = None
        self.pulled = asyncio.Event()

    def pull(self, kind: str, message: str) -> None:
        """Ask nothing more."""
        if self.halt is None:
            self.halt = Halt(kind, message)
            self.pulled.set()

    def check(self) -> None:
        """Halted if the brake is pulled."""
        if self.halt:
            raise Halted

    async def unless_pulled(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns; Halted, and the work cancelled, as soon as the brake is pulled."""
        working, pulled = asyncio.create_task(work), asyncio.create_task(self.pulled.wait())
        try:
            await asyncio.wait([working, pulled], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Halted
            return working.result()
        finally:
            working.cancel()
            pulled.cancel()

    async def sleep(self, seconds: float) -> None:
        """Sleep; Halted as soon as the brake is pulled."""
        try:
            async with asyncio.timeout(seconds):
                await self.pulled.wait()
        except TimeoutError:
            return
        raise Halted


@dataclass(frozen=True)
class Terms:
    """What asking costs: the price (None: unknown), and the most tokens answered."""

    price: Price | None
    most_output: int = MOST_OUTPUT

    def cost(self, usage: Usage, *, batch: bool = False) -> float | None:
        """US dollars of one reply, None if the price is unknown."""
        return None if self.price is None else cost(usage, self.price, batch=batch)


class Engine:
    """Asks one model. Engines of one labelling share the cache and the meter; each keeps to its own limits."""

    def __init__(
        self, model: VisionLanguageModel, labeler: str, asker: str, options: LanguageModelOptions, *,
        cache: ReplyCache, meter: Meter, brake: Brake, terms: Terms, offline: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.model = model
        self.labeler = labeler
        self.asker = asker
        self.options = options
        self.limits = options.limits
        self.cache = cache
        self.meter = meter
        self.terms = terms
        self.offline = offline
        self.warn = warn
        self.concurrency = Concurrency(self.limits.connections)
        self.brake = brake
        self._settled = asyncio.Event()
        self._asking: dict[bytes, asyncio.Event] = {}
        self._checked: asyncio.Task[None] | None = None
        self._usual_output = float(min(USUAL_OUTPUT, terms.most_output))
        self._requests = TokenBucket(self.limits.requests_per_minute)
        self._input = TokenBucket(self.limits.input_tokens_per_minute)
        self._output = TokenBucket(self.limits.output_tokens_per_minute)
        self._pause = Pause()
        self._reserved = 0.0
        self._answered = self._mistaken = self._unanswered_in_a_row = 0

    async def ask(self, request: Request, known: Stored | None = None) -> Stored | Unanswered:
        """The reply to a request: `known` if given, from the cache, or from the provider. Halted if asking stopped."""
        stored = known or self.cache.get(request.key)
        if stored is not None:
            self.count(stored, cached=True)
            return stored
        if self.offline:
            return Unanswered("offline", "no reply is stored, and nothing is asked offline")
        if request.key in self._asking:  # the same image twice, and the first is under way: its reply serves both
            await self._asking[request.key].wait()
            self.brake.check()
            return await self.ask(request)
        over = self._asking[request.key] = asyncio.Event()
        try:
            return await self._within_means(request)
        finally:
            del self._asking[request.key]
            over.set()

    async def _within_means(self, request: Request) -> Stored | Unanswered:
        await self.check()
        worst = await self._afford(request)
        try:
            return await self._until_answered(request)
        finally:
            self._reserved -= worst
            self._settled.set()

    async def check(self) -> None:
        """Let the model say, once and before the first request, what is wrong with it."""
        if self._checked is None:
            self._checked = asyncio.create_task(self._check())
        await asyncio.shield(self._checked)

    async def _check(self) -> None:
        if not hasattr(self.model, "check"):
            return
        try:
            for warning in await self.model.check():
                self.warn(f"labeler {self.labeler!r}: {warning}")
        except RequestError as error:
            self.brake.pull("fatal", f"{error.kind.replace('_', ' ')}: {error}; nothing was sent")

    async def _until_answered(self, request: Request) -> Stored | Unanswered:
        began = time.monotonic()
        attempt = turned_away = 0
        while True:
            try:
                return await self._kept(request, await self._attempt(request))
            except RequestError as error:
                failed = error
            if failed.kind in FATAL:
                self.brake.pull("fatal", f"{failed.kind.replace('_', ' ')}: {failed}")
                raise Halted
            if failed.kind in ("refused", "bad_request"):
                return await self._kept_error(request, failed)
            # A provider that says "not now" is obeyed for as long as give_up_after; other failures use up attempts.
            turned_away += failed.kind in TURNED_AWAY
            attempt += failed.kind not in TURNED_AWAY
            pause = self.concurrency.wait(turned_away) if failed.kind in TURNED_AWAY else backoff(attempt)
            wait = max(failed.retry_after or 0.0, pause)
            if failed.retry_after and self.concurrency.mostly_turned_away:
                self._pause.extend(failed.retry_after)
            if attempt >= self.limits.attempts or time.monotonic() + wait - began > self.limits.give_up_after:
                return self._given_up(failed, wait)
            self.meter.repeats += 1
            await self.brake.sleep(wait)

    async def _attempt(self, request: Request) -> Reply:
        """One attempt at the provider, in its turn."""
        output = self._usual_output
        wait = max(
            self._requests.take(1), self._input.take(request.tokens), self._output.take(output), self._pause.remaining
        )
        if wait:
            await self.brake.sleep(wait)
        await self.concurrency.acquire()
        usage, turned_away, began = Usage(), False, time.monotonic()
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
            self.concurrency.note(turned_away=turned_away, seconds=time.monotonic() - began)
            if not turned_away:
                self._input.settle(usage.input_tokens + usage.cache_write_tokens - request.tokens)
            self._output.settle(usage.output_tokens - output)
        return reply

    async def _kept(self, request: Request, reply: Reply) -> Stored:
        stored = Stored(reply)
        await self._keep(request, stored)
        self._answered += 1
        return stored

    async def _kept_error(self, request: Request, error: RequestError) -> Stored:
        """An answer about this face alone: kept like a reply, so that it is not asked for again."""
        kind = error.kind
        if kind == "bad_request":
            self._mistaken += 1
            if not self._answered and self._mistaken >= MISTAKEN:
                self.brake.pull("fatal", f"the provider refuses every request: {error}")
                raise Halted
            if not self._answered:  # perhaps the fault is in the question: then nothing of it should be kept
                return Stored(Reply("", "other", id=error.request_id, detail=str(error)), kind)
        stored = Stored(Reply("", "other", id=error.request_id, detail=str(error)), kind)
        await self._keep(request, stored)
        return stored

    async def _keep(self, request: Request, stored: Stored) -> None:
        await self.cache.put(Entry(request.key, self.asker, self.labeler, self.options.model, stored))
        self._unanswered_in_a_row = 0
        self.count(stored, cached=False)

    def count(self, stored: Stored, *, cached: bool) -> None:
        """Put a reply's tokens and cost on the meter."""
        reply = stored.reply
        self.meter.count(reply.usage, reply.model, self.terms.cost(reply.usage, batch=stored.batch), cached=cached)

    def _given_up(self, failed: RequestError, wait: float) -> Unanswered:
        self._unanswered_in_a_row += 1
        text = str(failed)
        if failed.retry_after and failed.retry_after >= wait:
            text += f" (the provider asks to wait {failed.retry_after:g} s)"
        if self._unanswered_in_a_row >= HOPELESS:
            self.brake.pull("fatal", f"{HOPELESS} requests in a row without an answer, the last: {text}")
        return Unanswered(failed.kind, text)

    # --- money

    async def _afford(self, request: Request) -> float:
        """Reserve what a request may cost at worst, in US dollars; Halted if the cap does not allow it.

        Where only requests under way stand against it, it waits until they have shown what they really cost.
        """
        cap = self.options.max_cost
        worst = self.terms.cost(Usage(request.tokens, self.terms.most_output)) or 0.0
        while cap is not None and (self.meter.cost or 0.0) + self._reserved + worst > cap:
            self.brake.check()
            if self._reserved <= 1e-12:
                spent = dollars(self.meter.cost)
                self.brake.pull("max_cost", f"max_cost of ${cap:g} is reached: the replies cost {spent} so far")
                raise Halted
            self._settled.clear()
            await self._settled.wait()  # whoever holds the reservation gives it back, halted or not
        self.brake.check()
        self._reserved += worst
        return worst
