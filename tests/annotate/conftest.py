"""Results made up for a video of a few frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.annotate.results import Results

NAMES = ("Happily Surprised", "Sadly Angry", "Fearfully Surprised", "Sadly Fearful")


def make_results(frames: int = 3, **changes: Any) -> Results:
    values: dict[str, Any] = {
        "times": np.arange(frames) / 25,
        "statuses": ["detected"] * frames,
        "sources": np.arange(frames),
        "boxes": np.tile(np.array([300, 100, 420, 260], np.float32), (frames, 1)),
        "labels": np.zeros(frames, np.int64),
        "probabilities": np.tile(np.array([0.6, 0.25, 0.1, 0.05], np.float32), (frames, 1)),
    }
    return Results(**{**values, **changes})


@pytest.fixture
def results() -> Callable[..., Results]:
    """results(frames, **changes): every frame detected, class 0 of four at 60%."""
    return make_results


@pytest.fixture
def names() -> tuple[str, ...]:
    return NAMES


@pytest.fixture
def grey() -> np.ndarray:
    """A frame of 640 x 360."""
    return np.full((360, 640, 3), 120, np.uint8)
