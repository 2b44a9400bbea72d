"""The report of a finished run as one HTML file that asks the network for nothing.

Tables, bars and learning curves are HTML and SVG written here, so that they can be read without a script. Timelines are
drawn by the page's script from run lengths (`timeline`), one clip at a time and never more than the screen has columns:
a picture of every clip would weigh more than all the rest, and could not be asked for a single frame.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.documents import readable_json
from harness.finished import FinishedRun
from harness.leaderboard.redact import redacted
from harness.pages import beside, embedded, folded, rendered
from harness.report import classes, curves, described, tables
from harness.report.confusions import worst
from harness.report.frames import NONE, Answers, read_answers, read_labels
from harness.report.outcomes import Voter, in_order, read_voters
from harness.report.sources import Sources
from harness.report.thumbnails import Permission, permission, pictures
from harness.report.timeline import symbol, timelines

TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Report:
    """The page, and what it lacks: a sentence each."""

    html: str
    missing: Sequence[str]
    thumbnails: int


def report(run: FinishedRun, store: Path, thumbnails: bool | None = None) -> Report:
    """The page of a run. thumbnails: None is as the data's licence has it.

    What the store lacks is left out and said. ConfigError for thumbnails that the licence forbids; DataError and
    StoreError for files that are there and damaged.
    """
    sources = Sources(run, store)
    may = permission(sources, thumbnails)
    labels = read_labels(run)
    answers = read_answers(sources, labels)
    names = run.experiment.space.names
    pairs, shown = _worst(sources, answers, may)
    values: dict[str, Any] = {
        "title": run.name,
        "benchmark": run.experiment.benchmark,
        "classes": names,
        "short": classes.short_names(names),
        "textures": [classes.texture(one) for one in range(len(names))],
        **_scores(sources),
        **_labels(read_voters(sources, labels), answers, len(names)),
        **_training(sources),
        **_about(sources),
        "pairs": pairs,
        "permission": may,
        "final": answers.final,
        "all_faces": run.experiment.fusion.faces == "maximum",
        "clips": len(answers.clips),
        "frames": len(answers.face),
        "timelines": folded(json.dumps(timelines(answers), ensure_ascii=False, separators=(",", ":")).encode()),
    }
    values["data"] = embedded(
        {
            "classes": names,
            "short": values["short"],
            "textures": values["textures"],
            "symbols": [symbol(one) for one in range(len(names))],
            "matrices": values["matrices"],
            "chosen": _chosen(sources, values["matrices"]),
        }
    )
    source, style, script = beside(TEMPLATE)
    values["missing"] = [str(redacted(line)) for line in sources.missing]
    html = rendered(source, style + classes.style(max(len(names), len(values["networks"]))), script, **values)
    return Report(html, values["missing"], shown)


def _scores(sources: Sources) -> dict[str, Any]:
    scores = sources.scores
    if scores is None:
        return {"scored": False, "table": None, "per_class": [], "matrices": [], "reliabilities": [], "scores": None}
    return {
        "scored": scores.truth.frames > 0,
        "scores": scores,
        "table": tables.score_table(scores),
        "per_class": tables.class_table(scores),
        "matrices": tables.matrices(scores),
        "reliabilities": tables.reliabilities(scores),
    }


def _chosen(sources: Sources, matrices: Sequence[dict[str, Any]]) -> int:
    """The matrix to show first: of the run's decisions, the last ensemble, or else the last labeler."""
    roles = {one.title: one.role for one in (sources.scores.systems if sources.scores else ())}
    for role in ("ensemble", "labeler"):
        found = [number for number, one in enumerate(matrices) if roles[one["title"]] == role]
        if found:
            return found[-1]
    return 0


def _labels(voters: Sequence[Voter], answers: Answers, number: int) -> dict[str, Any]:
    kinds = list(in_order({name: count for one in voters for name, count in one.outcomes.items()}))
    shares = [(one.name, tables.share_row(one.classes)) for one in voters if one.classes]
    for title, codes in answers.rows.items():
        if title in ("truth", answers.final):
            counts = [int((codes == one).sum()) for one in range(number)]
            shares.append((f"{title}, frames", tables.share_row(counts)))
    return {"voters": voters, "kinds": kinds, "shares": shares}


def _training(sources: Sources) -> dict[str, Any]:
    trainings = curves.read_trainings(sources)
    return {
        "trainings": trainings,
        "panels": curves.panels(trainings),
        "networks": list(dict.fromkeys(one.network for one in trainings)),
        "geometry": curves,
    }


def _about(sources: Sources) -> dict[str, Any]:
    record, scores = sources.record, sources.scores
    stages = sources.stages()
    return {
        "record": record,
        "about": described.configuration(sources.run.experiment),
        "provenance": described.provenance(record) if record is not None else [],
        "configuration": readable_json(redacted(sources.run.experiment.model_dump(mode="json"))),
        "warnings": described.warnings(record, [*(scores.notes if scores else []), *sources.notices()]),
        "stages": tables.stage_rows(stages),
        "kinds_of_stages": tables.kinds_of_stages(stages),
        "stage_total": tables.seconds_text(sum(one.seconds for one in stages)),
        "stage_peak": f"{max((one.peak_memory for one in stages), default=0) / 2**20:,.0f} MiB",
        "asked": [tables.asked_row(one) for one in record.asked] if record is not None else [],
        "asked_heads": tables.ASKED,
    }


def _worst(sources: Sources, answers: Answers, may: Permission) -> tuple[list[dict[str, Any]], int]:
    """The worst confusions with examples, and the number of pictures among them."""
    names = sources.run.experiment.space.names
    pairs = worst(answers, len(names))
    wanted = {int(answers.face[one]) for pair in pairs for one in pair.examples}
    images: dict[int, str] = {}
    if may.granted and wanted:
        faces = sources.folder("faces", "faces:target", "pictures of faces")
        images = pictures(faces, wanted) if faces is not None else {}
    found = [
        {
            "true": names[pair.true],
            "predicted": names[pair.predicted],
            "frames": pair.frames,
            "clips": pair.clips,
            "examples": [_example(answers, one, names, images) for one in pair.examples],
        }
        for pair in pairs
    ]
    return found, len(images)


def _example(answers: Answers, position: int, names: Sequence[str], images: dict[int, str]) -> dict[str, Any]:
    clip, frame = answers.place(position)
    return {
        "clip": answers.clips[clip],
        "number": clip,
        "frame": frame,
        "picture": images.get(int(answers.face[position])),
        "answers": [
            (title, names[code] if code >= 0 else "no answer" if code == NONE else "not asked")
            for title, codes in answers.rows.items()
            if title != "truth"
            for code in [int(codes[position])]
        ],
    }
