"""One stage of a run: its lock, the artifact that another run made meanwhile, the job, the finished artifact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from harness.components import Job, JobResult
from harness.errors import StoreError
from harness.plan import Pending, Stage
from harness.store import Artifact, Manifest, Store

RunJob = Callable[[Job, Callable[[str, float, float | None], None]], JobResult]


class Reporter(Protocol):
    """Who is told how a run goes: always by the thread that runs the plan. Several stages can be under way at once."""

    def begin(self, todo: Pending) -> None:
        """What is cached, what has to run, what was found damaged."""

    def started(self, stage: Stage, number: int, total: int) -> None:
        """Stage `number` of `total` (from 1, in the plan's order) begins."""

    def progress(self, stage: Stage, text: str, done: float, total: float | None) -> None:
        """A stage goes on."""

    def waiting(self, stage: Stage) -> None:
        """Another run computes this stage; this one waits for it."""

    def finished(self, stage: Stage, artifact: Artifact, *, computed: bool) -> None:
        """The artifact stands; computed=False if another run made it meanwhile."""


@dataclass(frozen=True)
class Step:
    """A stage that has to run, and its place in the plan: `number` of `total`, from 1."""

    stage: Stage
    number: int
    total: int


class Making:
    """Makes the artifacts of one run; `make` may be called by several threads, for different stages.

    artifacts: by fingerprint, what stands at the beginning and what was made; computed: fingerprints that `make` had
    run. anew: fingerprints whose artifacts are replaced even where they stand.
    """

    def __init__(
        self, store: Store, plugins: Mapping[str, Any], anew: Collection[str], artifacts: dict[str, Artifact]
    ) -> None:
        self.artifacts = artifacts
        self.computed: set[str] = set()
        self._store, self._plugins, self._anew = store, plugins, frozenset(anew)

    def make(self, step: Step, run: RunJob, reporter: Reporter, patience: Callable[[], None] | None = None) -> None:
        """Make one stage's artifact; its inputs stand. patience: called while another run computes it, may raise."""
        stage = step.stage
        reporter.started(stage, step.number, step.total)
        with self._store.lock(stage.fingerprint, partial(reporter.waiting, stage), patience):
            again = stage.fingerprint in self._anew
            artifact = None if again else self._found_meanwhile(stage)
            computed = artifact is None
            if artifact is None:
                artifact = self._compute(stage, run, reporter, replace=again)
                self.computed.add(stage.fingerprint)
        self.artifacts[stage.fingerprint] = artifact
        reporter.finished(stage, artifact, computed=computed)

    def _found_meanwhile(self, stage: Stage) -> Artifact | None:
        try:
            return self._store.find(stage.kind, stage.fingerprint)
        except StoreError:
            self._store.invalidate(stage.kind, stage.fingerprint)
            return None

    def _compute(self, stage: Stage, run: RunJob, reporter: Reporter, *, replace: bool) -> Artifact:
        with self._store.writing(stage.fingerprint) as folder:
            inputs = {name: self.artifacts[one.fingerprint].folder for name, one in stage.inputs.items()}
            job = job_of(stage, inputs, folder, self._store, self._plugins)
            result = run(job, partial(reporter.progress, stage))
            manifest = Manifest(
                stage=stage.kind,
                fingerprint=stage.fingerprint,
                key=stage.fingerprint_key,
                files={},
                notices=tuple(result.notices),
                seconds=result.seconds,
                peak_memory=result.peak_memory,
                energy=result.energy,
            )
            if replace:
                self._store.invalidate(stage.kind, stage.fingerprint)
            return self._store.commit(folder, manifest)


def job_of(stage: Stage, inputs: Mapping[str, Path], folder: Path, store: Store, plugins: Mapping[str, Any]) -> Job:
    """A stage as the job that an executor runs: inputs by name, the folder to write, the store's caches."""
    return Job(
        kind=stage.kind,
        title=stage.title,
        params=stage.params,
        inputs={name: str(one) for name, one in inputs.items()},
        folder=str(folder),
        plugins=plugins,
        caches=str(store.root),
    )
