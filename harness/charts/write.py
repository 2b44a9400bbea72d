"""The charts of a run's folder, from the artifacts of its stages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.charts import curves, scores, style, timeline
from harness.evaluation.scores import Scores
from harness.evaluation.stage import read_scores
from harness.fusion.predictions import labelled, matrix, read_labels
from harness.fusion.stage import clip_starts, distinct_faces
from harness.training import histories

MOST_CLIPS = 12


def write_charts(
    folder: Path,
    *,
    classes: Sequence[str],
    faces: Path,
    fused: Path | None = None,
    labels: Path | None = None,
    truth: Path | None = None,
    trainings: Mapping[str, Mapping[str, Path]] | None = None,
    scored: Path | None = None,
    scores_over_seeds: Scores | None = None,
    trained: bool = True,
    most_clips: int | None = MOST_CLIPS,
) -> list[Path]:
    """Write PNG files into `folder` and return their paths; what is not given is left out.

    classes: names in id order. faces, fused, labels, truth, scored: folders of the artifacts of the stages faces,
    fuse, pseudo-label, truth and score, with several seeds of the first; scores_over_seeds: the means. trainings: phase
    ("pre-training", ...) -> network -> train artifact. trained=False: the run has no network, so that fusion only
    smoothed the labels. most_clips: the first so many clips have a chart; None: all.

    systems.png             macro-F1 of every system with intervals
    confusion-<system>.png  of the ensemble and the labeler
    learning-curves.png     training loss and validation macro-F1
    clip-<name>.png         probabilities against time; strips of truth, labels and decisions

    MissingPackage if matplotlib is not installed.
    """
    with style.settings():
        written = _score_charts(folder, scored, scores_over_seeds) if scored is not None else []
        phases = {
            phase: {name: curves.read_history(path / histories.FILE) for name, path in networks.items()}
            for phase, networks in (trainings or {}).items()
            if networks
        }
        if phases:
            written.append(style.save(curves.learning_curves(phases), folder / "learning-curves.png"))
        drawn = None
        for series in _clips(faces, fused, labels, truth, classes, trained, most_clips):
            path = _free(folder, f"clip-{_file_name(series.clip)}", written)
            drawn = timeline.timeline(series, classes, drawn)
            written.append(style.save(drawn, path))
    return written


def _score_charts(folder: Path, scored: Path, means: Scores | None) -> list[Path]:
    found = read_scores(scored)
    if found.chance is None:  # nothing was annotated
        return []
    written = [style.save(scores.systems_chart(means or found), folder / "systems.png")]
    final = {one.role: one for one in found.systems if one.role in ("labeler", "ensemble") and one.macro_f1 is not None}
    for role, score in final.items():
        drawn = scores.confusion_chart(score, found.classes)
        written.append(style.save(drawn, folder / f"confusion-{role}.png"))
    return written


def _clips(
    faces: Path, fused: Path | None, labels: Path | None, truth: Path | None, classes: Sequence[str], trained: bool,
    most: int | None,
) -> Iterator[timeline.Series]:  # fmt: skip
    import pyarrow.parquet as pq

    index = pq.read_table(faces / "index.parquet", columns=["clip", "frame", "time", "face"])
    clip = index["clip"].to_numpy(zero_copy_only=False)
    times = index["time"].to_numpy()
    panels: dict[str, NDArray[np.floating]] = {}
    strips: dict[str, NDArray[np.integer]] = {}
    if truth is not None and (labels_of := _truth(truth, index)) is not None:
        strips["truth"] = labels_of
    if labels is not None:
        panels["labeler"], strips["labeler"] = _labels(labels, index["face"].to_numpy(), distinct_faces(faces), classes)
    if fused is not None:
        panels["ensemble" if trained else "smoothed"], strips["ensemble" if trained else "smoothed"] = _decisions(fused)
    bounds = clip_starts(clip)
    for start, end in zip(bounds[:-1][:most], bounds[1:][:most], strict=True):
        here = slice(start, end)
        yield timeline.Series(
            str(clip[start]),
            times[here],
            {name: rows[here] for name, rows in panels.items()},
            {name: values[here] for name, values in strips.items()},
        )


def _truth(folder: Path, index: Any) -> NDArray[np.int64] | None:
    import pandas as pd

    table = index.select(["clip", "frame"]).to_pandas()
    truth = pd.read_parquet(folder / "truth.parquet").astype({"clip": "str"})
    if not len(truth):
        return None
    joined = table.astype({"clip": "str"}).merge(truth, on=["clip", "frame"], how="left")
    found: NDArray[np.int64] = joined["label"].fillna(-1).to_numpy(np.int64)
    return found


def _labels(
    folder: Path, face: NDArray[np.int64], faces: int, classes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    path = folder / "labels.parquet"
    table = read_labels(path)
    probabilities = labelled(table, path, faces, len(classes))
    labels = np.full(faces, -1, np.int64)
    labels[table["face"].to_numpy()] = table["label"].to_numpy()
    if not faces:
        return np.full((len(face), len(classes)), np.nan, np.float32), np.full(len(face), -1)
    shown = face >= 0
    return (
        np.where(shown[:, None], probabilities[face], np.float32(np.nan)),
        np.where(shown, labels[face], -1),
    )


def _decisions(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    import pyarrow.parquet as pq

    path = folder / "decisions.parquet"
    table = pq.read_table(path, columns=["label", "probabilities"])
    return matrix(table["probabilities"], path), table["label"].to_numpy().astype(np.int64)


def _free(folder: Path, stem: str, taken: Sequence[Path]) -> Path:
    # clips "a/b" and "a b" ask for the same file
    names = itertools.chain([f"{stem}.png"], (f"{stem}-{number}.png" for number in itertools.count(2)))
    return next(folder / name for name in names if folder / name not in taken)


def _file_name(clip: str) -> str:
    return re.sub(r"[^\w.-]+", "-", clip).strip(".-") or "unnamed"
