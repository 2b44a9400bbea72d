"""Light and shadow on a painted face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.datasets.synthetic.geometry import Drawing
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.paint import Image


@dataclass(frozen=True)
class Light:
    """Where the light comes from (right, down; -1 to 1), how hard it is (0 to 1) and its colour."""

    right: float
    down: float
    hardness: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


def shade(image: Image, drawing: Drawing, who: Identity, units: Mapping[int, float], light: Light) -> Image:
    """The image (H, W, 3) with light on the face."""
    return image
