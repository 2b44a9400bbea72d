"""Light and shadow on a painted face: the form of the head, soft hollows and bulges, fine folds of the skin.

Three maps are drawn around the face and multiplied onto it. Most of what an action unit does to the skin, as opposed to
the position of a feature, is here: wrinkles, furrows, pouches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.geometry import Array, Drawing
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.paint import Image, disc, fill, line

Map = NDArray[np.float32]
_NEUTRAL = 128  # of a map in uint8: darkens below, lightens above


@dataclass(frozen=True)
class Light:
    """Where the light comes from (right, down; -1 to 1), how hard it is (0 to 1) and its colour."""

    right: float
    down: float
    hardness: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Relief:
    """The maps of one face, in a box of the image whose corner is `origin` (x, y)."""

    def __init__(self, drawing: Drawing, who: Identity, units: Mapping[int, float], light: Light) -> None:
        self.drawing = drawing
        self.who = who
        self.light = light
        self.unit = drawing.unit
        self._units = units
        up = drawing.point("crown") - drawing.point("root")
        self.up = up / max(float(np.linalg.norm(up)), 1e-6) * self.unit
        self.right = np.array([-self.up[1], self.up[0]])

    def amount(self, *units: int) -> float:
        """The strongest intensity among the units."""
        return max(self._units.get(unit, 0.0) for unit in units)

    def form(self, width: int, height: int, origin: Array) -> Map:
        """(height, width): Lambert's light on an ellipsoid of the head's size."""
        middle = (self.drawing.point("zygomaL") + self.drawing.point("zygomaR") + self.drawing.point("root") * 2) / 4
        x = ((np.arange(width) + 0.5 + origin[0] - middle[0]) / (1.22 * self.unit))[None]
        y = ((np.arange(height) + 0.5 + origin[1] - middle[1] - 0.1 * self.unit) / (1.85 * self.unit))[:, None]
        away = np.clip(x**2 + y**2, 0, 0.98)
        depth = np.sqrt(1 - away)
        direction = np.array([self.light.right, self.light.down, 1.1])
        direction /= np.linalg.norm(direction)
        lit = np.clip(x * direction[0] + y * direction[1] + depth * direction[2], 0, 1)
        hardness = 0.25 + 0.45 * self.light.hardness
        form: Map = (1.08 - hardness + hardness * lit * 1.12).astype(np.float32)
        return form

    def soft(self, canvas: Image, origin: Array) -> None:
        """Hollows (dark) and bulges (light), to be blurred."""
        drawing, unit = self.drawing, self.unit

        def at(name: str) -> Array:
            place: Array = drawing.point(name) - origin
            return place

        for side, sign in (("L", -1.0), ("R", 1.0)):
            facing = sign * self.light.right * self.light.hardness
            brow, crease = drawing.curve(f"brow{side}") - origin, drawing.curve(f"crease{side}") - origin
            fill(canvas, np.concatenate([brow, crease[::-1]]), (108 + 8 * facing,))
            fill(canvas, np.array([at(f"eye_in{side}"), at(f"crease0{side}"), at(f"brow0{side}"), at("root")]), (104,))
            disc(canvas, at(f"cheek{side}"), 0.20 * unit, (136 + 14 * self.amount(6, 12) + 6 * facing,))
            bag = drawing.curve(f"bag{side}") - origin
            low = drawing.curve(f"lid_low{side}")[:-3] - origin
            fill(canvas, np.concatenate([low, bag[::-1]]), (122 + 8 * self.amount(6, 7),))
            shadow = [at(f"bridge_side{side}"), at(f"nose_side{side}"), at(f"ala_top{side}"), at(f"ala{side}"),
                      at(f"ala_low{side}"), at("tip"), at("bridge"), at("root")]  # fmt: skip
            fill(canvas, np.array(shadow), (110 + 20 * facing,))
            pouch = self.amount(9, 10, 12) * 0.9
            if pouch > 0.05:
                fold = drawing.curve(f"fold{side}") - origin
                fill(canvas, np.concatenate([fold, (fold + self.right * sign * 0.12)[::-1]]), (128 + 16 * pouch,))
                fill(canvas, np.concatenate([fold, (fold - self.right * sign * 0.07)[::-1]]), (128 - 18 * pouch,))
            corner = at(f"corner{side}")
            disc(canvas, corner + self.right * sign * 0.07, 0.05 * unit, (118 - 12 * self.amount(12, 20, 15, 24),))
        line(canvas, np.array([at("root"), at("bridge"), at("tip")]), (146,), 0.10 * unit)
        disc(canvas, at("tip"), 0.085 * unit, (158,))
        under = np.array([at("ala_lowL"), at("columella") - self.up * 0.02, at("ala_lowR"), at("lip_top2R"), at("lip_top2L")])
        fill(canvas, under, (112 + 6 * self.light.down,))
        line(canvas, np.array([at("columella"), at("lip_top0")]), (108,), 0.05 * unit)
        frown = self.amount(4) * 0.8
        if frown > 0.05:
            fill(canvas, np.array([at("brow0L"), at("brow0R"), at("root")]), (128 - 30 * frown,))
        line(canvas, drawing.curve("sulcus_line")[2:-2] - origin, (112 - 14 * self.amount(17, 24),), 0.06 * unit)
        lip = at("gap_low0") * 0.45 + at("lip_low0") * 0.55
        line(canvas, np.array([lip - self.right * 0.09, lip + self.right * 0.09]), (158 - 20 * self.amount(24),), 0.05 * unit)
        disc(canvas, at("boss"), 0.13 * unit, (140,))
        dimples = self.amount(17)
        if dimples > 0.05:
            for x, y in ((-0.12, 0.03), (0.12, 0.03), (-0.05, -0.08), (0.06, -0.06), (0.0, 0.10), (-0.15, -0.09), (0.16, -0.1)):
                disc(canvas, at("boss") + self.right * x - self.up * y, 0.03 * unit, (128 - 34 * dimples,))
        brow_middle = (at("brow1L") + at("brow1R")) / 2
        disc(canvas, brow_middle + self.up * 0.35, 0.28 * unit, (137,))

    def folds(self, canvas: Image, origin: Array) -> None:
        """Lines in the skin."""
        drawing, unit, right, up = self.drawing, self.unit, self.right, self.up

        def at(name: str) -> Array:
            place: Array = drawing.point(name) - origin
            return place

        def crease(points: Array, depth: float, width: float = 0.022) -> None:
            if depth > 2:
                line(canvas, points, (max(128 - depth, 20),), width * unit)

        inner, outer, frown = self.amount(1), self.amount(2), self.amount(4)
        if inner > 0.1:
            ends = at("brow1L"), at("brow1R")
            middle = (at("brow0L") + at("brow0R")) / 2
            for height in (0.17, 0.29, 0.41):
                lift = up * height
                arc = np.array([ends[0], (ends[0] + middle) / 2, middle - up * 0.02, (ends[1] + middle) / 2, ends[1]]) + lift
                arc[0] -= up * 0.02 * np.sign(height)
                crease(arc, 26 * inner)
        for side, sign in (("L", -1.0), ("R", 1.0)):
            out = right * sign
            if outer > 0.1:
                path = drawing.curve(f"brow{side}")[5:-1] - origin
                for height in (0.15, 0.26):
                    crease(path + up * height, 22 * outer)
            if frown > 0.1:
                foot = at(f"brow0{side}") - out * 0.05
                crease(np.array([foot - up * 0.10, foot + up * 0.07 + out * 0.02]), 46 * frown, 0.032)
            wrinkle = self.amount(9)
            if wrinkle > 0.1:
                for step in (0.0, 0.10):
                    start = at("root") - up * (step - 0.02) + out * 0.03
                    crease(np.array([start, start + out * 0.13 - up * 0.07]), 36 * wrinkle, 0.03)
            feet = self.amount(6)
            if feet > 0.1:
                start = at(f"eye_out{side}") + out * 0.05
                for angle in (0.09, 0.0, -0.09):
                    crease(np.array([start + up * angle * 0.5, start + out * 0.15 + up * angle * 1.4]), 42 * feet)
            fold = drawing.curve(f"fold{side}") - origin
            deep = max(self.amount(10), 0.9 * self.amount(9, 11, 12), 0.5 * self.amount(6), 0.4 * self.amount(20))
            crease(fold, 12 * self.who.folds + 38 * deep, 0.026)
            bag = drawing.curve(f"bag{side}") - origin
            crease(bag, 14 * self.who.folds + 30 * self.amount(6) + 24 * self.amount(7, 9))
            crease(drawing.curve(f"marionette{side}") - origin, 6 * self.who.folds + 48 * self.amount(15), 0.026)
            stretch = self.amount(20)
            if stretch > 0.1:
                start = at(f"corner{side}") + out * 0.10
                crease(np.array([start + up * 0.10, start + out * 0.03, start - up * 0.13]), 40 * stretch, 0.026)
        press = self.amount(23, 24)
        if press > 0.1:
            top, low = drawing.curve("lip_top")[3:-3] - origin, drawing.curve("lip_low")[3:-3] - origin
            crease(top + up * 0.03, 28 * press)
            crease(low - up * 0.03, 34 * press)


def shade(image: Image, drawing: Drawing, who: Identity, units: Mapping[int, float], light: Light) -> Image:
    """Put light, shadow and folds on the painted face in an image (H, W, 3), in place; returns it."""
    height, width = image.shape[:2]
    face, skull = drawing.curve("face"), drawing.curve("skull")
    outline = np.concatenate([face, skull])
    x0, y0 = np.clip(np.floor(outline.min(0) - 4), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(outline.max(0) + 4), 0, (width, height)).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return image
    box = image[y0:y1, x0:x1]
    origin = np.array([x0, y0], float)
    relief = Relief(drawing, who, units, light)
    mask = np.zeros(box.shape[:2], np.uint8)
    soft = np.full_like(mask, _NEUTRAL)
    relief.soft(soft, origin)
    folds = np.full_like(mask, _NEUTRAL)
    relief.folds(folds, origin)
    soft = cv2.GaussianBlur(soft, (0, 0), max(0.055 * drawing.unit, 0.8))
    folds = cv2.GaussianBlur(folds, (0, 0), max(0.014 * drawing.unit, 0.4))
    skin = cv2.multiply(soft, folds, scale=1 / _NEUTRAL)
    fill(mask, face - origin, (255,))
    skin[mask < 128] = _NEUTRAL
    fill(mask, skull - origin, (255,))
    form = relief.form(box.shape[1], box.shape[0], origin)
    mask = cv2.blur(mask, (3, 3))
    amount = skin.astype(np.float32) * (1 / _NEUTRAL) * form
    amount = (amount - 1) * (mask * np.float32(1 / 255))
    # shadows on skin are warm: red falls less than blue
    factors = cv2.merge([amount * 0.86 + 1, amount + 1, amount * 1.06 + 1])
    cv2.multiply(box, factors, box, dtype=cv2.CV_8U)
    return image
