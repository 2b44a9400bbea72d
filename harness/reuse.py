"""The plan of a finished run for another video: its configuration and its trained networks, nothing trained anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.config import Experiment, parse
from harness.errors import DataError
from harness.finished import FinishedRun
from harness.layout import Digest, experiment_plan
from harness.plan import Plan, Stage
from harness.plugins import Registry
from harness.store import Artifact, Store


@dataclass(frozen=True, eq=False)
class StoredStage(Stage):
    """A stage that ran before, known by its artifact: what it was made from need not be there any more."""

    made_of: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint_key(self) -> dict[str, Any]:
        return dict(self.made_of)


def stored(artifact: Artifact) -> StoredStage:
    """The stage that an artifact in the store came from."""
    manifest = artifact.manifest
    return StoredStage(manifest.stage, manifest.stage, {}, {}, made_of=manifest.key)


def plan_for(
    run: FinishedRun, video: Path, store: Store, registry: Registry, digest: Digest, *, allow_remote: bool
) -> Plan:
    """The stages that label a video as a run did: faces, its networks (or else its labelers), fusion and smoothing.

    Roles "faces:target" and "fuse" are what is wanted. With several seeds the first one's networks are taken, whose
    decisions the run's folder holds. StoreError if a trained network is not in the store any more, DataError for a
    labeler that knows nothing of new videos.
    """
    models = {name: stored(run.artifact(store, "train", f"fine-tune:{name}")) for name in run.networks}
    experiment = _for_video(run.experiment, video, allow_remote=allow_remote, labelled=not models)
    if not models:
        _require_no_truth(run, registry)
    plan = experiment_plan(experiment, registry, digest)
    wanted = _by_networks(plan, models) if models else _by_labels(plan)
    return Plan(wanted, plan.components, whole=True)


def _for_video(experiment: Experiment, video: Path, *, allow_remote: bool, labelled: bool) -> Experiment:
    """The run's experiment on one video. That its faces may leave the machine must be said for each video anew."""
    data = experiment.model_dump(mode="json")
    data["data"] = {"target": {"use": "videos", "root": str(video.absolute())}, "allow_remote": allow_remote}
    data["seed"], data["seeds"] = experiment.every_seed[0], []
    if not labelled:  # nobody is asked: neither packages nor consent of the run's labelers are needed
        data["labeling"]["labelers"] = ["simulated"]
    return parse(data, "the run's experiment")


def _require_no_truth(run: FinishedRun, registry: Registry) -> None:
    for labeler in run.experiment.labeling.labelers:
        if registry.get("labelers", labeler.use).spec.needs_truth:
            raise DataError(
                f"run {run.name!r} has no networks, and its labeler {labeler.use!r} makes labels from annotations, "
                "which a new video does not have; take a run with networks or another labeler"
            )


def _by_networks(plan: Plan, models: Mapping[str, Stage]) -> dict[str, Stage]:
    """Roles to run: each stored network predicts, the predictions are fused."""
    predicted, voters = {}, {}
    for number, (name, model) in enumerate(models.items()):
        for voter, of in ((f"voter-{number}", "fine-tuned"), (f"others-{number}", "further faces")):
            role = f"predict:{name}:{of}"
            if role in plan.stages:  # further faces are, where fusion takes the maximum over a frame's faces
                stage = plan.stages[role]
                predicted[role] = voters[voter] = replace(stage, inputs={**stage.inputs, "model": model})
    return {**_found(plan), **predicted, "fuse": _fused(plan, voters)}


def _by_labels(plan: Plan) -> dict[str, Stage]:
    """Roles to run: the labelers label, whatever they are sure of, and their labels are smoothed."""
    labels = plan.labels()
    if plan.stages["pseudo-label"] not in plan.stages["fuse"].inputs.values():  # it has the labelers' votes themselves
        return {**labels.stages, "fuse": plan.stages["fuse"]}
    return {**labels.stages, "fuse": _fused(plan, {"voter-0": labels.stages["pseudo-label"]})}


def _found(plan: Plan) -> dict[str, Stage]:
    return {role: plan.stages[role] for role in ("data:target", "faces:target")}


def _fused(plan: Plan, voters: Mapping[str, Stage]) -> Stage:
    fuse = plan.stages["fuse"]
    return replace(fuse, inputs={"faces": plan.stages["faces:target"], **voters})
