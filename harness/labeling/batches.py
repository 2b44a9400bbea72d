"""Asking through a provider's batch API, so that a crash at any moment re-attaches instead of paying again.

What goes into a batch is written down before it is handed in, its id as soon as it is known. At the start, every batch
that was written down is followed to its end; one without an id is looked for at the provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from harness.errors import StageError
from harness.labeling.brake import Brake, Halted
from harness.labeling.cache import Entry, OpenBatch, Stored, storable
from harness.labeling.engine import TURNED_AWAY, Engine, Request, Unanswered
from harness.labeling.pacing import backoff
from harness.vlm import FATAL, TRANSIENT, BatchItem, BatchModel, BatchOptions, BatchState, Reply, RequestError

T = TypeVar("T")
KEPT = 500  # results a commit
LOOK = 1.0  # seconds between two looks at whether another run has finished
FORGOTTEN = 30 * 24 * 3600  # seconds after which providers keep nothing of a batch
Progress = Callable[[str, float, float | None], None]
Ask = Callable[[Request, Stored | None], Awaitable[Stored | Unanswered]]


@dataclass
class _Shard:
    """Requests that will go into one batch; size in bytes as they are sent."""

    requests: list[Request] = field(default_factory=list)
    size: int = 0


class Batches:
    """Answers the questions to one model by batches, round after round, until nothing is missing."""

    def __init__(self, engine: Engine, brake: Brake, progress: Progress) -> None:
        assert isinstance(engine.options, BatchOptions)
        self.engine = engine
        self.options = engine.options
        self.limits = engine.limits
        self.cache = engine.cache
        self.brake = brake
        self.progress = progress
        self._clock = asyncio.get_running_loop().time
        self._filling = asyncio.Lock()
        self._shard = _Shard()
        self._collected: set[bytes] = set()  # keys of what this round asks
        self._brought: set[bytes] = set()  # keys of what batches answered in this run
        self._at_most = 0.0  # US dollars that this round may cost
        self._capped = False
        self._mistaken: list[Entry] = []
        self._fatal: RequestError | None = None

    @property
    def model(self) -> BatchModel:
        """Who is asked, built when there is something to ask; StageError if it has no batch API."""
        model = self.engine.model
        if not isinstance(model, BatchModel):
            raise StageError(f"labeler {self.engine.labeler!r} has no batch API; take the option batch out")
        return model

    async def run(self, pass_over: Callable[[Ask], Awaitable[None]]) -> None:
        """Follow what was handed in before, then ask what is missing; `pass_over` goes over all questions once.

        Every round is one step of two-step prompts or one rung of the ladder, or asks again what came back without an
        answer, at most limits.attempts times in a row. Halted if the brake is pulled. One run at a time asks a model
        by batches: what one is about to hand in, another must not take for lost.
        """
        async with self._alone():
            await self._follow_all()
            fruitless = 0
            while fruitless < self.limits.attempts:
                before = len(self._brought)
                self._collected.clear()
                self._at_most, self._capped = 0.0, False
                await pass_over(self._collect)
                self.brake.check()
                if not self._collected:
                    break
                await self._hand_in()
                await self._follow_all()
                fruitless = 0 if len(self._brought) > before else fruitless + 1
        if self._capped and not self._collected:
            self.engine.budget.exhausted()

    async def from_cache(self, request: Request, known: Stored | None) -> Stored | Unanswered:
        """What the batches brought; never asks."""
        stored = known or self.cache.get(request.key)
        if stored is None:
            return Unanswered("batch", "no batch brought an answer")
        self._count(request.key, stored)
        return stored

    def _count(self, key: bytes, stored: Stored) -> None:
        self.engine.count(key, stored, cached=key not in self._brought)

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold the lock on this asker's batches, which the kernel drops with the process."""
        folder = self.cache.path.parent / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"batches-{self.engine.asker[:32]}").open("a") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self.progress("waiting for another run that asks the same model by batches", 0, None)
                    await self.brake.sleep(LOOK)
            yield

    # --- what is asked

    async def _collect(self, request: Request, known: Stored | None) -> Stored | Unanswered:
        stored = known or self.cache.get(request.key)
        if stored is not None:
            self._count(request.key, stored)
            return stored
        async with self._filling:  # nobody fills the next batch while one is handed in: it would hold all faces
            if request.key not in self._collected and not self._too_dear(request):
                self._collected.add(request.key)
                size = size_of(request)
                full = self._shard.size + size > self.options.batch_megabytes * 1e6
                if full or len(self._shard.requests) >= self.options.batch_requests:
                    await self._hand_in()
                self._shard.requests.append(request)
                self._shard.size += size
        return Unanswered("batch", "waits for a batch")

    def _too_dear(self, request: Request) -> bool:
        """Whether the cap leaves no room for a request; its worst case counts as spent otherwise."""
        budget = self.engine.budget
        if budget.cap is None:
            return False
        most = self.engine.most(request, batch=True)
        if most is None:
            model = self.options.model
            self.brake.pull("fatal", f"max_cost cannot be held in batches: nobody knows how many tokens an image costs "
                            f"with model {model!r}; take max_cost or batch out")  # fmt: skip
            raise Halted
        self._capped = self._capped or self._at_most + most > budget.left
        if not self._capped:
            self._at_most += most
        return self._capped

    # --- handing in

    async def _hand_in(self) -> None:
        shard, self._shard = self._shard, _Shard()
        if not shard.requests:
            return
        await self.engine.check()
        tag = secrets.token_hex(8)
        await self.cache.open_batch(tag, self.engine.asker, [request.key for request in shard.requests])
        written = next(one for one in self.cache.open_batches(self.engine.asker) if one.tag == tag)
        self.progress(f"handing in a batch of {len(shard.requests)}", 0, None)
        began, attempts = self._clock(), 0
        while True:
            items = (
                BatchItem(f"{tag}-{number}", one.image, one.prompt, one.schema)
                for number, one in enumerate(shard.requests)
            )
            try:
                batch = await self.model.submit(items, tag)
                break
            except RequestError as error:
                # The provider may have taken it although its answer was lost.
                lost = error.kind in TRANSIENT - TURNED_AWAY
                if lost and (found := await self._found(written)) is not None:
                    batch = found
                    break
                attempts += lost
                wait = max(error.retry_after or 0.0, backoff(max(1, attempts)))
                late = self._clock() - began + wait > self.limits.give_up_after
                if error.kind not in TRANSIENT or attempts >= self.limits.attempts or late:
                    await self.cache.close_batch(tag)
                    self.brake.pull("fatal", f"the batch was not accepted: {error}")
                    raise Halted from None
                await self.brake.sleep(wait)
        await self.cache.name_batch(tag, batch)

    async def _found(self, written: OpenBatch) -> str | None:
        """The id of a batch that may have been handed in; None if the provider does not have it."""
        return await self._patiently(
            lambda: self.model.find(written.tag, written.created, written.items),
            "cannot tell whether a batch was handed in before",
        )

    async def _patiently(self, work: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
        """What the work returns, tried again while the provider is away; Halted if that lasts, or will not pass.

        Nothing is lost then: the batch stays written down.
        """
        began, attempts = self._clock(), 0
        while True:
            try:
                return await self.brake.unless_pulled(work())
            except RequestError as error:
                attempts += 1
                wait = max(error.retry_after or 0.0, backoff(attempts))
                if error.kind not in TRANSIENT or self._clock() - began + wait > self.limits.give_up_after:
                    self.brake.pull("fatal", f"{what}: {error}; the same command goes on with it")
                    raise Halted from None
                self.progress(f"trying again in {wait:.0f} s ({error})", 0, None)
                await self.brake.sleep(wait)

    # --- following

    async def _follow_all(self) -> None:
        """Wait for every batch that was handed in, and keep what it brought."""
        for written in self.cache.open_batches(self.engine.asker):
            batch = written.batch or await self._found(written)
            if batch is not None:
                if written.batch is None:
                    await self.cache.name_batch(written.tag, batch)
                await self._ended(batch, written)
                read = partial(self._read, batch, written.tag, self.cache.batch_keys(written.tag))
                await self._patiently(read, f"the results of batch {batch} cannot be read")
            await self.cache.close_batch(written.tag)
        await self._judge()

    async def _ended(self, batch: str, written: OpenBatch) -> None:
        """Wait until a batch has ended; Halted if it failed as a whole."""
        while True:
            state = await self._patiently(lambda: self._poll(batch, written), f"batch {batch} cannot be looked at")
            self.progress(f"batch {batch}", state.done, state.total or written.items)
            if state.failed:
                await self.cache.close_batch(written.tag)
                self.brake.pull("fatal", f"batch {batch} failed: {state.failed}; the same command asks anew")
                raise Halted
            if state.ended:
                return
            await self.brake.sleep(self.options.batch_poll)

    async def _poll(self, batch: str, written: OpenBatch) -> BatchState:
        """How a batch stands. One that is not found may be another account's; after a month nobody has it any more."""
        try:
            return await self.model.poll(batch)
        except RequestError as error:
            if error.status == 404 and time.time() - written.created > FORGOTTEN:
                return BatchState(True, 0, written.items, "the provider does not know it any more")
            raise

    async def _read(self, batch: str, tag: str, keys: Mapping[int, bytes]) -> None:
        """Store the results of a batch that has ended; reading them again after a failure changes nothing."""
        entries: list[Entry] = []
        mistaken: list[Entry] = []
        async for item, result in self.model.results(batch):
            prefix, _, number = item.rpartition("-")
            key = keys.get(int(number)) if prefix == tag and number.isdecimal() else None
            stored = self._stored(result)
            if key is None or stored is None:
                continue  # not ours, or without an answer: then the next round asks again
            entry = Entry(key, self.engine.asker, self.engine.labeler, self.options.model, stored)
            (mistaken if stored.error == "bad_request" else entries).append(entry)
            if len(entries) >= KEPT:
                await self._put(entries)
        await self._put(entries)
        self._mistaken += mistaken

    async def _put(self, entries: list[Entry]) -> None:
        await self.cache.put_many(entries)
        for one in entries:
            self._brought.add(one.key)
            self._count(one.key, one.stored)
        entries.clear()

    def _stored(self, result: Reply | RequestError) -> Stored | None:
        if isinstance(result, Reply):
            return Stored(storable(result), batch=True)
        if result.kind in FATAL:
            self._fatal = result
        expired = result.kind == "timeout" and not self.options.batch_ask_expired
        if result.kind in ("refused", "bad_request") or expired:
            reply = Reply("", "other", id=result.request_id, detail=str(result))
            return Stored(storable(reply), result.kind, batch=True)
        return None

    async def _judge(self) -> None:
        """When all is read: bad requests count as answers only if any request was understood."""
        mistaken, self._mistaken = self._mistaken, []
        if mistaken and not self.engine.answered:
            said = mistaken[0].stored.reply.detail
            self.brake.pull("fatal", f"the provider refuses every request: {said}")
        elif mistaken:
            await self._put(mistaken)
        if self._fatal:
            self.brake.pull("fatal", f"{self._fatal.kind.replace('_', ' ')}: {self._fatal}")
        self.brake.check()


def size_of(request: Request) -> int:
    """Bytes that a request takes in a batch, rather too many: images in base64, texts escaped."""
    prompt = request.prompt
    texts = [prompt.system, *(one.text for one in prompt.messages(b""))]
    images = [request.image, *(one.image for one in (*prompt.before, *prompt.after) if one.image)]
    return 1024 + sum(len(one) * 4 // 3 for one in images) + 2 * sum(len(one.encode()) for one in texts)
