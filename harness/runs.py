"""What a run leaves for a person: runs/NAME/ with predictions, labels, scores and charts, and its filed record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.charts import write_charts
from harness.config import Experiment
from harness.documents import readable_json, write_atomically
from harness.errors import ConfigError, MissingPackage
from harness.evaluation import spread
from harness.evaluation.scores import Scores, as_csv
from harness.evaluation.spread import over_seeds
from harness.evaluation.stage import read_scores
from harness.labeling.tables import named
from harness.leaderboard.build import build
from harness.leaderboard.record import file_record
from harness.plan import Plan
from harness.recording import make_record
from harness.run import Outcome
from harness.store import fingerprint_of
from harness.training import histories

DONE = "run.json"


@dataclass(frozen=True)
class WrittenRun:
    """A run's folder, its record (None without annotations), the tables it is in, its scores, notes for the user."""

    name: str
    folder: Path
    scores: Scores
    record: Path | None
    tables: Sequence[Path]
    computed: int
    notes: Sequence[str]


def write_run(
    experiment: Experiment,
    plan: Plan,
    outcome: Outcome,
    *,
    name: str | None,
    overrides: Sequence[str],
    runs: Path,
    leaderboards: Path,
) -> WrittenRun:
    """Write the run's folder and file its record, unless both stand already for the same artifacts."""
    name = name or f"{experiment.name}-{_fingerprint(plan)[:8]}"
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name[0] in ".-":
        raise ConfigError(f"--name {name!r}: use letters, digits, '.', '_' and '-', beginning with a letter or digit")
    folder = runs / name
    by_seed = {seed: read_scores(outcome.of(stage).folder) for seed, stage in plan.scores.items()}
    scores = over_seeds(by_seed)
    stands = {"fingerprints": {role: stage.fingerprint for role, stage in plan.stages.items()}}
    scored = scores.truth.frames > 0
    filed = leaderboards / "results" / experiment.benchmark / f"{name}.json"
    notes: list[str] = []
    tables: Sequence[Path] = sorted(leaderboards.glob(f"{experiment.benchmark}.*"))
    if _read(folder / DONE) != stands or (scored and not (filed.is_file() and tables)):
        notes += _fill(folder, experiment, plan, outcome, scores)
        if scored:
            record = make_record(name, experiment, plan, outcome, by_seed, overrides)
            filed = file_record(record, leaderboards)
            shutil.copyfile(filed, folder / "record.json")
            tables = build(leaderboards, experiment.benchmark)
        write_atomically(folder / DONE, readable_json(stands))
    return WrittenRun(name, folder, scores, filed if scored else None, tables, len(outcome.computed), notes)


def _fingerprint(plan: Plan) -> str:
    """Of the scores; with several seeds another one than any of theirs."""
    found = [stage.fingerprint for stage in plan.scores.values()]
    return found[0] if len(found) == 1 else fingerprint_of(found)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _trainings(plan: Plan, outcome: Outcome) -> Iterator[histories.Training]:
    """Every training of every seed, in the plan's order."""
    for role, stage in plan.stages.items():
        if stage.kind == "train":
            phase, _, network = role.partition(":")
            yield phase.partition("@")[0], network, int(stage.params["seed"]), outcome.of(stage).folder


def _fill(folder: Path, experiment: Experiment, plan: Plan, outcome: Outcome, scores: Scores) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    stored = {role: outcome.of(stage).folder for role, stage in plan.stages.items() if stage in plan.results}
    write_atomically(folder / "experiment.json", readable_json(experiment.model_dump(mode="json")))
    names = experiment.space.names
    named(stored["fuse"] / "decisions.parquet", names).to_csv(folder / "predictions.csv", index=False)
    named(stored["pseudo-label"] / "labels.parquet", names).to_csv(folder / "labels.csv", index=False)
    write_atomically(folder / "scores.csv", as_csv(scores))
    if scores.seeds:
        write_atomically(folder / "seeds.csv", spread.as_csv(scores))
    if found := list(_trainings(plan, outcome)):
        write_atomically(folder / histories.FILE, histories.collected(found))
    for sheet in stored["faces:target"].glob("contact.*"):
        shutil.copyfile(sheet, folder / f"faces{sheet.suffix}")
    trainings = {
        phase: {role.partition(":")[2]: one for role, one in stored.items() if role.startswith(f"{phase}:")}
        for phase in ("pre-train", "fine-tune")
    }
    try:
        write_charts(
            folder / "charts",
            classes=names,
            faces=stored["faces:target"],
            fused=stored["fuse"],
            labels=stored["pseudo-label"],
            truth=stored["truth:target"],
            trainings=trainings,
            scored=stored["score"],
            scores_over_seeds=scores if scores.seeds else None,
            trained=bool(experiment.training.backbones),
        )
    except MissingPackage as error:
        return [f"no charts: {error}"]
    return []
