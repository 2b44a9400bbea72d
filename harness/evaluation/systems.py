"""The systems of a run, read from the artifacts of its stages: the labeler, every network, the ensemble."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.score import System
from harness.fusion.predictions import labelled, matrix, predictions
from harness.fusion.stage import distinct_faces
from harness.stage import StageContext

Labels = NDArray[np.int64]
Rows = NDArray[np.float32]


def systems(context: StageContext, face: Labels, classes: int) -> Iterator[System]:
    """Everything that is to be scored. face (F,): the face of each decoded frame, -1 none."""
    inputs = context.inputs
    faces = distinct_faces(inputs["faces"])
    name = context.params.get("labeler", "labels")
    labeler = _labeler(name, inputs["labels"], face, faces, classes) if "labels" in inputs else None
    if labeler is not None:
        yield labeler
    for number, name in enumerate(context.params.get("networks", ())):
        for role, phase in (("pretrained", "pre-trained"), ("network", "fine-tuned")):
            folder = inputs.get(f"{role}-{number}")
            if folder is not None:
                rows = _whole_rows(predictions(folder, faces, classes), f"{name} ({phase})")
                labels = _on_frames(_most_probable(rows), face)
                yield System(name, "network", labels, phase, probabilities=_rows_on(rows, face))
    if "fused" in inputs:
        alone = None if context.params.get("networks") else labeler
        yield from _fused(inputs["fused"], alone, every_face=context.params.get("faces", "chosen") == "maximum")


def _labeler(name: str, folder: Path, face: Labels, faces: int, classes: int) -> System:
    """The labels alone: a frame counts as asked if its face was, or if it has no face that could have been."""
    import pyarrow.parquet as pq

    path = folder / "labels.parquet"
    known = "probabilities" in pq.read_schema(path).names
    table = pq.read_table(path, columns=["face", "outcome", "label", *(["probabilities"] if known else [])])
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
        probabilities=_soft(_rows_on(labelled(table, path, faces, classes), face)) if known else None,
    )


def _soft(rows: Rows) -> Rows | None:
    """The probabilities of a labeler that knows any: one-hot rows are labels, whose confidence nobody stated."""
    given = rows[~np.isnan(rows).any(axis=1)]
    return rows if ((given > 0) & (given < 1)).any() else None


def _whole_rows(rows: Rows, title: str) -> Rows:
    """A row is probabilities or, of a face that was not predicted, NaN; DataError if one is partly NaN, or all are."""
    missing = np.isnan(rows)
    absent = missing.all(axis=1)
    broken = np.flatnonzero(missing.any(axis=1) & (absent.all() | ~absent))
    if len(broken):
        raise DataError(
            f"{title}: the probabilities of {len(broken)} of {len(rows)} faces are NaN (first: face {broken[0]}); "
            "train it again, with a lower learning rate or in float32"
        )
    return rows


def _most_probable(rows: Rows) -> Labels:
    missing = np.isnan(rows[:, :1])
    return np.where(missing[:, 0], -1, np.where(missing, 0, rows).argmax(axis=1))


def _on_frames(labels: Labels, face: Labels) -> Labels:
    return np.where(face >= 0, labels[face], -1) if len(labels) else np.full(len(face), -1)


def _rows_on(rows: Rows, face: Labels) -> Rows:
    """(faces, C) -> (F, C), NaN where there is no face."""
    if not len(rows):
        return np.full((len(face), rows.shape[1]), np.nan, np.float32)
    return np.where((face >= 0)[:, None], rows[face], np.float32(np.nan))


def _fused(folder: Path, labeler: System | None, *, every_face: bool) -> Iterator[System]:
    """The ensemble, unsmoothed and smoothed where that changes a label; the final state alone has its probabilities.

    labeler: of a run without networks, where fusion only smooths its labels and, with `every_face`, judges a frame by
    the maximum over its faces, which the labeler's own row does not.
    """
    import pyarrow.parquet as pq

    path = folder / "decisions.parquet"
    known = "probabilities" in pq.read_schema(path).names
    table = pq.read_table(path, columns=["label", "unsmoothed", *(["probabilities"] if known else [])])
    final, before = (table[name].to_numpy().astype(np.int64) for name in ("label", "unsmoothed"))
    rows = matrix(table["probabilities"], path) if known else None
    smoothed = bool((final != before).any())
    if labeler is not None:
        if every_face:
            asked = None if labeler.asked is None else labeler.asked | (before >= 0)
            yield System(
                labeler.name, labeler.role, before, "all faces", asked, probabilities=None if smoothed else rows
            )
        if smoothed:
            asked = None if labeler.asked is None else labeler.asked | (final >= 0)
            yield System(labeler.name, labeler.role, final, "smoothed", asked, probabilities=rows)
        return
    if smoothed:
        yield System("ensemble", "ensemble", before, "unsmoothed")
    yield System("ensemble", "ensemble", final, "smoothed" if smoothed else "", probabilities=rows)
