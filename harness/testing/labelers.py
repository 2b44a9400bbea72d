"""Do local labelers keep their contract?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.components import LookupLabeler, Scorer, Scores
from harness.expressions import LabelSpace
from harness.testing.expect import expect, expect_distributions, frozen

if TYPE_CHECKING:
    import pandas as pd


def check_scorer(scorer: Scorer, label_space: LabelSpace, faces: Any = None, *, tolerance: float = 1e-3) -> None:
    """Crops (N, S, S, 3) RGB uint8, yours or noise, in; probabilities that repeat and do not depend on the batch out.

    tolerance: how far a probability may move when its face is scored alone.
    """
    for batch in [faces] if faces is not None else _faces():
        scores = scorer.score(frozen(batch))
        _check_scores(scores, len(batch), label_space)
        again = scorer.score(frozen(batch))
        same = np.array_equal(scores.probabilities, again.probabilities, equal_nan=True)
        expect(same, "score() must give the same probabilities for the same faces")
        alone = [scorer.score(frozen(face[None])).probabilities[0] for face in batch]
        close = np.allclose(scores.probabilities, np.stack(alone), atol=tolerance, equal_nan=True)
        expect(close, "probabilities must not depend on the batch")
    none = scorer.score(np.zeros((0, 64, 64, 3), np.uint8))
    _check_scores(none, 0, label_space)


def check_lookup_labeler(
    labeler: LookupLabeler, label_space: LabelSpace, frames: pd.DataFrame, truth: pd.DataFrame | None = None
) -> None:
    """frames: clip, frame as `look_up` gets them; truth for a labeler that announces needs_truth."""
    scores = labeler.look_up(frames.copy(), None if truth is None else truth.copy())
    _check_scores(scores, len(frames), label_space)
    again = labeler.look_up(frames.copy(), None if truth is None else truth.copy())
    same = np.array_equal(scores.probabilities, again.probabilities, equal_nan=True)
    expect(same, "look_up() must give the same probabilities for the same frames")


def _faces() -> list[Any]:
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (count, side, side, 3), dtype=np.uint8) for count, side in ((3, 64), (1, 97))]


def _check_scores(scores: Scores, faces: int, label_space: LabelSpace) -> None:
    expect(isinstance(scores, Scores), f"a labeler must return Scores, not {type(scores).__name__}")
    expect_distributions(scores.probabilities, "probabilities", len(label_space))
    rows = len(scores.probabilities)
    expect(rows == faces, f"there must be one row of probabilities a face: {faces} faces, {rows} rows")
    if scores.explanations is not None:
        told = len(scores.explanations)
        expect(told == faces, f"there must be one explanation a face: {faces} faces, {told} explanations")
        expect(all(isinstance(one, str) for one in scores.explanations), "explanations must be texts")
