"""Asking through a provider's batch API, so that a crash at any moment re-attaches instead of paying again.

What goes into a batch is written down before it is handed in, its id as soon as it is known. At the start, every batch
that was written down is followed to its end; one without an id is looked for at the provider.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from harness.labeling.brake import Brake
from harness.labeling.cache import Entry, OpenBatch, Stored
from harness.labeling.engine import Engine, Request, Unanswered
from harness.labeling.meter import dollars
from harness.labeling.pacing import backoff
from harness.vlm import FATAL, BatchItem, BatchModel, BatchOptions, Reply, RequestError, Usage

KEPT = 500  # results a commit
Progress = Callable[[str, float, float | None], None]
Ask = Callable[[Request, Stored | None], Awaitable[Stored | Unanswered]]


@dataclass
class _Shard:
    """Requests that will go into one batch; size in bytes as they are sent."""

    requests: list[Request] = field(default_factory=list)
    size: int = 0


class Batches:
    """Answers the questions to one model by batches, round after round, until nothing is missing."""

    def __init__(self, engine: Engine, model: BatchModel, brake: Brake, progress: Progress) -> None:
        assert isinstance(engine.options, BatchOptions)
        self.engine = engine
        self.model = model
        self.options = engine.options
        self.cache = engine.cache
        self.brake = brake
        self.progress = progress
        self._shard = _Shard()
        self._collected: set[bytes] = set()
        self._cost = 0.0
        self._capped = False
        self._kept = 0

    async def run(self, pass_over: Callable[[Ask], Awaitable[None]]) -> None:
        """Follow what was handed in before, then ask what is missing; `pass_over` goes over all questions once.

        Every round is one step of two-step prompts or one rung of the ladder, or asks again what came back without an
        answer, at most limits.attempts times in a row. Halted if the brake is pulled.
        """
        await self._follow_all()
        fruitless = 0
        while fruitless < self.options.limits.attempts:
            self._collected.clear()
            self._kept, self._cost = 0, 0.0
            await pass_over(self._collect)
            self.brake.check()
            await self._hand_in()
            await self._follow_all()
            if self._capped:
                cap, spent = self.options.max_cost, dollars(self._cost)
                self.brake.pull("max_cost", f"max_cost of ${cap:g} leaves no room for another batch ({spent} so far)")
                self.brake.check()
            if not self._collected:
                return
            fruitless = 0 if self._kept else fruitless + 1

    async def from_cache(self, request: Request, known: Stored | None) -> Stored | Unanswered:
        """What the batches brought; never asks."""
        stored = known or self.cache.get(request.key)
        if stored is None:
            return Unanswered("batch", "no batch brought an answer")
        self.engine.count(stored, cached=True)
        return stored

    async def _collect(self, request: Request, known: Stored | None) -> Stored | Unanswered:
        stored = known or self.cache.get(request.key)
        if stored is not None:
            self._cost += self.engine.terms.cost(stored.reply.usage, batch=stored.batch) or 0.0
            return stored
        if request.key not in self._collected and not self._too_dear(request):
            self._collected.add(request.key)
            size = len(request.image) * 4 // 3 + 2 * len(request.prompt.text) + 1024
            size += sum(len(one.image or b"") * 4 // 3 + 2 * len(one.text) for one in request.prompt.before)
            full = self._shard.size + size > self.options.batch_megabytes * 1e6
            if full or len(self._shard.requests) >= self.options.batch_requests:
                await self._hand_in()
            self._shard.requests.append(request)
            self._shard.size += size
        return Unanswered("batch", "waits for a batch")

    def _too_dear(self, request: Request) -> bool:
        """Whether the cap leaves no room for a request; its worst case counts as spent otherwise."""
        worst = self.engine.terms.cost(Usage(request.tokens, self.engine.terms.most_output), batch=True) or 0.0
        cap = self.options.max_cost
        self._capped = self._capped or (cap is not None and self._cost + worst > cap)
        if not self._capped:
            self._cost += worst
        return self._capped

    # --- handing in

    async def _hand_in(self) -> None:
        shard, self._shard = self._shard, _Shard()
        if not shard.requests:
            return
        tag = secrets.token_hex(8)
        await self.cache.open_batch(tag, self.engine.asker, [request.key for request in shard.requests])
        written = next(one for one in self.cache.open_batches(self.engine.asker) if one.tag == tag)
        self.progress(f"handing in a batch of {len(shard.requests)}", 0, None)
        for attempt in range(1, self.options.limits.attempts + 1):
            try:
                items = (
                    BatchItem(f"{tag}-{number}", one.image, one.prompt, one.schema)
                    for number, one in enumerate(shard.requests)
                )
                batch = await self.model.submit(items, tag)
            except RequestError as error:
                # The provider may have taken it although its answer was lost.
                found = await self._found(written) if error.kind in ("connection", "timeout", "server") else None
                if found is None:
                    await self._not_taken(error, tag, attempt)
                    continue
                batch = found
            await self.cache.name_batch(tag, batch)
            return
        await self.cache.close_batch(tag)

    async def _not_taken(self, error: RequestError, tag: str, attempt: int) -> None:
        last = attempt >= self.options.limits.attempts
        if error.kind in FATAL or error.kind in ("bad_request", "refused") or last:
            await self.cache.close_batch(tag)
            self.brake.pull("fatal", f"the batch was not accepted: {error}")
        self.brake.check()
        await self.brake.sleep(max(error.retry_after or 0.0, backoff(attempt)))

    async def _found(self, written: OpenBatch) -> str | None:
        """The id of a batch that may have been handed in; None if the provider does not have it."""
        for attempt in range(1, self.options.limits.attempts + 1):
            try:
                find = self.model.find(written.tag, written.created, written.items)
                return await self.brake.unless_pulled(find)
            except RequestError as error:
                if error.kind in FATAL or attempt == self.options.limits.attempts:
                    self.brake.pull("fatal", f"cannot tell whether a batch was handed in before: {error}")
                self.brake.check()
                await self.brake.sleep(max(error.retry_after or 0.0, backoff(attempt)))
        return None

    # --- following

    async def _follow_all(self) -> None:
        """Wait for every batch that was handed in, and keep what it brought."""
        for written in self.cache.open_batches(self.engine.asker):
            batch = written.batch or await self._found(written)
            if batch is None:
                await self.cache.close_batch(written.tag)
                continue
            if written.batch is None:
                await self.cache.name_batch(written.tag, batch)
            await self._wait(batch, written.items)
            await self._keep(batch, written.tag)

    async def _wait(self, batch: str, items: int) -> None:
        fruitless = 0
        while True:
            try:
                state = await self.model.poll(batch)
            except RequestError as error:
                fruitless += 1
                if error.kind in FATAL or fruitless >= self.options.limits.attempts:
                    self.brake.pull("fatal", f"batch {batch}: {error}; the same command follows it further")
                self.brake.check()
                await self.brake.sleep(max(error.retry_after or 0.0, backoff(fruitless)))
                continue
            fruitless = 0
            self.progress(f"batch {batch}", state.done, state.total or items)
            if state.failed:
                self.brake.pull("fatal", f"batch {batch} failed: {state.failed}")
                tags = [one.tag for one in self.cache.open_batches(self.engine.asker) if one.batch == batch]
                for tag in tags:
                    await self.cache.close_batch(tag)
            self.brake.check()
            if state.ended:
                return
            await self.brake.sleep(self.options.batch_poll)

    async def _keep(self, batch: str, tag: str) -> None:
        """Store the results of a batch that has ended; reading them again after a failure changes nothing."""
        keys = self.cache.batch_keys(tag)
        for attempt in range(1, self.options.limits.attempts + 1):
            try:
                await self._read(batch, tag, keys)
            except RequestError as error:
                if error.kind in FATAL or attempt == self.options.limits.attempts:
                    self.brake.pull("fatal", f"the results of batch {batch} cannot be read: {error}")
                self.brake.check()
                await self.brake.sleep(max(error.retry_after or 0.0, backoff(attempt)))
            else:
                break
        await self.cache.close_batch(tag)

    async def _read(self, batch: str, tag: str, keys: dict[int, bytes]) -> None:
        entries: list[Entry] = []
        async for item, result in self.model.results(batch):
            prefix, _, number = item.rpartition("-")
            key = keys.get(int(number)) if prefix == tag and number.isdecimal() else None
            stored = self._stored(result)
            if key is None or stored is None:
                continue  # not ours, or without an answer: then the next round asks again
            entries.append(Entry(key, self.engine.asker, self.engine.labeler, self.options.model, stored))
            if len(entries) >= KEPT:
                await self._put(entries)
        await self._put(entries)

    async def _put(self, entries: list[Entry]) -> None:
        await self.cache.put_many(entries)
        self._kept += len(entries)
        entries.clear()

    def _stored(self, result: Reply | RequestError) -> Stored | None:
        if isinstance(result, Reply):
            return Stored(result, batch=True)
        if result.kind in FATAL:
            self.brake.pull("fatal", f"{result.kind.replace('_', ' ')}: {result}")
        expired = result.kind == "timeout" and not self.options.batch_ask_expired
        if result.kind in ("refused", "bad_request") or expired:
            return Stored(Reply("", "other", id=result.request_id, detail=str(result)), result.kind, batch=True)
        return None
