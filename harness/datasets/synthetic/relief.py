"""The relief of a face: soft hollows that lie in shadow and bulges that catch the light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.datasets.synthetic.geometry import Array, Drawing
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.strokes import Image, disc, fill, line

NEUTRAL = 128  # grey of a relief map that leaves the skin as it is; darker below, lighter above
SIDES = (("L", -1.0), ("R", 1.0))
# Where a raised chin dimples, in face units about its boss.
_DIMPLES = ((-0.12, 0.03), (0.12, 0.03), (-0.05, -0.08), (0.06, -0.06), (0.0, 0.10), (-0.15, -0.09), (0.16, -0.1))


@dataclass(frozen=True)
class Light:
    """Where the light comes from (right, down; -1 to 1) and how hard it is (0 to 1)."""

    right: float
    down: float
    hardness: float


class Relief:
    """A face, its units and its light, in the pixels of a box whose corner lies at `origin` (x, y) of the image.

    `up` and `right` are one face unit along the face's own axes, in pixels.
    """

    def __init__(
        self, drawing: Drawing, who: Identity, units: Mapping[int, float], light: Light, origin: Array
    ) -> None:
        self.who = who
        self.light = light
        self.unit = drawing.unit
        self._drawing = drawing
        self._units = units
        self._origin = origin
        up = drawing.point("crown") - drawing.point("root")
        self.up: Array = up / max(float(np.linalg.norm(up)), 1e-6) * self.unit
        self.right: Array = np.array([-self.up[1], self.up[0]])

    def amount(self, *units: int) -> float:
        """The strongest intensity among the units."""
        return max(self._units.get(unit, 0.0) for unit in units)

    def at(self, name: str) -> Array:
        """(2,) a control point."""
        place: Array = self._drawing.point(name) - self._origin
        return place

    def along(self, name: str) -> Array:
        """(samples, 2) a curve."""
        curve: Array = self._drawing.curve(name) - self._origin
        return curve


def draw_hollows(face: Relief, canvas: Image) -> None:
    """Draw all hollows and bulges, hard-edged: the canvas is to be blurred."""
    for side, sign in SIDES:
        facing = sign * face.light.right * face.light.hardness
        _eye(face, canvas, side, facing)
        disc(canvas, face.at(f"cheek{side}"), 0.20 * face.unit, (136 + 14 * face.amount(6, 12) + 6 * facing,))
        _nose_side(face, canvas, side, facing)
        _mouth_side(face, canvas, side, sign)
    _nose(face, canvas)
    frown = face.amount(4)
    if frown > 0.05:
        fill(canvas, np.array([face.at("brow0L"), face.at("brow0R"), face.at("root")]), (NEUTRAL - 24 * frown,))
    _chin(face, canvas)
    disc(canvas, (face.at("brow1L") + face.at("brow1R")) / 2 + face.up * 0.35, 0.28 * face.unit, (137,))


def _eye(face: Relief, canvas: Image, side: str, facing: float) -> None:
    socket = np.concatenate([face.along(f"brow{side}"), face.along(f"crease{side}")[::-1]])
    fill(canvas, socket, (108 + 8 * facing,))
    corner = [face.at(name) for name in (f"eye_in{side}", f"crease0{side}", f"brow0{side}", "root")]
    fill(canvas, np.array(corner), (104,))
    bag = np.concatenate([face.along(f"lid_low{side}")[:-3], face.along(f"bag{side}")[::-1]])
    fill(canvas, bag, (122 + 8 * face.amount(6, 7),))


def _nose_side(face: Relief, canvas: Image, side: str, facing: float) -> None:
    outer = [face.at(f"{name}{side}") for name in ("bridge_side", "nose_side", "ala_top", "ala", "ala_low")]
    inner = [face.at(name) for name in ("tip", "bridge", "root")]
    fill(canvas, np.array(outer + inner), (110 + 20 * facing,))


def _nose(face: Relief, canvas: Image) -> None:
    line(canvas, np.array([face.at("root"), face.at("bridge"), face.at("tip")]), (146,), 0.10 * face.unit)
    disc(canvas, face.at("tip"), 0.085 * face.unit, (158,))
    lip = [face.at("ala_lowR"), face.at("lip_top2R"), face.at("lip_top2L")]
    below = np.array([face.at("ala_lowL"), face.at("columella") - face.up * 0.02, *lip])
    fill(canvas, below, (112 + 6 * face.light.down,))
    line(canvas, np.array([face.at("columella"), face.at("lip_top0")]), (108,), 0.05 * face.unit)


def _mouth_side(face: Relief, canvas: Image, side: str, sign: float) -> None:
    out = face.right * sign
    pouch = 0.9 * face.amount(9, 10, 12)
    if pouch > 0.05:
        fold = face.along(f"fold{side}")
        fill(canvas, np.concatenate([fold, (fold + out * 0.12)[::-1]]), (NEUTRAL + 16 * pouch,))
        fill(canvas, np.concatenate([fold, (fold - out * 0.07)[::-1]]), (NEUTRAL - 18 * pouch,))
    disc(canvas, face.at(f"corner{side}") + out * 0.07, 0.05 * face.unit, (118 - 12 * face.amount(12, 15, 20, 24),))


def _chin(face: Relief, canvas: Image) -> None:
    line(canvas, face.along("sulcus_line")[2:-2], (112 - 14 * face.amount(17, 24),), 0.06 * face.unit)
    lip = face.at("gap_low0") * 0.45 + face.at("lip_low0") * 0.55
    shine = np.array([lip - face.right * 0.09, lip + face.right * 0.09])
    line(canvas, shine, (158 - 20 * face.amount(24),), 0.05 * face.unit)
    disc(canvas, face.at("boss"), 0.13 * face.unit, (140,))
    raised = face.amount(17)
    if raised > 0.05:
        for right, down in _DIMPLES:
            place = face.at("boss") + face.right * right - face.up * down
            disc(canvas, place, 0.03 * face.unit, (NEUTRAL - 34 * raised,))
