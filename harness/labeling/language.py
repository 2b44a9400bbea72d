"""Labelling with a vision-language model: every sampled face, every voter, from the cache or by asking."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence

from harness.components import OUTCOMES
from harness.errors import Interrupted, PartialResult, StageError
from harness.labeling.answers import Answers
from harness.labeling.asking import Questioner, Voter
from harness.labeling.batches import Batches
from harness.labeling.brake import Brake, Halted
from harness.labeling.cache import FILE, ReplyCache, Stored
from harness.labeling.crops import AskedFace, FacesToAsk
from harness.labeling.engine import Engine, Request, Unanswered
from harness.labeling.meter import Meter
from harness.labeling.parsing import PARSER_VERSION
from harness.labeling.providers import Asked, Models, cap_of, check_consent, ladder, voters
from harness.labeling.replies import ReplyWriter
from harness.stage import StageContext
from harness.vlm import BatchOptions
from harness.weights import is_offline

BLOCK = 32  # faces whose replies are looked up together
EVERY = 0.1  # seconds between two looks at whether to stop
Job = tuple[int, AskedFace, Voter, Request, Stored | None]


def run(context: StageContext, first: Asked) -> None:
    """Label every sampled face with a language model.

    params {"labeler", "label_space", "sample", "allow_remote", "data"}; inputs {"faces"} and, where the ladder needs
    it, {"larger"}. Writes votes.parquet, replies.parquet and asking.json. Replies are kept in the context's caches.
    With the param "partial", questions that nobody answered are errors in the artifact, and end nothing.
    PartialResult if the cap or missing answers end it early, Interrupted if the user does.
    """
    rungs = ladder(context.registry, first)
    check_consent([first, *rungs], bool(context.params.get("allow_remote")), str(context.params.get("data", "")))
    faces = FacesToAsk.sampled(context.inputs["faces"], context.params["sample"], context.inputs.get("larger"))
    if context.caches is None:
        raise StageError("there is no folder to keep replies in; run the stage through a store")
    with ReplyCache(context.caches / FILE) as cache:
        asyncio.run(_label(context, first, rungs, faces, cache))


async def _label(
    context: StageContext, first: Asked, rungs: Sequence[Asked], faces: FacesToAsk, cache: ReplyCache
) -> None:
    labelling = _Labelling(context, first, rungs, faces, cache)
    watching = asyncio.create_task(labelling.watch())
    try:
        with _interrupt_signal(labelling.brake), ReplyWriter(context.folder) as writer:
            await labelling.ask(writer)
    finally:
        watching.cancel()
        await labelling.models.close()
    labelling.judge()
    labelling.write()


class _Labelling:
    """One labelling: what its coroutines share."""

    def __init__(
        self, context: StageContext, first: Asked, rungs: Sequence[Asked], faces: FacesToAsk, cache: ReplyCache
    ) -> None:
        self.context = context
        self.first = first
        self.faces = faces
        self.cache = cache
        self.voters = voters(first.name, first.render(context.label_space), first.options.votes)
        self.meter = Meter(total=len(faces) * len(self.voters))
        self.brake = Brake()
        self.offline = is_offline()
        self.models = Models(
            context.registry, cache, self.meter, self.brake, cap_of([first, *rungs]), offline=self.offline,
            warn=context.notice,
        )  # fmt: skip
        self.questioner = self.models.questioner(first, rungs, context.label_space)
        self.answers = Answers(faces, self.voters, len(context.label_space), self.meter)
        self._answering = False  # batches show their own progress

    async def watch(self) -> None:
        """Pull the brake when the user wants it, and keep the progress line alive."""
        while True:
            await asyncio.sleep(EVERY)
            if self.context.stopping.is_set():
                self.brake.pull("interrupted", "stopped by the user")
            if self._answering and self.meter.done:
                self._progress()

    def _progress(self) -> None:
        self.context.progress(
            self.meter.line() or f"asking {self.first.options.model}", self.meter.done, self.meter.total
        )

    async def ask(self, writer: ReplyWriter) -> None:
        """Ask everything there is to ask; whatever ends it early is on the brake."""
        questioner = self.questioner
        if not self.offline:
            with contextlib.suppress(Halted):
                questioner = await self._in_batches()
        if self.brake.halt is None:
            self._answering = True
            await self._pass(questioner, writer)

    async def _in_batches(self) -> Questioner:
        """Ask the models that are to be asked by batches; returns the questioner that takes their replies from the
        cache. Those that come first on the ladder are asked first; a model between them is asked one by one."""
        askers = [
            asker
            for asker, engine in self.models.engines.items()
            if isinstance(engine.options, BatchOptions) and engine.options.batch
        ]
        questioner = self.questioner
        for asker in askers:
            questioner = questioner.asking_with(asker, _later)
        for asker in askers:
            questioner = await self._by_batches(self.models.engines[asker], questioner)
        return questioner

    async def _by_batches(self, engine: Engine, questioner: Questioner) -> Questioner:
        batches = Batches(engine, self.brake, self.context.progress)
        await batches.run(lambda ask: self._pass(questioner.asking_with(engine.asker, ask), None))
        return questioner.asking_with(engine.asker, batches.from_cache)

    async def _pass(self, questioner: Questioner, writer: ReplyWriter | None) -> None:
        """Go over every question, many at a time; with a writer, keep the answers."""
        self.meter.done = 0
        jobs = _Ahead(self._blocks(questioner))
        count = min(self.meter.total, 2 * self.first.options.limits.connections + 16)
        tasks = [asyncio.create_task(self._work(questioner, jobs, writer)) for _ in range(count)]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        if errors := [end for end in ends if end is not None]:
            raise errors[0]
        if writer:
            self._progress()

    def _blocks(self, questioner: Questioner) -> Iterator[list[Job]]:
        """(row, face, voter, first request, stored reply to it) of every question, looked up block by block."""
        faces, rows = iter(self.faces), itertools.count()
        while block := list(itertools.islice(faces, BLOCK)):
            asked = [(face, voter, questioner.first(face, voter)) for face in block for voter in self.voters]
            known = self.cache.get_many([request.key for _, _, request in asked])
            yield [(next(rows), face, voter, one, known.get(one.key)) for face, voter, one in asked]

    async def _work(self, questioner: Questioner, jobs: _Ahead, writer: ReplyWriter | None) -> None:
        try:
            while self.brake.halt is None and (job := await jobs.next()):
                row, face, voter, request, known = job
                answer = await questioner.answer(face, voter, request, known)
                self.meter.done += answer.unanswered is None
                if writer:
                    self.answers.keep(row, face, voter, answer, writer)
                if known is not None and row % 64 == 0:
                    await asyncio.sleep(0)  # replies from the cache never wait: the brake must have a turn
        except Halted:
            return
        except BaseException as error:  # the others finish what they are paying for, and ask nothing more
            self.brake.pull("fatal", str(error))
            raise

    # --- what came of it

    def judge(self) -> None:
        """Raise what ended the labelling before its end."""
        meter, name = self.meter, self.first.name
        stands = f"{meter.requests + meter.cached} replies to {meter.total} questions are kept"
        match self.brake.halt:
            case None:
                pass
            case halt if halt.kind == "interrupted":
                raise Interrupted(f"labeler {name!r}: {stands}; the same command goes on")
            case halt if halt.kind == "max_cost":
                raise PartialResult(f"labeler {name!r}: {halt.message}; {stands}; raise max_cost to go on")
            case halt:
                raise StageError(f"labeler {name!r}: {halt.message}; {stands}")
        if self.context.params.get("partial") and meter.outcomes["error"] < meter.total:
            return
        if meter.unanswered["offline"]:
            raise StageError(
                f"labeler {name!r}: {meter.unanswered['offline']} of {meter.total} questions have no stored reply, and "
                "nothing is asked offline"
            )
        missing = sum(meter.unanswered.values())
        if missing > self.first.options.max_failed * meter.total:
            kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in meter.unanswered.most_common())
            raise PartialResult(
                f"labeler {name!r}: {missing} of {meter.total} questions got no answer ({kinds}; the last: "
                f"{self.answers.last_failure}); the others are kept, the same command asks again, and max_failed "
                "accepts a share"
            )
        if meter.outcomes["error"] == meter.total:
            reason = next(iter(self.answers.reasons.values()), "no reason given")
            raise StageError(f"labeler {name!r}: no request was answered: {reason}")

    def write(self) -> None:
        """The artifact, and what the user should know of it."""
        first, meter = self.first, self.meter
        facts = {
            "labeler": first.name,
            "model": first.options.model,
            "prompts": {"name": first.prompts.name, "content": first.prompts.content()},
            "parser": PARSER_VERSION,
        }
        self.answers.write(self.context.folder, first.name, facts)
        without = meter.total - meter.outcomes["label"]
        if without:
            told = ", ".join(f"{name} {count}" for name in OUTCOMES[1:] if (count := meter.outcomes[name]))
            self.context.notice(f"labeler {first.name!r}: {without} of {meter.total} questions gave no label: {told}")
        asked = {engine.options.model for engine in self.models.engines.values()}
        others = sorted(one for one in meter.models if one and one not in asked)
        if others:
            answered = ", ".join(others)
            models = ", ".join(sorted(asked))
            self.context.notice(f"labeler {first.name!r}: asked {models}, answered by {answered}")


async def _later(_request: Request, _known: Stored | None) -> Unanswered:
    return Unanswered("batch", "asked by a batch")


class _Ahead:
    """Hands out jobs one by one; a thread makes the next block of them meanwhile (images read, changed, hashed)."""

    def __init__(self, blocks: Iterator[list[Job]]) -> None:
        self._blocks = blocks
        self._ready: deque[Job] = deque()
        self._lock = asyncio.Lock()
        self._coming: asyncio.Future[list[Job] | None] | None = None

    async def next(self) -> Job | None:
        """The next job, None after the last."""
        if not self._ready:
            async with self._lock:
                if not self._ready:
                    self._ready.extend(await self._block() or ())
        return self._ready.popleft() if self._ready else None

    async def _block(self) -> list[Job] | None:
        block = await (self._coming or self._read())
        self._coming = self._read()  # after the last block there is None, again and again
        return block

    def _read(self) -> asyncio.Future[list[Job] | None]:
        coming = asyncio.get_running_loop().run_in_executor(None, next, self._blocks, None)
        coming.add_done_callback(lambda read: read.cancelled() or read.exception())  # if nobody comes for it any more
        return coming


@contextlib.contextmanager
def _interrupt_signal(brake: Brake) -> Iterator[None]:
    """Where the stage runs in the main thread (executor "inline"), the first Ctrl-C pulls the brake."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        brake.pull("interrupted", "stopped by the user")
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
