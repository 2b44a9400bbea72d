"""An experiment as the set of stages it needs: what is cached, what has to run, in which order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.components import Kind, Options
from harness.errors import StoreError
from harness.stages import STAGES
from harness.store import Artifact, Store, fingerprint_of


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of a plan.

    params are what the stage function gets; key is the same with every path replaced by a hash of what lies there.
    """

    kind: str
    title: str
    params: Mapping[str, Any]
    key: Mapping[str, Any]
    inputs: Mapping[str, Stage] = field(default_factory=dict)

    @cached_property
    def fingerprint_key(self) -> dict[str, Any]:
        """What the fingerprint is made of, JSON-ready."""
        return {
            "stage": self.kind,
            "version": STAGES[self.kind].version,
            "params": self.key,
            "inputs": {name: stage.fingerprint for name, stage in self.inputs.items()},
        }

    @cached_property
    def fingerprint(self) -> str:
        """sha256 (hex) that names the artifact."""
        return fingerprint_of(self.fingerprint_key)


@dataclass(frozen=True)
class UsedComponent:
    """A component with its checked options: as parameters for a stage, and as a fingerprint sees it."""

    kind: Kind
    params: Mapping[str, Any]
    key: Mapping[str, Any]
    options: Options


@dataclass(frozen=True)
class Plan:
    """The stages of an experiment in an order that runs; `stages` has them by role ("faces:target", "fuse", ...).

    With several seeds the roles of the first are as with one; those of the others name their seed ("fuse@1",
    "fine-tune@1:resnet18").
    whole: every stage is wanted, not those alone that a run's folder is made from.
    """

    stages: Mapping[str, Stage]
    components: tuple[UsedComponent, ...]
    whole: bool = False

    def ordered(self) -> list[Stage]:
        """Every distinct stage once, inputs before those that need them."""
        found: dict[str, Stage] = {}

        def visit(stage: Stage) -> None:
            for one in stage.inputs.values():
                visit(one)
            found.setdefault(stage.fingerprint, stage)

        for stage in self.stages.values():
            visit(stage)
        return list(found.values())

    @property
    def results(self) -> list[Stage]:
        """The stages whose artifacts a run's folder and record are made from."""
        if self.whole:
            return list(self.stages.values())
        made_of = ("data", "truth", "faces", "pseudo-label", "train", "fuse", "score")
        unused = ("truth:pretrain", "faces:pretrain")
        return [stage for role, stage in self.stages.items() if stage.kind in made_of and role not in unused]

    @property
    def scores(self) -> dict[int, Stage]:
        """The score stage of each seed, in order."""
        return {stage.params["seed"]: stage for stage in self.stages.values() if stage.kind == "score"}

    def labels(self) -> Plan:
        """The plan up to the labels: nothing is trained or scored, and labels that nobody believes are kept too."""
        wanted = ("data:target", "truth:target", "faces:target")
        stages = {role: stage for role, stage in self.stages.items() if role in wanted or role.startswith("label:")}
        last = self.stages["pseudo-label"]
        more = {"keep_all": True}
        stages["pseudo-label"] = replace(last, params={**last.params, **more}, key={**last.key, **more})
        return Plan(stages, self.components, whole=True)


@dataclass(frozen=True)
class Pending:
    """What a plan still has to do in a store: missing stages in order, cached ones, and what was found damaged."""

    missing: tuple[Stage, ...]
    cached: tuple[tuple[Stage, Artifact], ...]
    damaged: tuple[tuple[Stage, str], ...]


def pending(plan: Plan, store: Store, anew: Collection[str] = ()) -> Pending:
    """Compare a plan with a store; anew: fingerprints that count as missing.

    An intermediate artifact that nobody needs any more is not missing. Inputs of what has to run are checked byte by
    byte; a damaged artifact counts as missing and is named.
    """
    damaged: dict[str, tuple[Stage, str]] = {}
    cached: dict[str, tuple[Stage, Artifact]] = {}
    missing: dict[str, Stage] = {}
    deeply: set[str] = set()

    def visit(stage: Stage, *, as_input: bool) -> None:
        name = stage.fingerprint
        if name in missing or (name in cached and (not as_input or name in deeply)):
            return
        try:
            artifact = None if name in anew else store.find(stage.kind, name, deep=as_input)
        except StoreError as error:
            damaged[name], artifact = (stage, str(error)), None
        if artifact:
            cached[name] = (stage, artifact)
            deeply.update({name} if as_input else ())
            return
        cached.pop(name, None)
        missing[name] = stage
        for one in stage.inputs.values():
            visit(one, as_input=True)

    for stage in plan.results:
        visit(stage, as_input=False)
    order = [stage for stage in plan.ordered() if stage.fingerprint in missing]
    return Pending(tuple(order), tuple(cached.values()), tuple(damaged.values()))
