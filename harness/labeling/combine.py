"""Voters side by side, and what the aggregator makes of them: one label and its probabilities a face."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.components import Aggregator, Votes
from harness.labeling.votes import VoteTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Combined:
    """One row a face that any voter was asked of, in order of face ids.

    frame          face, clip, frame, outcome, label (-1 none), voters, agreeing, explanation
    probabilities  (N, C) float32 of the aggregator; rows of NaN without a label
    labels         (V, N) int16: what each voter said itself, -1 for no label or not asked
    hard           no voter knows probabilities: all votes are one-hot
    """

    frame: pd.DataFrame
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int16]
    hard: bool

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(N,) whether a face has a label."""
        return np.asarray(self.frame["outcome"].to_numpy() == "label")

    @property
    def asked(self) -> NDArray[np.int16]:
        """(N,) number of voters that were asked of a face, whatever they answered."""
        return np.asarray(self.frame["voters"].to_numpy())

    @property
    def agreeing(self) -> NDArray[np.int16]:
        """(N,) of them, those whose own label is the decision."""
        return np.asarray(self.frame["agreeing"].to_numpy())


def voter_names(tables: Sequence[VoteTable]) -> tuple[str, ...]:
    """The voters' names; a name that comes again gets a number ("facs", "facs-2")."""
    return numbered(table.voter for table in tables)


def numbered(wanted: Iterable[str]) -> tuple[str, ...]:
    """The names, each once: one that comes again gets a number."""
    names: list[str] = []
    for one in wanted:
        choices = itertools.chain([one], (f"{one}-{number}" for number in itertools.count(2)))
        names.append(next(name for name in choices if name not in names))
    return tuple(names)


def combined(tables: Sequence[VoteTable], aggregator: Callable[[], Aggregator]) -> Combined:
    """The votes of one or more voters; the aggregator is built if there are several, and passes one as it is."""
    import pandas as pd

    faces = pd.concat([table.frame[["face", "clip", "frame"]] for table in tables])
    faces = faces.drop_duplicates("face").sort_values("face").reset_index(drop=True)
    rows = [np.searchsorted(faces["face"].to_numpy(), table.frame["face"].to_numpy()) for table in tables]
    stacked = np.full((len(tables), len(faces), tables[0].probabilities.shape[1]), np.nan, np.float32)
    labels = np.full((len(tables), len(faces)), -1, np.int16)
    asked = np.zeros(len(faces), np.int16)
    for voter, (table, at) in enumerate(zip(tables, rows, strict=True)):
        stacked[voter, at] = table.probabilities
        labels[voter, at] = table.frame["label"].to_numpy()
        asked[at] += 1
    names = voter_names(tables)
    if len(tables) == 1:
        decided, probabilities = labels[0].astype(np.int64), stacked[0]
    else:
        decisions = aggregator().aggregate(Votes(stacked, names))
        decided, probabilities = decisions.labels, np.asarray(decisions.probabilities, np.float32)
    outcomes, explanations = _outcomes_and_reasons(tables, rows, len(faces), names)
    frame = faces.assign(
        outcome=np.where(decided >= 0, "label", outcomes),
        label=decided.astype(np.int16),
        voters=asked,
        agreeing=((labels == decided) & (labels >= 0)).sum(0).astype(np.int16),
        explanation=explanations,
    )
    return Combined(frame, probabilities, labels, all(table.hard for table in tables))


def _outcomes_and_reasons(
    tables: Sequence[VoteTable], rows: Sequence[NDArray[np.intp]], faces: int, names: Sequence[str]
) -> tuple[NDArray[np.str_], list[str]]:
    """Of each face the first voter's outcome that is no label ("abstain" if there is none), and all explanations.

    With several voters an explanation begins with the voter's name.
    """
    outcomes = np.full(faces, "", dtype="U20")
    reasons: list[list[str]] = [[] for _ in range(faces)]
    for name, table, at in zip(names, tables, rows, strict=True):
        before = f"{name}: " if len(names) > 1 else ""
        for row, outcome, reason in zip(at, table.frame["outcome"], table.frame["explanation"], strict=True):
            if outcome != "label" and not outcomes[row]:
                outcomes[row] = outcome
            if reason:
                reasons[row].append(f"{before}{reason}")
    outcomes[outcomes == ""] = "abstain"
    return outcomes, ["; ".join(parts) for parts in reasons]
