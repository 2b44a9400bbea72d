"""The record of a finished run: what was configured, what took part, what it cost in time, what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.config import Experiment
from harness.evaluation.scores import Scores
from harness.evaluation.spread import over_seeds
from harness.executors.energy import measured_parts
from harness.labeling.pseudo_labels import SUMMARY
from harness.leaderboard.provenance import git_state, machine, package_versions
from harness.leaderboard.record import AskingRecord, ComponentRecord, DataRecord, Record, SeedScores, StageRecord
from harness.plan import Plan, Stage
from harness.run import Outcome
from harness.store import fingerprint_of


def make_record(
    name: str, experiment: Experiment, plan: Plan, outcome: Outcome, by_seed: Mapping[int, Scores],
    overrides: Sequence[str],
) -> Record:  # fmt: skip
    """The record of a run, ready to be filed. by_seed: the scores of each seed, the first one's first."""
    scores = over_seeds(by_seed)
    labeler = next((one for one in scores.systems if one.role == "labeler"), None)
    notices = [notice for artifact in outcome.artifacts.values() for notice in artifact.manifest.notices]
    components = [
        ComponentRecord(
            kind=used.kind,
            name=used.params["use"],
            distribution=used.params["distribution"],
            version=used.params["distribution_version"],
            options=used.key["options"],
            facts=used.key["facts"],
        )
        for used in plan.components
    ]
    return Record(
        run=name,
        benchmark=experiment.benchmark,
        created=datetime.now(UTC).replace(microsecond=0),
        configuration={**experiment.model_dump(mode="json"), "overrides": list(overrides)},
        components=components,
        label_space=experiment.space.as_dict(),
        seeds=_seeds(experiment),
        git=git_state(),
        packages=package_versions({one.distribution for one in components}),
        machine=machine().model_copy(update={"energy": measured_parts()}),
        data=[
            _data(role.removeprefix("data:"), stage, outcome)
            for role, stage in plan.stages.items()
            if stage.kind == "data"
        ],
        stages=[_stage(stage, outcome) for stage in plan.ordered() if stage.fingerprint in outcome.artifacts],
        notices=list(dict.fromkeys(notices)),
        outcomes=labeler.outcomes if labeler else {},
        asked=_asked(outcome.of(plan.stages["pseudo-label"]).folder),
        scores=scores,
        by_seed=[SeedScores(seed=seed, scores=one) for seed, one in by_seed.items()] if len(by_seed) > 1 else [],
    )


def _seeds(experiment: Experiment) -> dict[str, int]:
    first, *others = experiment.every_seed
    named = {"experiment": first, **{f"experiment {number}": seed for number, seed in enumerate(others, start=2)}}
    return {**named, "sampling": experiment.labeling.sample.seed}


def _asked(labels: Path) -> list[AskingRecord]:
    """What the language models among the labelers were asked."""
    path = labels / SUMMARY
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [
        AskingRecord(
            **{**one, "prompts": one["prompts"]["name"], "prompts_sha256": fingerprint_of(one["prompts"]["content"])}
        )
        for one in found
    ]


def _data(role: str, stage: Stage, outcome: Outcome) -> DataRecord:
    summary = json.loads((outcome.of(stage).folder / "summary.json").read_text(encoding="utf-8"))
    # of the data alone: another release of what reads it gives the same frames, or its component's version is raised
    content = {name: value for name, value in stage.key["dataset"].items() if name != "distribution_version"}
    return DataRecord(
        role=role,
        name=stage.params["dataset"]["use"],
        fingerprint=fingerprint_of(content),
        licence=summary["licence"],
        faces_may_leave=summary.get("faces_may_leave", False),
    )


def _stage(stage: Stage, outcome: Outcome) -> StageRecord:
    manifest = outcome.of(stage).manifest
    return StageRecord(
        kind=stage.kind,
        title=stage.title,
        fingerprint=stage.fingerprint,
        seconds=round(manifest.seconds, 3),
        peak_memory=manifest.peak_memory,
        cached=stage.fingerprint not in outcome.computed,
        energy=manifest.energy,
    )
