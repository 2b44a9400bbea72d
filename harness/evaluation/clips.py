"""Scores of clips instead of frames: each clip is one item, of the class that most of its annotated frames have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.counts import Counts


def of_clips(counts: Counts) -> Counts:
    """Counts per clip, of frames -> counts per clip with the clip as the one item; clips without a frame keep none.

    A clip's true class is that of most of its scored frames, answered or not; its predicted class the one that most of
    its answered frames have, and none if no frame is answered. Of classes with equally many frames the one of the
    lowest id is taken, for truth and predictions alike: nobody gains by it.
    """
    truth = counts.confusion.sum(axis=2) + counts.unanswered
    predicted = counts.confusion.sum(axis=1)
    clip = np.flatnonzero(truth.sum(axis=1))
    answered = predicted[clip].sum(axis=1) > 0
    true, guess = truth[clip].argmax(axis=1), predicted[clip].argmax(axis=1)
    confusion: NDArray[np.int64] = np.zeros_like(counts.confusion)
    unanswered: NDArray[np.int64] = np.zeros_like(counts.unanswered)
    confusion[clip[answered], true[answered], guess[answered]] = 1
    unanswered[clip[~answered], true[~answered]] = 1
    return Counts(confusion, unanswered)
