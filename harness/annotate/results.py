"""What is known of every frame of one video: its face, its label, its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.faces.artifact import read_index
from harness.fusion.predictions import matrix
from harness.labeling.tables import named

if TYPE_CHECKING:
    import pandas as pd

FACE = ("faces_found", "x0", "y0", "x1", "y1", "score")


@dataclass(frozen=True)
class Results:
    """Of the F frames of a video, in order: times (F,) seconds since the first, NaN where not known; statuses (F,)
    detected, copied, cropped or missing; sources (F,) the frame that a face is of, -1 none; boxes (F, 4) x0 y0 x1 y1,
    NaN where there is none; labels (F,) class ids, -1 none; probabilities (F, C), NaN where there are none."""

    times: NDArray[np.float64]
    statuses: Sequence[str]
    sources: NDArray[np.int64]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


def read_results(faces: Path, fused: Path) -> Results:
    """The results in a faces artifact of one clip and a fuse artifact of the same."""
    import pyarrow.parquet as pq

    index = read_index(faces)
    path = fused / "decisions.parquet"
    decisions = pq.read_table(path, columns=["label", "probabilities"])
    return Results(
        index["time"].to_numpy(np.float64),
        index["status"].tolist(),
        index["source_frame"].to_numpy(np.int64),
        index[["x0", "y0", "x1", "y1"]].to_numpy(np.float32),
        decisions["label"].to_numpy().astype(np.int64),
        matrix(decisions["probabilities"], path),
    )


def results_table(faces: Path, fused: Path, names: Sequence[str]) -> pd.DataFrame:
    """A row a frame, for people: frame, time, status, the face's box and score, label, confidence, unsmoothed label,
    and the probability of each class."""
    table = named(fused / "decisions.parquet", names).drop(columns=["clip", "face"])
    index = read_index(faces)
    for place, name in enumerate(FACE, start=list(table.columns).index("status") + 1):
        table.insert(place, name, index[name].to_numpy().round(2))
    return table
