"""Running a plan: what is missing, one stage after another, each artifact finished before the next begins."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.components import Executor, Job, JobResult
from harness.errors import StoreError
from harness.plan import Pending, Plan, Stage, pending
from harness.store import Artifact, Manifest, Store


class Reporter(Protocol):
    """Who is told how a run goes."""

    def begin(self, todo: Pending) -> None:
        """What is cached, what has to run, what was found damaged."""

    def started(self, stage: Stage, number: int, total: int) -> None:
        """Stage `number` of `total` (from 1) begins."""

    def progress(self, text: str, done: float, total: float | None) -> None:
        """The current stage goes on."""

    def waiting(self, stage: Stage) -> None:
        """Another run computes this stage; this one waits for it."""

    def finished(self, stage: Stage, artifact: Artifact, *, computed: bool) -> None:
        """The artifact stands; computed=False if another run made it meanwhile."""


@dataclass(frozen=True)
class Outcome:
    """What a run ended with: an artifact a fingerprint, and the fingerprints that this run computed."""

    artifacts: Mapping[str, Artifact]
    computed: frozenset[str]

    def of(self, stage: Stage) -> Artifact:
        """The artifact of a stage of the plan."""
        return self.artifacts[stage.fingerprint]


def execute(
    plan: Plan, store: Store, executor: Executor, reporter: Reporter, plugins: Mapping[str, Any],
    anew: Collection[str] = (),
) -> Outcome:  # fmt: skip
    """Run what a plan lacks in a store. plugins: Registry.settings, for workers.

    anew: fingerprints of stages to run although their artifacts stand; each artifact is replaced when its stage is
    done. Raises HarnessError of the first stage that fails; whatever finished before it is kept.
    """
    todo = pending(plan, store, anew)
    reporter.begin(todo)
    for stage, _reason in todo.damaged:
        with store.lock(stage.fingerprint):
            store.invalidate(stage.kind, stage.fingerprint)
    artifacts = {stage.fingerprint: artifact for stage, artifact in todo.cached}
    computed: set[str] = set()
    for number, stage in enumerate(todo.missing, start=1):
        reporter.started(stage, number, len(todo.missing))
        with store.lock(stage.fingerprint, lambda stage=stage: reporter.waiting(stage)):  # type: ignore[misc]
            again = stage.fingerprint in anew
            artifact = None if again else _found_meanwhile(stage, store)
            if artifact is None:
                artifact = _compute(stage, store, executor, reporter, artifacts, plugins, replace=again)
                computed.add(stage.fingerprint)
        artifacts[stage.fingerprint] = artifact
        reporter.finished(stage, artifact, computed=stage.fingerprint in computed)
    for fingerprint, artifact in artifacts.items():
        store.used(artifact.manifest.stage, fingerprint)
    return Outcome(artifacts, frozenset(computed))


def _found_meanwhile(stage: Stage, store: Store) -> Artifact | None:
    try:
        return store.find(stage.kind, stage.fingerprint)
    except StoreError:
        store.invalidate(stage.kind, stage.fingerprint)
        return None


def _compute(
    stage: Stage, store: Store, executor: Executor, reporter: Reporter, artifacts: Mapping[str, Artifact],
    plugins: Mapping[str, Any], *, replace: bool = False,
) -> Artifact:  # fmt: skip
    with store.writing(stage.fingerprint) as folder:
        inputs = {name: artifacts[one.fingerprint].folder for name, one in stage.inputs.items()}
        job = job_of(stage, inputs, folder, store, plugins)
        result: JobResult = executor.run(job, reporter.progress)
        manifest = Manifest(
            stage=stage.kind,
            fingerprint=stage.fingerprint,
            key=stage.fingerprint_key,
            files={},
            notices=tuple(result.notices),
            seconds=result.seconds,
            peak_memory=result.peak_memory,
        )
        if replace:
            store.invalidate(stage.kind, stage.fingerprint)
        return store.commit(folder, manifest)


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
