"""What every voter said of every face, side by side, and what follows from it: counts, agreement, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.components import OUTCOMES
from harness.evaluation.agreement import Pair, krippendorff_alpha, pairwise
from harness.labeling.review.found import Found

NOT_ASKED = ""
NOT_ANNOTATED = -2


@dataclass(frozen=True)
class Judged:
    """N faces, V voters of one or more labelers.

    face, clip, frame (N,)   labels (V, N) class ids, -1 for none   outcomes (V, N) names, "" where not asked
    labeler (V,) position of each voter's labeler in `labelers`
    decided (N,) class ids of the labels made from the votes, -1 for none; outcome (N,), confidence (N,) of them
    truth (N,) class ids, -1 for none of the classes, -2 where not annotated
    """

    names: tuple[str, ...]
    labelers: tuple[str, ...]
    voters: tuple[str, ...]
    labeler: NDArray[np.int64]
    face: NDArray[np.int64]
    clip: NDArray[np.object_]
    frame: NDArray[np.int64]
    labels: NDArray[np.int16]
    outcomes: NDArray[np.object_]
    decided: NDArray[np.int16]
    outcome: NDArray[np.object_]
    confidence: NDArray[np.float32]
    truth: NDArray[np.int16]

    @property
    def disagree(self) -> NDArray[np.bool_]:
        """(N,) whether two voters named different classes."""
        most = self.labels.max(0)
        least = np.where(self.labels < 0, np.int16(32767), self.labels).min(0)
        return np.asarray((most >= 0) & (least != most))

    def counts(self) -> list[tuple[str, list[int]]]:
        """(class or outcome, faces a voter) of every class, then of every outcome without a label that occurs."""
        classes = [(name, [int(n) for n in (self.labels == one).sum(1)]) for one, name in enumerate(self.names)]
        others = [(name, [int(n) for n in (self.outcomes == name).sum(1)]) for name in OUTCOMES[1:]]
        return [*classes, *((name, row) for name, row in others if any(row))]

    def decided_counts(self) -> dict[str, int]:
        """Class or outcome -> faces, of the labels made from the votes."""
        found = {name: int((self.decided == one).sum()) for one, name in enumerate(self.names)}
        return found | {name: int((self.outcome == name).sum()) for name in OUTCOMES[1:]}

    def agreement(self) -> tuple[list[Pair], float]:
        """Every two voters, and Krippendorff's alpha of all of them."""
        return pairwise(self.voters, self.labels, len(self.names)), krippendorff_alpha(self.labels)

    def agreement_of_labelers(self) -> tuple[list[Pair], float]:
        """Likewise of the labelers, each by the class that most of its voters name (none in a tie)."""
        of_each = [_plurality(self.labels[self.labeler == one], len(self.names)) for one in range(len(self.labelers))]
        rows = np.stack(of_each)
        return pairwise(self.labelers, rows, len(self.names)), krippendorff_alpha(rows)

    def confusion(self) -> NDArray[np.int64]:
        """(C, C + 1) faces annotated with a class (rows) by their label (columns; the last: none)."""
        classes = len(self.names)
        table = np.zeros((classes, classes + 1), np.int64)
        known = self.truth >= 0
        np.add.at(table, (self.truth[known], np.where(self.decided[known] < 0, classes, self.decided[known])), 1)
        return table

    def accuracies(self) -> list[tuple[int, int]]:
        """Of each voter: (right labels, labels) among the faces annotated with a class."""
        known = (self.truth >= 0) & (self.labels >= 0)
        right = known & (self.labels == self.truth)
        return [(int(a), int(b)) for a, b in zip(right.sum(1), known.sum(1), strict=True)]


def judged(found: Found) -> Judged:
    """Read the artifacts of a labelling."""
    import pandas as pd

    from harness.labeling.combine import voter_names
    from harness.labeling.votes import read_votes

    tables = [(number, table) for number, folder in enumerate(found.votes.values()) for table in read_votes(folder)]
    places = pd.concat([table.frame[["face", "clip", "frame"]] for _, table in tables]).drop_duplicates("face")
    places = places.sort_values("face").reset_index(drop=True)
    face = places["face"].to_numpy(np.int64)
    labels = np.full((len(tables), len(face)), -1, np.int16)
    outcomes = np.full((len(tables), len(face)), NOT_ASKED, object)
    for row, (_, table) in enumerate(tables):
        at = np.searchsorted(face, table.frame["face"].to_numpy())
        labels[row, at], outcomes[row, at] = table.frame["label"], table.frame["outcome"]
    decided, outcome, confidence = _decided(found, face, labels, outcomes)
    return Judged(
        names=found.space.names,
        labelers=tuple(found.votes),
        voters=voter_names([table for _, table in tables]),
        labeler=np.array([number for number, _ in tables]),
        face=face,
        clip=places["clip"].to_numpy(object),
        frame=places["frame"].to_numpy(np.int64),
        labels=labels,
        outcomes=outcomes,
        decided=decided,
        outcome=outcome,
        confidence=confidence,
        truth=_truth(found, places["clip"].tolist(), places["frame"].tolist()),
    )


def _decided(
    found: Found, face: NDArray[np.int64], labels: NDArray[np.int16], outcomes: NDArray[np.object_]
) -> tuple[NDArray[np.int16], NDArray[np.object_], NDArray[np.float32]]:
    """Label, outcome and confidence of each face; without a table of labels those that most voters name."""
    if found.labels is None:
        decided = _plurality(labels, len(found.space))
        asked = np.maximum((outcomes != NOT_ASKED).sum(0), 1)
        share = ((labels == decided) & (labels >= 0)).sum(0) / asked
        return decided, np.where(decided >= 0, "label", outcomes[0]).astype(object), share.astype(np.float32)
    import pandas as pd

    table = pd.read_parquet(found.labels / "labels.parquet", columns=["face", "label", "outcome", "confidence"])
    table = table.set_index("face").loc[face]
    return (
        table["label"].to_numpy(np.int16),
        table["outcome"].to_numpy(object),
        table["confidence"].to_numpy(np.float32),
    )


def _truth(found: Found, clips: Sequence[str], frames: Sequence[int]) -> NDArray[np.int16]:
    if found.truth is None:
        return np.full(len(clips), NOT_ANNOTATED, np.int16)
    import pandas as pd

    table = pd.read_parquet(found.truth / "truth.parquet")
    known = dict(zip(zip(table["clip"], table["frame"], strict=True), table["label"], strict=True))
    return np.array([known.get(place, NOT_ANNOTATED) for place in zip(clips, frames, strict=True)], np.int16)


def _plurality(labels: NDArray[np.int16], classes: int) -> NDArray[np.int16]:
    """The class that most of V voters (V, N) name of each face, -1 for none or a tie."""
    counts = np.stack([(labels == one).sum(0) for one in range(classes)])
    most = counts.max(0)
    alone = (counts == most).sum(0) == 1
    return np.where((most > 0) & alone, counts.argmax(0), -1).astype(np.int16)
