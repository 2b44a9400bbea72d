"""Label flicker: how often the predicted label changes from one frame of a clip to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Flicker:
    """changes between `pairs` of neighbouring answered frames that span `seconds` (None if times are not known)."""

    changes: int
    pairs: int
    seconds: float | None

    @property
    def per_second(self) -> float | None:
        """Changes a second; None where no time passes or times are not known."""
        return self.changes / self.seconds if self.seconds else None

    @property
    def share(self) -> float | None:
        """Share of the neighbouring frames whose labels differ; None without such frames."""
        return self.changes / self.pairs if self.pairs else None


def flicker(clips: NDArray[Any], times: NDArray[np.float64], labels: NDArray[np.integer]) -> Flicker:
    """clips (F,), frames of a clip together and in order; times (F,) seconds or NaN; labels (F,) class ids, -1 none.

    A change counts between two neighbouring frames of one clip that both have a label.
    """
    pairs = (clips[1:] == clips[:-1]) & (labels[1:] >= 0) & (labels[:-1] >= 0)
    changes = int((pairs & (labels[1:] != labels[:-1])).sum())
    steps = np.diff(times)[pairs]
    seconds = None if np.isnan(steps).any() else float(steps.sum())
    return Flicker(changes, int(pairs.sum()), seconds)
