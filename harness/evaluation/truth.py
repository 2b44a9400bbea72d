"""The annotated frames beside the decoded ones, read from the artifacts: what systems are scored on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import DataError
from harness.evaluation.flicker import flicker
from harness.evaluation.score import Target
from harness.evaluation.scores import TruthFacts

DIGEST = 16  # hexadecimal digits


def read_target(path: Path, index: Any, classes: tuple[str, ...]) -> Target:
    """truth.parquet beside the decoded frames, annotated frames in the order of clips (by name) and frames.

    DataError for a frame annotated twice or a class beyond the space.
    """
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
    joined = joined.sort_values(["clip", "frame"], kind="stable")
    code, clips = pd.factorize(joined["clip"], sort=True)
    return Target(
        classes=classes,
        clip=index["clip"].to_numpy(zero_copy_only=False),
        time=index["time"].to_numpy(),
        clips=tuple(clips),
        truth=joined["label"].to_numpy(np.int64),
        code=np.asarray(code, np.int64),
        position=joined["position"].fillna(-1).to_numpy(np.int64),
        frame=joined["frame"].to_numpy(np.int64),
    )


def facts(target: Target) -> TruthFacts:
    """How many frames of which classes, and how often the annotated class changes."""
    labels = np.full(len(target.clip), -1)
    decoded = target.position >= 0
    labels[target.position[decoded]] = target.truth[decoded]
    return TruthFacts(
        frames=len(target.truth),
        clips=len(target.clips),
        per_class=target.support.tolist(),
        changes_per_second=flicker(target.clip, target.time, labels).per_second,
    )


def items(target: Target) -> list[str]:
    """For each annotated clip a digest of its annotated frames' numbers and the names of their classes: equal where two
    runs were scored on the same frames with the same truth, whatever the order of the classes in their spaces."""
    bounds = np.searchsorted(target.code, np.arange(len(target.clips) + 1))
    found = []
    for number in range(len(target.clips)):
        rows = slice(bounds[number], bounds[number + 1])
        names = "\n".join(target.classes[label] for label in target.truth[rows].tolist())
        content = target.frame[rows].astype("<i8").tobytes() + names.encode()
        found.append(hashlib.sha256(content).hexdigest()[:DIGEST])
    return found


def subjects(clips: Path, target: Target) -> list[str]:
    """Who is seen in each annotated clip, from clips.parquet of a faces artifact; none where every clip is of a subject
    of its own, as data sets say that know no subjects."""
    import pyarrow.parquet as pq

    if not clips.is_file():
        return []
    table = pq.read_table(clips, columns=["clip", "subject"])
    known: dict[str, str] = dict(zip(*(table[name].to_pylist() for name in ("clip", "subject")), strict=True))
    found = [known.get(clip, clip) for clip in target.clips]
    return [] if found == list(target.clips) else found
