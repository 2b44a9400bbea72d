"""The stage `fuse`: the voters of each distinct face, one decision; each clip's, gaps filled and smoothed over time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.components import Decisions, Votes
from harness.errors import ConfigError, DataError
from harness.fusion.gaps import closest_label, interpolate
from harness.fusion.options import Smoothing
from harness.fusion.predictions import predictions
from harness.fusion.smoothing import kernel, relabel, smooth
from harness.stage import StageContext

INDEX = ("clip", "frame", "time", "face", "status")


def run(context: StageContext) -> None:
    """Write decisions.parquet: one row a frame of the faces artifact's index, in its order.

    params {"aggregator", "smoothing", "gaps", "voters": names in order, "label_space"}; inputs {"faces", "voter-0",
    ...}. With the param {"faces": "maximum"} a frame is judged by all its faces, see `maximum`: inputs {"others-0",
    ...}; where the voters are labelers, the param "labels" is the aggregator that makes them one.
    Columns: clip, frame, time, face, status as in the index; label int16 (-1 none), confidence float32, probabilities
    fixed-size list of C float32 (NaN where none), unsmoothed int16 (the label before gaps were filled and smoothed).
    """
    settings = Smoothing.read(context.params.get("smoothing", {}))
    index = read_index(context.inputs["faces"])
    votes, item = _votes(context, index)
    frames = _spread(_aggregate(context, votes), item)
    context.progress("smoothing", 0, None)
    bounds = clip_starts(index["clip"].to_numpy(zero_copy_only=False))
    filled = _fill(frames, bounds, index["face"].to_numpy() < 0, context.params.get("gaps", "leave"))
    final = _smooth(filled, bounds, settings)
    _write(context.folder / "decisions.parquet", index, final, frames.labels)


def read_index(folder: Path) -> Any:
    """clip, frame, time, face and status of every frame, as an Arrow table."""
    import pyarrow.parquet as pq

    return pq.read_table(folder / "index.parquet", columns=list(INDEX)).combine_chunks()


def distinct_faces(folder: Path) -> int:
    """Number of distinct faces of a faces artifact."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(folder / "crops.parquet").num_rows)


def clip_starts(clips: NDArray[Any]) -> NDArray[np.int64]:
    """clips (F,), frames of one clip together -> the bounds of the clips: (clips + 1,) positions from 0 to F."""
    changes = np.flatnonzero(clips[1:] != clips[:-1]) + 1
    return np.concatenate([[0], changes, [len(clips)]]) if len(clips) else np.zeros(1, np.int64)


def _votes(context: StageContext, index: Any) -> tuple[Votes, NDArray[np.int64]]:
    """The votes on all items, and the item of each frame (-1 none): a distinct face, with its company if wanted."""
    faces = distinct_faces(context.inputs["faces"])
    if context.params.get("faces", "chosen") == "maximum":
        from harness.fusion.maximum import read_company, votes_over_faces

        company = read_company(context.inputs["faces"], index, faces)
        return votes_over_faces(context, company), company.item
    voters = tuple(context.params["voters"])
    classes = len(context.label_space)
    if not voters:
        raise DataError("nothing to fuse: no voter is configured")
    votes = np.empty((len(voters), faces, classes), np.float32)
    for number, name in enumerate(voters):
        context.progress(f"reading {name}", number, len(voters))
        try:
            votes[number] = predictions(context.inputs[f"voter-{number}"], faces, classes)
        except DataError as error:
            raise DataError(f"voter {name!r}: {error}") from error
    return Votes(votes, voters), index["face"].to_numpy()


def _aggregate(context: StageContext, votes: Votes) -> Decisions:
    _, faces, classes = votes.probabilities.shape
    aggregator = context.build("aggregators", context.params["aggregator"])
    decided: Decisions = aggregator.aggregate(votes)
    if decided.labels.shape != (faces,) or decided.probabilities.shape != (faces, classes):
        raise DataError(
            f"aggregator {context.params['aggregator']['use']!r} returned labels of shape {decided.labels.shape} and "
            f"probabilities of shape {decided.probabilities.shape} for {faces} faces and {classes} classes"
        )
    return decided


def _spread(decided: Decisions, item: NDArray[np.int64]) -> Decisions:
    """Decisions of items -> decisions of frames; a frame without a face has none."""
    if not len(decided.labels):
        return Decisions(
            np.full(len(item), -1), np.full((len(item), decided.probabilities.shape[1]), np.nan, np.float32)
        )
    shown = item >= 0
    labels = np.where(shown, decided.labels[item], -1)
    return Decisions(labels, np.where(shown[:, None], decided.probabilities[item], np.float32(np.nan)))


def _fill(frames: Decisions, bounds: NDArray[np.int64], faceless: NDArray[np.bool_], gaps: str) -> Decisions:
    """Decisions for the frames without a face, if they are to be interpolated; faces that nobody voted on stay so."""
    if gaps not in ("leave", "interpolate"):
        raise ConfigError(f"fusion.gaps = {gaps!r} is not known; choose leave or interpolate")
    if gaps == "leave" or not faceless.any():
        return frames
    labels, probabilities = frames.labels.copy(), frames.probabilities.copy()
    for start, end in itertools.pairwise(bounds):
        clip, gap = slice(start, end), faceless[start:end]
        probabilities[clip] = interpolate(frames.probabilities[clip], gap)
        found = relabel(probabilities[clip], closest_label(frames.labels[clip]))
        labels[clip] = np.where(gap, found, frames.labels[clip])
    return Decisions(labels, probabilities)


def _smooth(frames: Decisions, bounds: NDArray[np.int64], settings: Smoothing) -> Decisions:
    if settings.kind == "none":
        return frames
    weights = kernel(settings)
    labels, probabilities = frames.labels.copy(), frames.probabilities.copy()
    for start, end in itertools.pairwise(bounds):
        smoothed = smooth(frames.probabilities[start:end], weights, settings.fill)
        labels[start:end] = relabel(smoothed, frames.labels[start:end])
        probabilities[start:end] = smoothed
    return Decisions(labels, probabilities)


def _write(path: Path, index: Any, final: Decisions, unsmoothed: NDArray[np.int64]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pa.array(np.ascontiguousarray(final.probabilities, np.float32).ravel())
    columns = {
        "label": pa.array(final.labels.astype(np.int16)),
        "confidence": pa.array(final.confidence),
        "probabilities": pa.FixedSizeListArray.from_arrays(flat, final.probabilities.shape[1]),
        "unsmoothed": pa.array(unsmoothed.astype(np.int16)),
    }
    for name, column in columns.items():
        index = index.append_column(name, column)
    pq.write_table(index, path, compression="zstd")
