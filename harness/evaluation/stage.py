"""The stage `score`: the labeler, each network before and after fine-tuning, and the ensemble, on the same frames."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.documents import readable_json
from harness.errors import DataError
from harness.evaluation.divergence import reference
from harness.evaluation.flicker import flicker
from harness.evaluation.notes import closeness, notes
from harness.evaluation.score import System, Target, chance_score, score_system
from harness.evaluation.scores import Scores, Settings, SystemScore, TruthFacts, as_csv
from harness.fusion.predictions import predictions
from harness.fusion.stage import distinct_faces, read_index
from harness.stage import StageContext


def run(context: StageContext) -> None:
    """Write scores.json (evaluation.scores.Scores) and scores.csv.

    params {"label_space", "resamples", "seed", "unanswered", "labeler": name, "networks": names} and, for divergences,
    {"reference_distribution": name or frequencies}; inputs {"truth",
    "faces"} and, as far as there are any, "fused" (a fuse artifact), "labels" (pseudo-labels), "pretrained-<k>" and
    "network-<k>" (predict artifacts of the k-th network). Without an annotated frame, coverage, flicker, the
    predicted classes and their divergence from the reference alone are given, and a note.
    """
    space = context.label_space
    given = context.params.get("reference_distribution")
    settings = Settings(
        unanswered=context.params["unanswered"],
        resamples=context.params["resamples"],
        seed=context.params["seed"],
        reference=[] if given is None else list(reference(given, space)),
    )
    index = read_index(context.inputs["faces"])
    target = read_target(context.inputs["truth"] / "truth.parquet", index, space.names)
    face = index["face"].to_numpy()
    found: list[SystemScore] = []
    said = notes(target)
    for system in _systems(context, face, len(space)):
        context.progress(f"scoring {system.name}", len(found), None)
        found.append(score_system(system, target, settings))
        if system.asked is not None and not system.asked.all():
            said.append(f"{system.name} was asked about {system.asked.mean():.1%} of the frames; it is scored on these")
    if len(target.truth):
        found.append(chance_score(target, settings))
    else:
        said.append(closeness(found, settings))
    scores = Scores(
        label_space=space.name,
        classes=list(space.names),
        truth=_facts(target),
        settings=settings,
        notes=said,
        clips=list(target.clips),
        systems=found,
    )
    for note in said:
        context.notice(note)
    (context.folder / "scores.json").write_text(readable_json(scores.model_dump(mode="json")), encoding="utf-8")
    (context.folder / "scores.csv").write_text(as_csv(scores), encoding="utf-8")


def read_scores(folder: Path) -> Scores:
    """The scores of a score artifact."""
    return Scores.model_validate_json((folder / "scores.json").read_bytes())


def read_target(path: Path, index: Any, classes: tuple[str, ...]) -> Target:
    """truth.parquet beside the decoded frames; DataError for a frame annotated twice or a class beyond the space."""
    import pandas as pd

    truth = pd.read_parquet(path)
    repeated = truth[truth.duplicated(["clip", "frame"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(f"the annotations give frame {first['frame']} of clip {first['clip']!r} more than once")
    scored = truth[truth["label"] >= 0]
    if len(scored) and scored["label"].max() >= len(classes):
        raise DataError(f"the annotations hold class id {scored['label'].max()}, but there are {len(classes)} classes")
    frames = pd.DataFrame({"clip": index["clip"].to_pandas().astype("str"), "frame": index["frame"].to_pandas()})
    frames["position"] = np.arange(len(frames))
    joined = scored.astype({"clip": "str"}).merge(frames, on=["clip", "frame"], how="left")
    code, clips = pd.factorize(joined["clip"], sort=True)
    return Target(
        classes=classes,
        clip=index["clip"].to_numpy(zero_copy_only=False),
        time=index["time"].to_numpy(),
        clips=tuple(clips),
        truth=joined["label"].to_numpy(np.int64),
        code=np.asarray(code, np.int64),
        position=joined["position"].fillna(-1).to_numpy(np.int64),
    )


def _facts(target: Target) -> TruthFacts:
    labels = np.full(len(target.clip), -1)
    decoded = target.position >= 0
    labels[target.position[decoded]] = target.truth[decoded]
    return TruthFacts(
        frames=len(target.truth),
        clips=len(target.clips),
        per_class=target.support.tolist(),
        changes_per_second=flicker(target.clip, target.time, labels).per_second,
    )


def _systems(context: StageContext, face: NDArray[np.int64], classes: int) -> Iterator[System]:
    inputs = context.inputs
    faces = distinct_faces(inputs["faces"])
    labeler = (
        _labeler(context.params.get("labeler", "labels"), inputs["labels"], face, faces) if "labels" in inputs else None
    )
    if labeler is not None:
        yield labeler
    for number, name in enumerate(context.params.get("networks", ())):
        for role, phase in (("pretrained", "pre-trained"), ("network", "fine-tuned")):
            folder = inputs.get(f"{role}-{number}")
            if folder is not None:
                yield System(name, "network", _on_frames(_most_probable(folder, faces, classes), face), phase)
    if "fused" in inputs:
        yield from _fused(inputs["fused"], None if context.params.get("networks") else labeler)


def _labeler(name: str, folder: Path, face: NDArray[np.int64], faces: int) -> System:
    """The labels alone: a frame counts as asked if its face was, or if it has no face that could have been."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "labels.parquet", columns=["face", "outcome", "label"])
    outcomes = table["outcome"].to_numpy(zero_copy_only=False)
    identity = table["face"].to_numpy()
    if len(identity) and identity.max() >= faces:
        raise DataError(f"labels.parquet: names face {identity.max()}, but there are {faces} faces; label them again")
    labels, asked = np.full(faces, -1, np.int64), np.zeros(faces, bool)
    labels[identity] = np.where(outcomes == "label", table["label"].to_numpy(), -1)
    asked[identity] = True
    return System(
        name,
        "labeler",
        _on_frames(labels, face),
        asked=(face < 0) | asked[face] if faces else np.ones(len(face), bool),
        outcomes=dict(sorted(collections.Counter(outcomes.tolist()).items())),
    )


def _most_probable(folder: Path, faces: int, classes: int) -> NDArray[np.int64]:
    probabilities = predictions(folder, faces, classes)
    missing = np.asarray(np.isnan(probabilities).any(axis=1), np.bool_)
    return np.where(missing, -1, np.where(missing[:, None], 0, probabilities).argmax(axis=1))


def _on_frames(labels: NDArray[np.int64], face: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(face >= 0, labels[face], -1) if len(labels) else np.full(len(face), -1)


def _fused(folder: Path, labeler: System | None) -> Iterator[System]:
    """The ensemble, unsmoothed and smoothed where that changes a label.

    labeler: of a run without networks, where fusion only smooths its labels.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "decisions.parquet", columns=["label", "unsmoothed"])
    final, before = (table[name].to_numpy().astype(np.int64) for name in ("label", "unsmoothed"))
    smoothed = bool((final != before).any())
    if labeler is not None:
        if smoothed:
            asked = None if labeler.asked is None else labeler.asked | (final >= 0)
            yield System(labeler.name, labeler.role, final, "smoothed", asked)
        return
    if smoothed:
        yield System("ensemble", "ensemble", before, "unsmoothed")
    yield System("ensemble", "ensemble", final, "smoothed" if smoothed else "")
