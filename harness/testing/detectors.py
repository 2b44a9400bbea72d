"""Do face detectors keep their contract?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.components import FaceDetector, Faces
from harness.testing.expect import expect, expect_array, frozen


def check_face_detector(detector: FaceDetector, frames: Any = None, *, tolerance: float = 1.0) -> None:
    """Frames of several sizes, or yours (N, H, W, 3) RGB uint8 with faces in them, in; sound, repeatable faces out.

    tolerance: how far a box may move, in pixels, when its frame is detected alone instead of in a batch.
    """
    for batch in [frames] if frames is not None else _frames():
        found = detector.detect(frozen(batch))
        _check_faces(found, len(batch))
        again = detector.detect(frozen(batch))
        expect(_largest_move(found, again) == 0, "detect() must find the same faces in the same frames")
        alone = [faces for frame in batch for faces in detector.detect(frozen(frame[None]))]
        moved = _largest_move(found, alone)
        expect(moved <= tolerance, f"faces must not depend on the batch: alone, a box moves by {moved:.3g} px")
    expect(detector.detect(np.zeros((0, 48, 64, 3), np.uint8)) == [], "no frames in must give an empty list")


def _frames() -> list[Any]:
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (2, 120, 161, 3), dtype=np.uint8)
    return [noise, np.zeros((1, 64, 48, 3), np.uint8), np.full((3, 17, 33, 3), 255, np.uint8)]


def _check_faces(found: Sequence[Faces], frames: int) -> None:
    expect(isinstance(found, list), f"detect() must return a list, not {type(found).__name__}")
    expect(len(found) == frames, f"detect() must return one Faces a frame: {frames} frames, {len(found)} answers")
    for faces in found:
        expect(isinstance(faces, Faces), f"each answer must be Faces, not {type(faces).__name__}")
        count = len(faces.boxes)
        expect_array(faces.boxes, "boxes", "float32", (None, 4))
        expect_array(faces.scores, "scores", "float32", (count,))
        expect(np.isfinite(faces.boxes).all(), "boxes must be finite")
        expect((faces.boxes[:, 2:] > faces.boxes[:, :2]).all(), "boxes must be x0 y0 x1 y1 with x0 < x1 and y0 < y1")
        expect(((faces.scores >= 0) & (faces.scores <= 1)).all(), "scores must lie in [0, 1]")
        expect((np.diff(faces.scores) <= 0).all(), "faces must be sorted by score, the best first")
        if faces.landmarks is not None:
            expect_array(faces.landmarks, "landmarks", "float32", (count, 5, 2))
            expect(np.isfinite(faces.landmarks).all(), "landmarks must be finite")


def _largest_move(ones: Sequence[Faces], others: Sequence[Faces]) -> float:
    """The largest difference of a box side in pixels; infinite if the number of faces differs."""
    if [len(one) for one in ones] != [len(other) for other in others]:
        return float("inf")
    moves = [np.abs(one.boxes - other.boxes).max() for one, other in zip(ones, others, strict=True) if len(one)]
    return float(max(moves, default=0.0))
