"""Networks side by side: each lane of an executor takes a network with all its stages, then the next of the plan.

A thread a lane waits for its jobs. What they have to tell goes through one queue to the thread that runs the plan, so
that a reporter never hears two lanes at once and Ctrl-C finds somebody who listens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Protocol

from harness.components import Lane
from harness.making import Reporter, RunJob, Step
from harness.plan import Pending, Stage
from harness.stages import STAGES
from harness.store import Artifact

Event = Callable[[], None]


class Make(Protocol):
    """How a stage is made, as Making.make does it."""

    def __call__(self, step: Step, run: RunJob, reporter: Reporter, patience: Event | None = None) -> None: ...


def chains_of(steps: Sequence[Step]) -> list[list[Step]]:
    """The stages of each network, in the plan's order: whatever is connected through stages of networks.

    Chains need nothing of one another. Stages that stand already connect too: where only the predictions of a
    network are missing they stay together.
    """
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    def connect(stage: Stage) -> None:
        if stage.fingerprint in root:
            return
        find(stage.fingerprint)
        for one in stage.inputs.values():
            if STAGES[one.kind].of_network:
                connect(one)
                root[find(stage.fingerprint)] = find(one.fingerprint)

    for step in steps:
        connect(step.stage)
    chains: dict[str, list[Step]] = {}
    for step in steps:
        chains.setdefault(find(step.stage.fingerprint), []).append(step)
    return list(chains.values())


def spread(chains: Sequence[Sequence[Step]], lanes: Sequence[Lane], make: Make, reporter: Reporter) -> None:
    """Make all stages of the chains, a chain a lane at a time. Raises the first error.

    After an error no further stage begins: trainings under way are stopped, because the same command goes on with them
    where they were; a prediction, short and lost if it is stopped, is let finish. Ctrl-C stops everything at once.
    """
    _Spread(chains, lanes, make).run(reporter)


class _Stopped(Exception):
    """A lane has to take no further stage."""


@dataclass(frozen=True)
class _End:
    """A lane is through, or has failed."""

    error: BaseException | None


class _Spread:
    def __init__(self, chains: Sequence[Sequence[Step]], lanes: Sequence[Lane], make: Make) -> None:
        self._chains = deque(chains)
        self._lanes = lanes[: len(chains)]
        self._make = make
        self._events: SimpleQueue[Event | _End] = SimpleQueue()
        self._lock = Lock()  # of the three below
        self._under_way: dict[int, Step] = {}
        self._stopping = False

    def run(self, reporter: Reporter) -> None:
        told = _Told(reporter, self._events.put)
        threads: list[Thread] = []
        error: BaseException | None = None
        try:
            for number in range(len(self._lanes)):
                thread = Thread(target=self._follow, args=(number, told), name=f"lane {number}", daemon=True)
                thread.start()
                threads.append(thread)
            running = len(threads)
            while running:
                event = self._events.get()
                if isinstance(event, _End):
                    running -= 1
                    if event.error is not None and error is None:
                        error = event.error
                        self._stop(lambda step: step is not None and STAGES[step.stage.kind].resumes)
                else:
                    event()
        except BaseException:  # Ctrl-C above all
            self._stop(lambda _: True)
            for thread in threads:
                thread.join()
            raise
        if error is not None:
            raise error

    def _follow(self, number: int, told: Reporter) -> None:
        error: BaseException | None = None
        try:
            while (chain := self._next()) is not None:
                for step in chain:
                    self._enter(number, step)
                    self._make(step, self._lanes[number].run, told, self._go_on)
        except _Stopped:
            pass
        except BaseException as caught:  # noqa: BLE001 - raised again by the thread that runs the plan
            error = caught
        self._events.put(_End(error))

    def _next(self) -> Sequence[Step] | None:
        with self._lock:
            return self._chains.popleft() if self._chains else None

    def _enter(self, number: int, step: Step) -> None:
        with self._lock:
            if self._stopping:
                raise _Stopped
            self._under_way[number] = step

    def _go_on(self) -> None:
        if self._stopping:
            raise _Stopped

    def _stop(self, which: Callable[[Step | None], bool]) -> None:
        """Let no stage begin any more, and stop the lanes whose stage under way says so."""
        with self._lock:
            self._stopping = True
            lanes = [lane for number, lane in enumerate(self._lanes) if which(self._under_way.get(number))]
        for lane in lanes:
            lane.stop()


class _Told:
    """A reporter for lanes: posts everything to the thread that runs the plan."""

    def __init__(self, reporter: Reporter, post: Callable[[Event], None]) -> None:
        self._reporter, self._post = reporter, post

    def begin(self, todo: Pending) -> None:
        self._post(partial(self._reporter.begin, todo))

    def started(self, stage: Stage, number: int, total: int) -> None:
        self._post(partial(self._reporter.started, stage, number, total))

    def progress(self, stage: Stage, text: str, done: float, total: float | None) -> None:
        self._post(partial(self._reporter.progress, stage, text, done, total))

    def waiting(self, stage: Stage) -> None:
        self._post(partial(self._reporter.waiting, stage))

    def finished(self, stage: Stage, artifact: Artifact, *, computed: bool) -> None:
        self._post(partial(self._reporter.finished, stage, artifact, computed=computed))
