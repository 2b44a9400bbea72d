"""Paints a person from back to front: flat colours with clean edges; soft light comes from `shading` afterwards."""

from __future__ import annotations

from harness.datasets.synthetic.features import paint_brow, paint_eye, paint_mouth, paint_nose
from harness.datasets.synthetic.head import (
    paint_beard,
    paint_body,
    paint_glasses,
    paint_hair,
    paint_hair_behind,
    paint_skin,
)
from harness.datasets.synthetic.sitter import Sitter


def paint(sitter: Sitter) -> None:
    """Paint everything of a person onto the sitter's image."""
    paint_hair_behind(sitter)
    paint_body(sitter)
    paint_skin(sitter)
    paint_beard(sitter)
    paint_nose(sitter)
    for side in "LR":
        paint_eye(sitter, side)
        paint_brow(sitter, side)
    paint_mouth(sitter)
    paint_hair(sitter)
    paint_glasses(sitter)
