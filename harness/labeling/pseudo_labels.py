"""The stage `pseudo-label`: the votes of all labelers become one label a face; a threshold says which are believed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.components import OUTCOMES
from harness.documents import readable_json, write_atomically
from harness.errors import DataError, StageError, listed
from harness.expressions import LabelSpace
from harness.labeling.belief import Belief, belief
from harness.labeling.combine import Combined, combined
from harness.labeling.votes import read_votes
from harness.stage import StageContext

if TYPE_CHECKING:
    import pandas as pd

FILE = "labels.parquet"
SUMMARY = "asking.json"  # what language models were asked, one entry a labeler, for the record
COLUMNS = [
    "face", "clip", "frame", "outcome", "label", "confidence", "confident", "voters", "agreeing", "explanation",
]  # fmt: skip


def run(context: StageContext) -> None:
    """Stage `pseudo-label`: params {"label_space", "aggregator", "confidence", "threshold"}; inputs {"votes-0", ...}.

    Writes labels.parquet: face, clip, frame, outcome, label, confidence, confident, voters (asked of this face),
    agreeing (of them, those that say the label), explanation, probabilities; one row a face that any voter was asked
    of, in order of face ids. The votes of a single voter pass without the aggregator. DataError if no label reaches the
    threshold, unless the param "keep_all" is true: then labels are wanted for themselves.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.labeling.columns import lists

    space = context.label_space
    tables = [table for folder in _in_order(context.inputs) for table in read_votes(folder)]
    if any(table.probabilities.shape[1] != len(space) for table in tables):
        raise StageError(f"votes are not over the {len(space)} classes of label space {space.name!r}; label again")
    votes = combined(tables, lambda: context.build("aggregators", context.params["aggregator"]))
    believed = belief(votes, context.params.get("confidence", "auto"), context.params.get("threshold"))
    frame = votes.frame.assign(confidence=believed.confidence, confident=believed.confident)
    if not context.params.get("keep_all"):
        _check(frame, votes, believed)
    _report(context, frame, votes, believed, space)
    table = pa.Table.from_pandas(frame[COLUMNS], preserve_index=False)
    table = table.append_column("probabilities", lists(votes.probabilities))
    metadata = {"label_space": space.name, "confidence": believed.rule, "threshold": str(believed.threshold)}
    pq.write_table(table.replace_schema_metadata(metadata), context.folder / FILE)
    summaries = [folder / SUMMARY for folder in _in_order(context.inputs)]
    asked = [json.loads(path.read_text(encoding="utf-8")) for path in summaries if path.is_file()]
    if asked:
        write_atomically(context.folder / SUMMARY, readable_json(asked))


def _in_order(inputs: Mapping[str, Path]) -> list[Path]:
    """The folders of votes-0, votes-1, ... by their numbers."""
    matches = ((re.fullmatch(r"votes-(\d+)", name), folder) for name, folder in inputs.items())
    numbered = {int(found[1]): folder for found, folder in matches if found}
    if not numbered:
        raise StageError("pseudo-labels need at least one labeler's votes")
    return [numbered[number] for number in sorted(numbered)]


def _check(frame: pd.DataFrame, votes: Combined, believed: Belief) -> None:
    """DataError if there is no label to believe: what there was instead, by which rule, and what to do."""
    if believed.confident.any():
        return
    labelled = votes.labelled
    if not labelled.any():
        counts = ", ".join(f"{name} {count}" for name, count in frame["outcome"].value_counts().items())
        raise DataError(
            f"none of {len(frame)} faces got a label ({counts}); choose another labeler or look at its votes"
        )
    best = int(np.argmax(np.where(labelled, believed.confidence, -1)))
    automatic = " (automatic)" if believed.automatic else ""
    raise DataError(
        f"no pseudo-label is left: of {int(labelled.sum())} labels none reaches labeling.threshold "
        f"{believed.threshold:g}{automatic}, the highest confidence is {believed.confidence[best]:.3f} "
        f"({_meaning(believed, votes, best)}); lower labeling.threshold or choose another labeler"
    )


def _meaning(believed: Belief, votes: Combined, face: int) -> str:
    if believed.rule == "agreement":
        return f"agreement: {votes.agreeing[face]} of {votes.asked[face]} voters"
    return "the probability of the label"


def _report(context: StageContext, frame: pd.DataFrame, votes: Combined, believed: Belief, space: LabelSpace) -> None:
    """Notices for faces without a label, labels that voters disagree on, and classes that no believed label reaches."""
    counts = frame["outcome"].value_counts()
    missing = [f"{outcome} {counts[outcome]}" for outcome in OUTCOMES if outcome != "label" and counts.get(outcome, 0)]
    if missing:
        context.notice(
            f"{int(frame['outcome'].ne('label').sum())} of {len(frame)} faces have no label: {', '.join(missing)}"
        )
    labelled, kept = int(votes.labelled.sum()), int(believed.confident.sum())
    needed = _needed(votes.asked, believed.threshold)
    if believed.rule == "agreement" and kept < labelled:
        context.notice(f"{kept} of {labelled} labels are believed: {needed} say the same")
    reached = set(frame["label"].to_numpy()[believed.confident].tolist())
    absent = [name for class_id, name in enumerate(space.names) if class_id not in reached]
    if absent:
        rule = f"of confidence {believed.threshold:g} or more"
        if believed.rule == "agreement":
            rule = f"that {needed} agree on"
        context.notice(f"no pseudo-label {rule} reaches: {listed(absent, len(absent))}")


def _needed(asked: NDArray[np.int16], threshold: float) -> str:
    """ "2 of 2 voters", or a share where not every face had the same number of voters."""
    most = int(asked.max())
    if most != asked.min():
        return f"{threshold:.0%} of the voters"
    # the small step back: 0.7 of 10 is 7, although 0.7 * 10 is a little more in floating point
    fewest = max(1, int(np.ceil(threshold * most - 1e-6)))
    return f"{fewest} of {most} voters"
