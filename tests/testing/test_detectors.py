"""The kit finds face detectors that break their contract, and says which promise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.components import Faces
from harness.testing import check_face_detector


def two_faces(frame: Any) -> Faces:
    boxes = np.array([[0, 0, 10, 10], [2, 2, 8, 8]], np.float32)
    return Faces(boxes, np.array([0.9, 0.5], np.float32), np.ones((2, 5, 2), np.float32))


class Detector:
    def __init__(self, find: Callable[[Any], Any] = two_faces) -> None:
        self.find = find

    def detect(self, frames: Any) -> Any:
        return [self.find(frame) for frame in frames]


class Tuples(Detector):
    def detect(self, frames: Any) -> Any:
        return tuple(super().detect(frames))


class FirstOnly(Detector):
    def detect(self, frames: Any) -> Any:
        return super().detect(frames[:1])


class Moody(Detector):
    calls = 0

    def detect(self, frames: Any) -> Any:
        self.calls += 1
        boxes = np.array([[0, 0, 10 + self.calls, 10]], np.float32)
        return [Faces(boxes, np.array([0.9], np.float32)) for _ in frames]


class Counting(Detector):
    """As many faces as frames in the batch."""

    def detect(self, frames: Any) -> Any:
        one = two_faces(None)
        return [Faces(one.boxes[: len(frames)], one.scores[: len(frames)]) for _ in frames]


class NeverEmpty(Detector):
    def detect(self, frames: Any) -> Any:
        return super().detect(frames) or None


def change(**values: Any) -> Detector:
    return Detector(lambda frame: dataclasses.replace(two_faces(frame), **values))


def test_a_sound_detector_passes() -> None:
    check_face_detector(Detector())
    check_face_detector(Detector(), np.zeros((2, 20, 30, 3), np.uint8))


def test_a_detector_without_landmarks_or_faces_passes() -> None:
    check_face_detector(change(landmarks=None))
    check_face_detector(Detector(lambda _: Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))))


@pytest.mark.parametrize(
    ("detector", "promise"),
    [
        (Tuples(), "must return a list, not tuple"),
        (FirstOnly(), "one Faces a frame: 2 frames, 1 answers"),
        (Detector(lambda frame: two_faces(frame).boxes), "each answer must be Faces, not ndarray"),
        (change(boxes=np.zeros((2, 5), np.float32)), r"boxes must have the shape \(any, 4\), not \(2, 5\)"),
        (change(boxes=np.zeros((2, 4))), "boxes must be float32, not float64"),
        (change(boxes=np.full((2, 4), np.nan, np.float32)), "boxes must be finite"),
        (change(boxes=np.array([[5, 5, 1, 1]] * 2, np.float32)), "x0 < x1 and y0 < y1"),
        (change(scores=np.ones(1, np.float32)), r"scores must have the shape \(2\), not \(1,\)"),
        (change(scores=np.array([2, 1], np.float32)), r"scores must lie in \[0, 1\]"),
        (change(scores=np.array([0.1, 0.9], np.float32)), "sorted by score, the best first"),
        (change(landmarks=np.zeros((2, 3, 2), np.float32)), r"landmarks must have the shape \(2, 5, 2\)"),
        (change(landmarks=np.full((2, 5, 2), np.inf, np.float32)), "landmarks must be finite"),
        (Moody(), "the same faces in the same frames"),
        (Counting(), "must not depend on the batch: alone, a box moves by inf px"),
        (NeverEmpty(), "no frames in must give an empty list"),
    ],
)
def test_a_broken_promise_is_named(detector: Detector, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_face_detector(detector)
