"""Which action units make up each compound expression, and how many of the observed subjects used the optional ones.

Du, Tao & Martinez, "Compound facial expressions of emotion", PNAS 2014, Table 1. Data of the generator alone: shares
decide which optional units a rendered subject uses, they are never matched against anything here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Prototype:
    """Action units of one expression: those every subject shows, and the share (0 to 1) of subjects with the others."""

    always: tuple[int, ...]
    sometimes: Mapping[int, float]

    def draw(self, random: np.random.Generator) -> tuple[int, ...]:
        """The units one subject uses, in ascending order."""
        drawn = [unit for unit, share in sorted(self.sometimes.items()) if random.random() < share]
        return tuple(sorted((*self.always, *drawn)))


PROTOTYPES: Mapping[str, Prototype] = {
    "Fearfully Surprised": Prototype((1, 2, 5, 20, 25), {4: 0.47, 10: 0.35, 11: 0.22, 26: 0.51}),
    "Happily Surprised": Prototype((1, 2, 12, 25), {5: 0.64, 26: 0.67}),
    "Sadly Surprised": Prototype((1, 4, 25, 26), {2: 0.27, 6: 0.31}),
    "Disgustedly Surprised": Prototype((1, 2, 5, 10), {4: 0.45, 9: 0.37, 17: 0.66, 24: 0.33}),
    "Angrily Surprised": Prototype((4, 25, 26), {5: 0.35, 7: 0.50, 10: 0.34}),
    "Sadly Fearful": Prototype((1, 4, 20, 25), {2: 0.46, 5: 0.24, 6: 0.34, 15: 0.30}),
    "Sadly Angry": Prototype((4, 15), {6: 0.26, 7: 0.48, 11: 0.20, 17: 0.50}),
}
