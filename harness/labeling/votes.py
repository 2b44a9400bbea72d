"""The votes of one labeler: a row a face and voter, written by the stage `label`, read by `pseudo-label`.

A scorer is one voter, named like the labeler; a vision-language model has one voter a prompt and repetition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
NUMBERS: Mapping[str, type[np.generic]] = {
    "face": np.int64, "frame": np.int32, "label": np.int16, "confidence": np.float32,
}  # fmt: skip
COLUMNS = ("face", "clip", "frame", "voter", "outcome", "label", "confidence", "explanation")


@dataclass(frozen=True)
class VoteTable:
    """Votes of one voter: frame has the columns face, clip, frame, outcome, label, confidence, explanation.

    voter is the labeler itself or one of its prompts and repetitions. probabilities (N, C) float32; a row of NaN has
    no label. hard: the rows are one-hot because the voter knows no probabilities.
    """

    labeler: str
    voter: str
    frame: pd.DataFrame
    probabilities: NDArray[np.float32]
    hard: bool = False


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
    """The votes that a scorer's or look-up labeler's scores are; faces has the columns face, clip, frame.

    They are hard if every row is one-hot, as replayed labels are.
    """
    probabilities = check_scores(labeler, scores, len(faces), classes)
    given = ~np.isnan(probabilities[:, 0])
    filled = np.where(given[:, None], probabilities, 0)
    explanations: Sequence[str] = scores.explanations if scores.explanations is not None else [""] * len(faces)
    frame = faces[["face", "clip", "frame"]].reset_index(drop=True)
    frame["outcome"] = np.where(given, "label", "abstain")
    frame["label"] = np.where(given, filled.argmax(1), -1).astype(np.int16)
    frame["confidence"] = np.where(given, filled.max(1), 0).astype(np.float32)
    frame["explanation"] = list(explanations)
    return VoteTable(labeler, labeler, frame, probabilities, bool((filled[given].max(1) == 1).all()))


def write_votes(folder: Path, tables: Sequence[VoteTable]) -> None:
    """Write the votes of one labeler's voters, in the order that breaks ties, as votes.parquet into a folder."""
    columns = {
        name: np.concatenate([table.frame[name].to_numpy() for table in tables]) for name in COLUMNS if name != "voter"
    }
    columns["voter"] = np.repeat([table.voter for table in tables], [len(table.frame) for table in tables])
    write_vote_columns(
        folder,
        tables[0].labeler,
        [table.voter for table in tables],
        [table.hard for table in tables],
        columns,
        np.concatenate([table.probabilities for table in tables]),
    )


def write_vote_columns(
    folder: Path,
    labeler: str,
    voters: Sequence[str],
    hard: Sequence[bool],
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    probabilities: NDArray[np.floating],
) -> None:
    """Write votes.parquet from plain columns, the rows of all voters in any order, without importing pandas.

    voters: their names in the order that breaks ties, hard: one flag each; columns: COLUMNS, each of length N, voter
    by name; probabilities (N, C). ValueError if a row's voter is not among the voters or the lengths differ.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.labeling.columns import lists, numbers, texts

    unknown = set(map(str, columns["voter"])) - set(voters)
    if unknown or len(hard) != len(voters) or len(set(voters)) != len(voters):
        raise ValueError(f"voters {list(voters)} with {len(hard)} flags, but rows of {sorted(unknown) or 'known ones'}")
    arrays = {
        name: numbers(columns[name], NUMBERS[name]) if name in NUMBERS else texts(columns[name]) for name in COLUMNS
    }
    arrays["probabilities"] = lists(probabilities)
    metadata = {"labeler": labeler, "voters": json.dumps(list(voters)), "hard": json.dumps([bool(one) for one in hard])}
    table = pa.Table.from_arrays(list(arrays.values()), names=list(arrays)).replace_schema_metadata(metadata)
    pq.write_table(table, folder / FILE)


def read_votes(folder: Path) -> list[VoteTable]:
    """The voters of a folder's votes.parquet in their order; StoreError if it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(folder / FILE)
        return list(_by_voter(table))
    except (OSError, pa.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise StoreError(f"votes {folder / FILE} cannot be read: {str(error).splitlines()[0]}; label again") from error


def _by_voter(table: Any) -> Iterator[VoteTable]:
    column = table["probabilities"].combine_chunks()
    probabilities = column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), column.type.list_size)
    metadata = table.schema.metadata
    labeler, voters, hard = (metadata[name] for name in (b"labeler", b"voters", b"hard"))
    frame = table.drop_columns(["probabilities"]).to_pandas()
    for voter, is_hard in zip(json.loads(voters), json.loads(hard), strict=True):
        rows = np.flatnonzero(frame["voter"].to_numpy() == voter)
        own = frame.iloc[rows].drop(columns="voter").reset_index(drop=True)
        if own["face"].duplicated().any():
            raise ValueError(f"voter {voter!r} has two votes on one face")
        yield VoteTable(labeler.decode(), voter, own, np.array(probabilities[rows], np.float32), is_hard)
