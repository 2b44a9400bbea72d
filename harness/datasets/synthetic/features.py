"""Paints the features that carry an expression: eyes, brows, nose, mouth."""

from __future__ import annotations

import cv2
import numpy as np

from harness.datasets.synthetic.geometry import Array
from harness.datasets.synthetic.sitter import Sitter
from harness.datasets.synthetic.strokes import Image, darker, disc, fill, inset, line, mix, tapered


def paint_nose(sitter: Sitter) -> None:
    """Nostrils and wings; the rest of the nose is light and shadow."""
    drawing, unit, skin = sitter.drawing, sitter.unit, sitter.who.skin
    dark = mix(darker(skin, 0.42), (60, 20, 18), 0.3)
    for side in "LR":
        nostril, low = drawing.point(f"nostril{side}"), drawing.point(f"ala_low{side}")
        path = np.linspace(nostril + (drawing.point("columella") - nostril) * 0.3, nostril + (low - nostril) * 0.55, 5)
        fill(sitter.image, tapered(path, unit * np.array([0.012, 0.026, 0.032, 0.028, 0.012])), dark)
        wing = drawing.curve(f"ala_line{side}")[3:]
        fill(sitter.image, tapered(wing, unit * np.linspace(0.004, 0.013, len(wing))), darker(skin, 0.66))


def paint_eye(sitter: Sitter, side: str) -> None:
    """Eyeball between the lids, lashes, lid fold."""
    drawing, unit, who = sitter.drawing, sitter.unit, sitter.who
    upper, lower = drawing.curve(f"lid_up{side}"), drawing.curve(f"lid_low{side}")
    iris = drawing.point(f"iris{side}") + np.array(sitter.gaze) * unit

    def ball(patch: Image, corner: Array) -> None:
        patch[:] = mix((238, 234, 230), who.skin, 0.10)
        centre = iris - corner
        disc(patch, centre, 0.108 * unit, darker(who.iris, 0.55))
        disc(patch, centre, 0.092 * unit, who.iris)
        disc(patch, centre, 0.046 * unit, (12, 10, 10))
        disc(patch, centre + np.array([0.03, -0.035]) * unit, 0.020 * unit, (250, 250, 250))
        shaded = patch.copy()
        lid_shadow = np.concatenate([upper, (upper + np.array([0, 0.028 * unit]))[::-1]]) - corner
        fill(shaded, lid_shadow, darker(who.skin, 0.5))
        cv2.addWeighted(patch, 0.55, shaded, 0.45, 0, patch)

    inset(sitter.image, np.concatenate([upper, lower[::-1]]), ball)
    swell = np.sin(np.linspace(0.12, np.pi * 0.93, len(upper)))
    lash = mix(darker(who.skin, 0.3), (24, 16, 14), 0.75)
    fill(sitter.image, tapered(upper, unit * (0.007 + 0.015 * swell * who.lashes), -0.010 * unit * swell), lash)
    line(sitter.image, lower, darker(who.skin, 0.62), 0.012 * unit)
    crease = drawing.curve(f"crease{side}")
    weight = np.sin(np.linspace(0.15, np.pi * 0.9, len(crease)))
    fill(sitter.image, tapered(crease, unit * 0.009 * weight), darker(who.skin, 0.62))


def paint_brow(sitter: Sitter, side: str) -> None:
    """A brow that is full at its inner half and thin at its tail."""
    path = sitter.drawing.curve(f"brow{side}")
    along = np.linspace(0, 1, len(path))
    fullness = (0.75 + 0.55 * np.sin(np.pi * (along * 0.75 + 0.12))) * (1 - along**3 * 0.75)
    half = 0.037 * sitter.unit * sitter.who.brow_thickness * fullness
    fill(sitter.image, tapered(path, half), mix(sitter.who.skin, sitter.who.brow, 0.82))


def paint_mouth(sitter: Sitter) -> None:
    """Lips, and behind them teeth, tongue and dark."""
    drawing, unit, who = sitter.drawing, sitter.unit, sitter.who
    top, low = drawing.curve("lip_top"), drawing.curve("lip_low")
    gap_top, gap_low = drawing.curve("gap_top"), drawing.curve("gap_low")
    gap_low = np.stack([gap_low[:, 0], np.maximum(gap_low[:, 1], gap_top[:, 1])], 1)
    corners = drawing.point("cornerL"), drawing.point("cornerR")
    fill(sitter.image, np.concatenate([top, [corners[1]], gap_top[::-1], [corners[0]]]), darker(who.lips, 0.86))
    fill(sitter.image, np.concatenate([low, [corners[1]], gap_low[::-1], [corners[0]]]), who.lips)
    hole = np.concatenate([gap_top, gap_low[::-1]])
    opening = float((gap_low[:, 1] - gap_top[:, 1]).max()) / unit
    if opening > 0.012:
        _inside(sitter, hole, opening)
    seam = np.concatenate([[corners[0]], gap_top, [corners[1]]])
    edge = darker(mix(who.lips, (60, 16, 20), 0.6), 0.6)
    widths = unit * (0.010 if opening < 0.012 else 0.006) * (0.6 + np.sin(np.linspace(0.1, np.pi - 0.1, len(seam))))
    fill(sitter.image, tapered(seam, widths), edge)
    for point in corners:
        disc(sitter.image, point, 0.016 * unit, darker(mix(who.lips, who.skin, 0.5), 0.6))


def _inside(sitter: Sitter, hole: Array, opening: float) -> None:
    drawing, unit = sitter.drawing, sitter.unit
    columella = drawing.point("columella")
    down = drawing.point("sulcus") - columella
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    across = np.array([down[1], -down[0]]) * 0.25 * unit

    def cavity(patch: Image, corner: Array) -> None:
        patch[:] = (58, 18, 20)
        if opening > 0.14:  # the tongue lies on the floor of an open mouth
            disc(patch, drawing.point("gap_low0") - corner + down * 0.06 * unit, 0.17 * unit, (150, 66, 66))
        # the upper teeth belong to the skull: they hang at a fixed distance from the nose
        edge = columella + down * 0.355 * unit - corner
        roof = edge - down * 0.3 * unit
        fill(patch, np.array([edge - across, edge + across, roof + across, roof - across]), (232, 226, 214))

    inset(sitter.image, hole, cavity)
