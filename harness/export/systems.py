"""The labels that a system of a finished run gave to every decoded frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.expressions import LabelSpace
from harness.fusion.predictions import predictions
from harness.media.paths import natural_key

if TYPE_CHECKING:
    import pandas as pd

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """A table of a run, a row a frame or a face: clip, frame (0-based), face (id), label (class id); -1: none."""

    clips: Sequence[str]
    frames: NDArray[np.int64]
    faces: NDArray[np.int64]
    labels: Labels

    @classmethod
    def of(cls, table: pd.DataFrame, space: LabelSpace) -> Rows:
        """The rows of predictions.csv or labels.csv; DataError for a label that is not in the label space."""
        names: list[str] = table["label"].tolist()
        known = {name: space.id_of(name) if name else -1 for name in set(names)}
        return cls(
            table["clip"].tolist(),
            table["frame"].to_numpy(np.int64),
            table["face"].to_numpy(np.int64),
            np.array([known[name] for name in names], np.int64),
        )

    def by_clip(self, labels: Labels) -> dict[str, Labels]:
        """labels (F,) of these rows -> clip -> (F,) in frame order, clips in natural order.

        DataError if a clip's frames are not 0, 1, 2, ...
        """
        order = np.argsort(self.frames, kind="stable")
        places: dict[str, list[int]] = {}
        for place in order.tolist():
            places.setdefault(self.clips[place], []).append(place)
        found: dict[str, Labels] = {}
        for clip in sorted(places, key=natural_key):
            here = places[clip]
            if (self.frames[here] != np.arange(len(here))).any():
                raise DataError(
                    f"the run's predictions of clip {clip} do not number its frames 0, 1, 2, ...; run again"
                )
            found[clip] = labels[here]
        return found


def labelled(rows: Rows, labels: Rows) -> Labels:
    """(F,) class ids that the labeler gave to the face of each frame, -1 for none or where it was not asked.

    rows: of predictions.csv; labels: of labels.csv.
    """
    of_face = dict(zip(labels.faces.tolist(), labels.labels.tolist(), strict=True))
    return np.array([of_face.get(face, -1) for face in rows.faces.tolist()], np.int64)


def predicted(rows: Rows, artifact: Path, classes: int) -> Labels:
    """(F,) class ids that a network found most probable for the face of each frame, -1 where there is no face.

    artifact: folder of a predict artifact.
    """
    faces = len(np.load(artifact / "probabilities.npy", mmap_mode="r", allow_pickle=False))
    probabilities = predictions(artifact, faces, classes)
    if len(rows.faces) and rows.faces.max() >= faces:
        raise DataError(f"the run's predictions name face {rows.faces.max()}, its networks saw {faces}; run it again")
    missing = np.asarray(np.isnan(probabilities).any(axis=1), np.bool_)
    best = np.where(missing, -1, np.nan_to_num(probabilities).argmax(axis=1))
    return np.where(rows.faces >= 0, best[np.maximum(rows.faces, 0)], -1).astype(np.int64)
