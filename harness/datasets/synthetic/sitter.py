"""Who sits for a picture: the image painted on, the projected face, the person."""

from __future__ import annotations

from dataclasses import dataclass

from harness.datasets.synthetic.geometry import Drawing
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.strokes import Image


@dataclass(frozen=True)
class Sitter:
    """image (H, W, 3) RGB is painted in place; gaze: right and down, in face units."""

    image: Image
    drawing: Drawing
    who: Identity
    gaze: tuple[float, float] = (0.0, 0.0)

    @property
    def unit(self) -> float:
        """Pixels a face unit."""
        return self.drawing.unit
