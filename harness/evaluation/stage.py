"""The stage `score`: the labeler, each network before and after fine-tuning, and the ensemble, on the same frames."""

from __future__ import annotations

from pathlib import Path

from harness.documents import readable_json
from harness.evaluation.divergence import reference
from harness.evaluation.notes import closeness, notes
from harness.evaluation.score import chance_score, score_system
from harness.evaluation.scores import Scores, Settings, SystemScore, as_csv
from harness.evaluation.systems import systems
from harness.evaluation.truth import facts, items, read_target, subjects
from harness.fusion.stage import read_index
from harness.stage import StageContext


def run(context: StageContext) -> None:
    """Write scores.json (evaluation.scores.Scores) and scores.csv.

    params {"label_space", "resamples", "clusters", "interval", "seed", "unanswered", "labeler": name, "networks":
    names} and, for divergences, {"reference_distribution": name or frequencies}; inputs {"truth", "faces"} and, as
    far as there are any, "fused" (a fuse artifact), "labels" (pseudo-labels), "pretrained-<k>" and "network-<k>"
    (predict artifacts of the k-th network). Without an annotated frame, coverage, flicker, the predicted classes and
    their divergence from the reference alone are given, and a note.
    """
    space = context.label_space
    given = context.params.get("reference_distribution")
    settings = Settings(
        unanswered=context.params["unanswered"],
        resamples=context.params["resamples"],
        seed=context.params["seed"],
        clusters=context.params.get("clusters", "clip"),
        interval=context.params.get("interval", "studentised"),
        reference=[] if given is None else list(reference(given, space)),
    )
    index = read_index(context.inputs["faces"])
    target = read_target(context.inputs["truth"] / "truth.parquet", index, space.names)
    seen = subjects(context.inputs["faces"] / "clips.parquet", target)
    found: list[SystemScore] = []
    said = notes(target, settings, seen)
    for system in systems(context, index["face"].to_numpy(), len(space)):
        context.progress(f"scoring {system.name}", len(found), None)
        found.append(score_system(system, target, settings, seen))
        if system.asked is not None and not system.asked.all():
            said.append(f"{system.name} was asked about {system.asked.mean():.1%} of the frames; it is scored on these")
    if len(target.truth):
        found.append(chance_score(target, settings))
    else:
        said.append(closeness(found, settings))
    scores = Scores(
        label_space=space.name,
        classes=list(space.names),
        truth=facts(target),
        settings=settings,
        notes=said,
        clips=list(target.clips),
        subjects=seen,
        items=items(target),
        systems=found,
    )
    for note in said:
        context.notice(note)
    (context.folder / "scores.json").write_text(readable_json(scores.model_dump(mode="json")), encoding="utf-8")
    (context.folder / "scores.csv").write_text(as_csv(scores), encoding="utf-8")


def read_scores(folder: Path) -> Scores:
    """The scores of a score artifact."""
    return Scores.model_validate_json((folder / "scores.json").read_bytes())
