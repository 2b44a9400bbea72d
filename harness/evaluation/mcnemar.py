"""McNemar's test of two systems' accuracy, from what became of every frame (evaluation.correctness).

It takes frames as independent. Frames of one clip are not, so that its p is too small: evidence by courtesy only, for
the sake of comparison with what others report. The permutation test of accuracy over clips is the one to believe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED
from harness.evaluation.counts import Policy

EXACT = 100  # frames on which the systems differ, up to which the binomial distribution is summed


@dataclass(frozen=True)
class McNemar:
    """first_only, second_only: frames that one of the two alone has right, of `frames` that both were asked about."""

    first_only: int
    second_only: int
    frames: int
    p: float


def mcnemar(first: NDArray[np.integer], second: NDArray[np.integer], policy: Policy = "wrong") -> McNemar:
    """Compare codes (M,) of the same frames in the same order; DataError for other numbers of frames.

    With up to 100 frames on which they differ the exact binomial test, else chi-square with Edwards' continuity
    correction, (|b - c| - 1)^2 / (b + c). policy "excluded": frames that either left unanswered do not count.
    """
    if first.shape != second.shape:
        raise DataError(
            f"correctness of {len(first)} and of {len(second)} frames: McNemar's test needs the same frames"
        )
    both = (first != NOT_ASKED) & (second != NOT_ASKED)
    if policy == "excluded":
        both &= (first != UNANSWERED) & (second != UNANSWERED)
    one, other = (first == RIGHT) & both, (second == RIGHT) & both
    alone = int((one & ~other).sum()), int((other & ~one).sum())
    return McNemar(*alone, int(both.sum()), p_value(*alone))


def p_value(first_only: int, second_only: int) -> float:
    """Two-sided p of as many frames that one alone, and the other alone, has right."""
    differ, fewer = first_only + second_only, min(first_only, second_only)
    if differ <= EXACT:
        ways = sum(math.comb(differ, number) for number in range(fewer + 1))
        return min(1.0, float(2 * ways / 2**differ))
    size = max(abs(first_only - second_only) - 1, 0)
    return math.erfc(math.sqrt(size * size / differ / 2))
