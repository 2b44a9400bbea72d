"""The most frequent wrong decisions, and the frames that show them."""

from __future__ import annotations

import numpy as np

from harness.report.confusions import MOST_EXAMPLES, MOST_OF_A_CLIP, MOST_PAIRS, worst
from harness.report.frames import NONE, UNKNOWN, Answers


def answers(truth, decided, face=None, bounds=None):
    frames = len(truth)
    rows = {"truth": np.array(truth, np.int16), "fused": np.array(decided, np.int16)}
    bounds = np.array([0, frames] if bounds is None else bounds)
    return Answers(
        tuple("abcdefgh"[: len(bounds) - 1]), bounds, np.arange(frames) / 25,
        np.arange(frames) if face is None else np.array(face), rows, "fused",
    )  # fmt: skip


def test_pairs_come_by_their_frames_and_right_or_missing_answers_are_none():
    found = worst(answers([0, 0, 0, 1, 1, 2, NONE, UNKNOWN], [1, 1, 0, 0, NONE, 2, 1, 1]), 3)
    assert [(one.true, one.predicted, one.frames, one.clips) for one in found] == [(0, 1, 2, 1), (1, 0, 1, 1)]
    assert found[0].examples == (0, 1)


def test_a_copied_face_is_shown_once_and_a_missing_one_never():
    found = worst(answers([0] * 5, [1] * 5, face=[4, 4, -1, 5, 5]), 2)
    assert (found[0].frames, found[0].examples) == (5, (0, 3))


def test_examples_are_spread_over_clips_and_within_them():
    found = worst(answers([0] * 100, [1] * 100, bounds=[0, 90, 95, 100]), 2)
    examples = found[0].examples
    assert len(examples) == MOST_EXAMPLES
    assert {np.searchsorted([90, 95], one, side="right") for one in examples} == {0, 1, 2}
    alone = worst(answers([0] * 100, [1] * 100), 2)[0].examples
    assert len(alone) == MOST_OF_A_CLIP
    assert (alone[0], alone[-1]) == (0, 99)


def test_only_the_worst_pairs_are_told():
    truth = np.repeat(np.arange(5), 5)
    decided = np.tile(np.arange(5), 5)
    assert len(worst(answers(truth, decided), 5)) == MOST_PAIRS


def test_without_annotations_nothing_is_wrong():
    given = answers([0], [1])
    given.rows.pop("truth")
    assert worst(given, 2) == []
