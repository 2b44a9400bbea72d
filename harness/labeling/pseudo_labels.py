"""The stage `pseudo-label`: the labelers' votes become one label a face, and a threshold says which to believe."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.components import OUTCOMES, Votes
from harness.errors import DataError, StageError, listed
from harness.expressions import LabelSpace
from harness.labeling.votes import VoteTable, read_votes
from harness.stage import StageContext

if TYPE_CHECKING:
    import pandas as pd

FILE = "labels.parquet"


def run(context: StageContext) -> None:
    """Stage `pseudo-label`: params {"label_space", "aggregator", "threshold"}; inputs {"votes-0", "votes-1", ...}.

    Writes labels.parquet: face, clip, frame, outcome, label, confidence, probabilities, confident, explanation; one
    row a face that any labeler was asked for, in order of face ids. The one vote of a single labeler passes unchanged.
    DataError if no label reaches the threshold.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.labeling.columns import lists

    space = context.label_space
    tables = [table for folder in _in_order(context.inputs) for table in read_votes(folder)]
    if any(table.probabilities.shape[1] != len(space) for table in tables):
        raise StageError(f"votes are not over the {len(space)} classes of label space {space.name!r}; label again")
    frame, probabilities = (tables[0].frame, tables[0].probabilities) if len(tables) == 1 else _fused(context, tables)
    threshold = float(context.params["threshold"])
    labelled = frame["outcome"].to_numpy() == "label"
    confident = labelled & (frame["confidence"].to_numpy() >= threshold)
    if not confident.any():
        raise DataError(_nothing_left(frame, labelled, threshold))
    _report(context, frame, confident, threshold, space)
    columns = ["face", "clip", "frame", "outcome", "label", "confidence", "confident", "explanation"]
    frame = frame.assign(confident=confident)[columns]
    table = pa.Table.from_pandas(frame, preserve_index=False).append_column("probabilities", lists(probabilities))
    pq.write_table(table.replace_schema_metadata({"label_space": space.name}), context.folder / FILE)


def _in_order(inputs: Mapping[str, Path]) -> list[Path]:
    """The folders of votes-0, votes-1, ... by their numbers."""
    matches = ((re.fullmatch(r"votes-(\d+)", name), folder) for name, folder in inputs.items())
    numbered = {int(found[1]): folder for found, folder in matches if found}
    if not numbered:
        raise StageError("pseudo-labels need at least one labeler's votes")
    return [numbered[number] for number in sorted(numbered)]


def _fused(context: StageContext, tables: Sequence[VoteTable]) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Votes of several labelers, decided by the aggregator: the table without `confident`, and (N, C) probabilities."""
    import pandas as pd

    faces = pd.concat([table.frame[["face", "clip", "frame"]] for table in tables])
    faces = faces.drop_duplicates("face").sort_values("face").reset_index(drop=True)
    rows = [np.searchsorted(faces["face"].to_numpy(), table.frame["face"].to_numpy()) for table in tables]
    stacked = np.full((len(tables), len(faces), len(context.label_space)), np.nan, np.float32)
    for voter, (table, at) in enumerate(zip(tables, rows, strict=True)):
        stacked[voter, at] = table.probabilities
    names = _voters(tables)
    decisions = context.build("aggregators", context.params["aggregator"]).aggregate(Votes(stacked, names))
    labelled = decisions.labels >= 0
    outcomes, explanations = _outcomes_and_reasons(tables, rows, len(faces), names)
    frame = faces.assign(
        outcome=np.where(labelled, "label", outcomes),
        label=decisions.labels.astype(np.int16),
        confidence=decisions.confidence,
        explanation=explanations,
    )
    return frame, np.asarray(decisions.probabilities, np.float32)


def _voters(tables: Sequence[VoteTable]) -> tuple[str, ...]:
    """The voters' names; a name that comes again gets a number ("facs", "facs-2")."""
    names: list[str] = []
    for table in tables:
        choices = itertools.chain([table.voter], (f"{table.voter}-{number}" for number in itertools.count(2)))
        names.append(next(name for name in choices if name not in names))
    return tuple(names)


def _outcomes_and_reasons(
    tables: Sequence[VoteTable], rows: Sequence[NDArray[np.intp]], faces: int, names: Sequence[str]
) -> tuple[NDArray[np.str_], list[str]]:
    """Of each face the first labeler's outcome that is no label ("abstain" if there is none), and all explanations."""
    outcomes = np.full(faces, "", dtype="U20")
    reasons: list[list[str]] = [[] for _ in range(faces)]
    for name, table, at in zip(names, tables, rows, strict=True):
        for row, outcome, reason in zip(at, table.frame["outcome"], table.frame["explanation"], strict=True):
            if outcome != "label" and not outcomes[row]:
                outcomes[row] = outcome
            if reason:
                reasons[row].append(f"{name}: {reason}")
    outcomes[outcomes == ""] = "abstain"
    return outcomes, ["; ".join(parts) for parts in reasons]


def _report(
    context: StageContext, frame: pd.DataFrame, confident: NDArray[np.bool_], threshold: float, space: LabelSpace
) -> None:
    """Notices for faces without a label and for classes that no confident label reaches."""
    counts = frame["outcome"].value_counts()
    missing = [f"{outcome} {counts[outcome]}" for outcome in OUTCOMES if outcome != "label" and counts.get(outcome, 0)]
    if missing:
        context.notice(
            f"{int(frame['outcome'].ne('label').sum())} of {len(frame)} faces have no label: {', '.join(missing)}"
        )
    reached = set(frame["label"].to_numpy()[confident].tolist())
    absent = [name for class_id, name in enumerate(space.names) if class_id not in reached]
    if absent:
        context.notice(f"no pseudo-label of confidence {threshold:g} or more reaches: {listed(absent, len(absent))}")


def _nothing_left(frame: pd.DataFrame, labelled: NDArray[np.bool_], threshold: float) -> str:
    if not labelled.any():
        counts = ", ".join(f"{name} {count}" for name, count in frame["outcome"].value_counts().items())
        return f"none of {len(frame)} faces got a label ({counts}); choose another labeler or look at its votes"
    highest = float(frame["confidence"].to_numpy()[labelled].max())
    return (
        f"no pseudo-label is left: of {int(labelled.sum())} labels none reaches labeling.threshold {threshold:g}, "
        f"the highest confidence is {highest:.3f}; lower labeling.threshold or choose another labeler"
    )
