"""Running a plan: what is missing, in the plan's order, each artifact finished before a stage that needs it begins.

Stages run one after another. Where the executor offers several lanes, networks are trained on them at the same time,
each with all its stages on one lane; everything else runs alone, as ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.components import Executor, Lane, LanedExecutor
from harness.lanes import chains_of, spread
from harness.making import Making, Reporter, Step, job_of
from harness.plan import Plan, Stage, pending
from harness.stages import STAGES
from harness.store import Artifact, Store

__all__ = ["Outcome", "Reporter", "execute", "job_of"]


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
    making = Making(store, plugins, anew, {stage.fingerprint: artifact for stage, artifact in todo.cached})
    steps = [Step(stage, number, len(todo.missing)) for number, stage in enumerate(todo.missing, start=1)]
    for of_networks, block in itertools.groupby(steps, lambda step: STAGES[step.stage.kind].of_network):
        _run_block(list(block), making, executor, reporter, of_networks=of_networks)
    # Lanes finish in any order; what is written from the outcome should not depend on it.
    order = [stage.fingerprint for stage in (*(stage for stage, _ in todo.cached), *todo.missing)]
    for fingerprint in order:
        store.used(making.artifacts[fingerprint].manifest.stage, fingerprint)
    return Outcome({fingerprint: making.artifacts[fingerprint] for fingerprint in order}, frozenset(making.computed))


def _run_block(
    block: Sequence[Step], making: Making, executor: Executor, reporter: Reporter, *, of_networks: bool
) -> None:
    """Run neighbours in the plan; what they need of stages outside the block stands."""
    chains = chains_of(block) if of_networks else [list(block)]
    lanes = _lanes(executor, block, len(chains))
    if len(lanes) > 1:
        spread(chains, lanes, making.make, reporter)
        return
    for step in block:
        making.make(step, executor.run, reporter)


def _lanes(executor: Executor, block: Sequence[Step], networks: int) -> Sequence[Lane]:
    devices = {str(step.stage.params.get("device", "auto")) for step in block}
    if networks < 2 or len(devices) > 1 or not isinstance(executor, LanedExecutor):
        return []
    return executor.lanes(devices.pop(), networks)
