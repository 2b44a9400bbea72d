"""The most frequent wrong decisions, and frames that show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.report.frames import TRUTH, Answers

MOST_PAIRS, MOST_EXAMPLES = 6, 6
MOST_OF_A_CLIP = 3  # neighbouring frames show the same face with the same look


@dataclass(frozen=True)
class Confused:
    """Frames of one class that were decided to be another: how many, in how many clips, and some of their positions."""

    true: int
    predicted: int
    frames: int
    clips: int
    examples: tuple[int, ...]


def worst(answers: Answers, classes: int) -> list[Confused]:
    """The pairs (true, decided) that most frames are confused in, most first; examples as far apart as they go.

    A frame whose face is a copy of another's shows nothing new, so each face is an example once; frames without a face
    are none.
    """
    truth = answers.rows.get(TRUTH)
    if truth is None:
        return []
    decided = answers.rows[answers.final]
    wrong = np.flatnonzero((truth >= 0) & (decided >= 0) & (truth != decided))
    code = truth[wrong].astype(np.int64) * classes + decided[wrong]
    counts = np.bincount(code, minlength=classes * classes)
    pairs = np.argsort(-counts, kind="stable")[:MOST_PAIRS]
    return [_confused(answers, wrong[code == one], divmod(one, classes)) for one in pairs.tolist() if counts[one]]


def _confused(answers: Answers, frames: NDArray[np.int64], pair: tuple[int, int]) -> Confused:
    clips = np.unique(np.searchsorted(answers.bounds, frames, side="right"))
    shown = frames[answers.face[frames] >= 0]
    _, first = np.unique(answers.face[shown], return_index=True)
    distinct = shown[np.sort(first)]
    clip = np.searchsorted(answers.bounds, distinct, side="right")
    few = [_spread(distinct[clip == one], MOST_OF_A_CLIP) for one in clips.tolist()]
    examples = _spread(np.concatenate(few), MOST_EXAMPLES)
    return Confused(*pair, len(frames), len(clips), tuple(examples.tolist()))


def _spread(positions: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).round().astype(np.int64)]
