"""The table of one labeler's votes: a row a face, written by the stage `label`, read by `pseudo-label`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.components import Scores
from harness.errors import StageError, StoreError

if TYPE_CHECKING:
    import pandas as pd

FILE = "votes.parquet"


@dataclass(frozen=True)
class VoteTable:
    """Votes of one labeler: frame has the columns face, clip, frame, outcome, label, confidence, explanation.

    probabilities (N, C) float32; a row of NaN has no label.
    """

    labeler: str
    frame: pd.DataFrame
    probabilities: NDArray[np.float32]


def check_scores(labeler: str, scores: Scores, faces: int, classes: int) -> NDArray[np.float32]:
    """The probabilities of N faces (N, C), rows normalised or NaN; StageError if a labeler breaks its contract."""
    probabilities = np.array(scores.probabilities, np.float32)
    if probabilities.shape != (faces, classes):
        raise StageError(
            f"labeler {labeler!r} gave probabilities of shape {probabilities.shape} for {faces} faces and "
            f"{classes} classes; it must give ({faces}, {classes})"
        )
    if scores.explanations is not None and len(scores.explanations) != faces:
        raise StageError(f"labeler {labeler!r} gave {len(scores.explanations)} explanations for {faces} faces")
    given = ~np.isnan(probabilities).any(1)
    sums = probabilities[given].sum(1)
    if (probabilities[given] < 0).any() or not np.allclose(sums, 1, atol=1e-3):
        raise StageError(f"labeler {labeler!r} gave rows that are no probabilities: not >= 0 with a sum of 1")
    probabilities[given] /= sums[:, None]
    probabilities[~given] = np.nan
    return probabilities


def scored(faces: pd.DataFrame, labeler: str, scores: Scores, classes: int) -> VoteTable:
    """The votes that a scorer's or look-up labeler's scores are; faces has the columns face, clip, frame."""
    probabilities = check_scores(labeler, scores, len(faces), classes)
    given = ~np.isnan(probabilities[:, 0])
    filled = np.where(given[:, None], probabilities, 0)
    explanations: Sequence[str] = scores.explanations if scores.explanations is not None else [""] * len(faces)
    frame = faces[["face", "clip", "frame"]].reset_index(drop=True)
    frame["outcome"] = np.where(given, "label", "abstain")
    frame["label"] = np.where(given, filled.argmax(1), -1).astype(np.int16)
    frame["confidence"] = np.where(given, filled.max(1), 0).astype(np.float32)
    frame["explanation"] = list(explanations)
    return VoteTable(labeler, frame, probabilities)


def to_arrow(frame: pd.DataFrame, probabilities: NDArray[np.float32], metadata: dict[str, str]) -> Any:
    """A pyarrow table of the frame's columns and `probabilities` as fixed-size lists, with metadata."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    flat = pa.array(np.ascontiguousarray(probabilities, np.float32).ravel(), pa.float32())
    lists = pa.FixedSizeListArray.from_arrays(flat, probabilities.shape[1])
    return table.append_column("probabilities", lists).replace_schema_metadata(metadata)


def write_votes(folder: Path, votes: VoteTable) -> None:
    """Write votes.parquet into a folder."""
    import pyarrow.parquet as pq

    pq.write_table(to_arrow(votes.frame, votes.probabilities, {"labeler": votes.labeler}), folder / FILE)


def read_votes(folder: Path) -> VoteTable:
    """Read votes.parquet of a folder; StoreError if it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / FILE)
        lists = table["probabilities"].combine_chunks()
        probabilities = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(table), lists.type.list_size)
        metadata = table.schema.metadata or {}
        labeler = metadata.get(b"labeler", b"labeler").decode()
        frame = table.drop_columns(["probabilities"]).to_pandas()
    except (OSError, pa.ArrowException, KeyError, AttributeError) as error:
        raise StoreError(f"votes {folder / FILE} cannot be read: {str(error).splitlines()[0]}; label again") from error
    return VoteTable(labeler, frame, np.array(probabilities, np.float32))
