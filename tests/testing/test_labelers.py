"""The kit finds labelers that break their contract, and says which promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.components import Scores
from harness.expressions import ABAW_COMPOUND_7, Label, LabelSpace
from harness.testing import check_lookup_labeler, check_scorer

PAIR = LabelSpace("pair", (Label("dark"), Label("bright")))


def brightness(faces: Any) -> np.ndarray:
    bright = faces.reshape(len(faces), -1).mean(1) / 255 if len(faces) else np.zeros(0)
    return np.stack([1 - bright, bright], axis=1).astype(np.float32)


class Scorer:
    def __init__(self, make: Callable[[Any], Any] = lambda faces: Scores(brightness(faces))) -> None:
        self.make = make

    def score(self, faces: Any) -> Any:
        return self.make(faces)


class Moody(Scorer):
    calls = 0

    def score(self, faces: Any) -> Scores:
        self.calls += 1
        share = 1 / (1 + self.calls)
        return Scores(np.tile(np.array([share, 1 - share], np.float32), (len(faces), 1)))


def by_batch(faces: Any) -> Scores:
    share = 1 / max(len(faces), 1)
    return Scores(np.tile(np.array([share, 1 - share], np.float32), (len(faces), 1)))


def test_a_sound_scorer_passes() -> None:
    check_scorer(Scorer(), PAIR)
    check_scorer(Scorer(lambda faces: Scores(brightness(faces), ["why"] * len(faces))), PAIR)


def test_abstaining_is_sound() -> None:
    check_scorer(Scorer(lambda faces: Scores(np.full((len(faces), 2), np.nan, np.float32))), PAIR)


@pytest.mark.parametrize(
    ("scorer", "promise"),
    [
        (Scorer(brightness), "must return Scores, not ndarray"),
        (Scorer(lambda faces: Scores(brightness(faces)[:, :1])), r"the shape \(any, 2\), not \(3, 1\)"),
        (Scorer(lambda faces: Scores(brightness(faces)[:1])), "one row of probabilities a face: 3 faces, 1 rows"),
        (Scorer(lambda faces: Scores(brightness(faces), ["why"])), "one explanation a face: 3 faces, 1 explanations"),
        (Scorer(lambda faces: Scores(brightness(faces), [1] * len(faces))), "explanations must be texts"),
        (Moody(), "the same probabilities for the same faces"),
        (Scorer(by_batch), "must not depend on the batch"),
    ],
)
def test_a_broken_promise_is_named(scorer: Scorer, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_scorer(scorer, PAIR)


def test_the_number_of_classes_is_the_label_spaces() -> None:
    with pytest.raises(AssertionError, match=r"the shape \(any, 7\), not \(3, 2\)"):
        check_scorer(Scorer(), ABAW_COMPOUND_7)


class Lookup:
    def __init__(self, repeats: bool = True) -> None:
        self.repeats = repeats
        self.calls = 0

    def look_up(self, frames: pd.DataFrame, truth: pd.DataFrame | None) -> Scores:
        self.calls += 1
        frames["clip"] = "a copy was given"
        chosen = np.zeros(len(frames), int) if truth is None else truth["label"].to_numpy()
        return Scores(np.eye(2, dtype=np.float32)[chosen if self.repeats else (chosen + self.calls) % 2])


def test_lookup_labelers_are_checked_with_and_without_truth() -> None:
    frames = pd.DataFrame({"clip": ["a", "a"], "frame": [0, 1]})
    check_lookup_labeler(Lookup(), PAIR, frames)
    check_lookup_labeler(Lookup(), PAIR, frames, frames.assign(label=[1, 0]))
    assert list(frames["clip"]) == ["a", "a"]
    with pytest.raises(AssertionError, match="the same probabilities for the same frames"):
        check_lookup_labeler(Lookup(repeats=False), PAIR, frames)
