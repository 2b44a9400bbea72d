"""Confusion counts per clip: all that metrics and their intervals need to know of a system's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

Integers = NDArray[np.integer]
Policy = Literal["wrong", "excluded"]
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Counts:
    """confusion (K, C, C) int64, frames per clip, true class and predicted class; unanswered (K, C) int64, per clip and
    true class, frames without a prediction."""

    confusion: NDArray[np.int64]
    unanswered: NDArray[np.int64]

    @property
    def frames(self) -> int:
        """Scored frames, answered or not."""
        return int(self.confusion.sum() + self.unanswered.sum())

    @property
    def coverage(self) -> float | None:
        """Share of the scored frames that have a prediction; None without a frame."""
        return float(self.confusion.sum()) / self.frames if self.frames else None

    def present(self) -> Counts:
        """The clips that have a scored frame."""
        kept = (self.confusion.sum(axis=(1, 2)) + self.unanswered.sum(axis=1)) > 0
        return Counts(self.confusion[kept], self.unanswered[kept])

    def sums(self, policy: Policy = "wrong") -> NDArray[np.int64]:
        """(K, 3, C): per clip and class the hits, the frames of the class, the frames predicted as the class.

        policy "wrong": a frame without a prediction counts among the frames of its class, so it is missed;
        "excluded": it does not count at all.
        """
        hits = np.diagonal(self.confusion, axis1=1, axis2=2)
        support = self.confusion.sum(axis=2) + (self.unanswered if policy == "wrong" else 0)
        return np.stack([hits, support, self.confusion.sum(axis=1)], axis=1)

    def triples(self) -> list[list[Triple]]:
        """Per clip the (true class, predicted class or -1, frames) that occur: the counts as short JSON."""
        whole = np.concatenate([self.unanswered[:, :, None], self.confusion], axis=2)
        found: list[list[Triple]] = [[] for _ in whole]
        for clip, true, predicted in np.argwhere(whole).tolist():
            found[clip].append((true, predicted - 1, int(whole[clip, true, predicted])))
        return found

    @classmethod
    def from_triples(cls, triples: Sequence[Sequence[Triple]], classes: int) -> Counts:
        """The counts that `triples` wrote."""
        whole = np.zeros((len(triples), classes, classes + 1), np.int64)
        for clip, rows in enumerate(triples):
            for true, predicted, frames in rows:
                whole[clip, true, predicted + 1] += frames
        return cls(whole[:, :, 1:], whole[:, :, 0])


def count(clips: Integers, truth: Integers, predicted: Integers, number_of_clips: int, classes: int) -> Counts:
    """Count F frames. clips (F,) in [0, K), truth (F,) and predicted (F,) class ids; -1 is no prediction.

    Frames with a truth of -1 (annotated as none of the space, or not at all) are left out. DataError for class ids
    beyond the space.
    """
    for name, ids in (("truth", truth), ("prediction", predicted)):
        if len(ids) and not -1 <= ids.min() <= ids.max() < classes:
            raise DataError(
                f"{name}: class id {ids.max() if ids.max() >= classes else ids.min()} is not one of {classes}"
            )
    scored = truth >= 0
    code = (clips[scored].astype(np.int64) * classes + truth[scored]) * (classes + 1) + predicted[scored] + 1
    shape = (number_of_clips, classes, classes + 1)
    whole = np.bincount(code, minlength=number_of_clips * classes * (classes + 1)).reshape(shape)
    return Counts(whole[:, :, 1:], whole[:, :, 0])
