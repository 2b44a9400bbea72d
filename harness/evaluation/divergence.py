"""How far the classes that a system predicts are from known frequencies: a measure that needs no annotation.

Importing this loads no numpy: the configuration checks reference distributions with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.errors import ConfigError
from harness.expressions import LabelSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Frames of each class of C-EXPR-DB, in official order (HSEmotion selects its models by them).
KNOWN: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "c-expr-db": ("abaw-compound-7", (14445, 24915, 10780, 10637, 10535, 10112, 8878)),
}
FLOOR = 1e-6  # share that a class of the reference has at least


def reference(given: str | Sequence[float], space: LabelSpace) -> tuple[float, ...]:
    """A reference distribution as shares (C,) that sum to 1, from the name of a known one or counts in class-id order.

    ConfigError, without the key, for a name or counts that do not fit the label space.
    """
    if isinstance(given, str):
        name, counts = _known(given)
        if name != space.name:
            raise ConfigError(f"{given!r} is over label space {name!r}, not {space.name!r}; give counts in its order")
        given = counts
    if len(given) != len(space):
        raise ConfigError(f"{len(given)} frequencies for the {len(space)} classes of label space {space.name!r}")
    total = math.fsum(given)
    if not all(0 <= one < math.inf for one in given) or not 0 < total < math.inf:
        raise ConfigError("frequencies must be at least 0, finite, and not all 0")
    return tuple(one / total for one in given)


def _known(name: str) -> tuple[str, tuple[int, ...]]:
    if name not in KNOWN:
        raise ConfigError(f"{name!r} is not known; give counts in class-id order (known: {', '.join(sorted(KNOWN))})")
    return KNOWN[name]


def shares(labels: NDArray[np.integer], classes: int) -> list[float]:
    """labels (F,) class ids, -1 none -> share of each class among the frames that have one; empty without any."""
    import numpy as np

    counts = np.bincount(labels[labels >= 0], minlength=classes)
    total = int(counts.sum())
    return (counts / total).tolist() if total else []


def divergence(predicted: Sequence[float], reference: Sequence[float]) -> float:
    """Kullback-Leibler divergence D(predicted || reference) in nats: sum of p ln(p / q); 0 where both are equal.

    predicted, reference: (C,) shares that sum to 1. It is the predictions' surprise to one who expects the reference.
    A class that is never predicted adds nothing. A class of the reference with a share below FLOOR is given that much
    and the whole is normalised, so that predicting it costs much, but not everything.
    """
    floored = [max(one, FLOOR) for one in reference]
    total = math.fsum(floored)
    terms = (p * math.log(p * total / q) for p, q in zip(predicted, floored, strict=True) if p > 0)
    return max(0.0, math.fsum(terms))
