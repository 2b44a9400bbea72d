"""Folds and wrinkles of the skin: a few that a person always has, most of them made by action units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.datasets.synthetic.geometry import Array
from harness.datasets.synthetic.relief import NEUTRAL, SIDES, Relief
from harness.datasets.synthetic.strokes import Image, line

Crease = Callable[[Array, float, float], None]


def draw_folds(face: Relief, canvas: Image) -> None:
    """Draw all folds as lines darker than NEUTRAL: the canvas is to be blurred a little."""

    def crease(points: Array, depth: float, width: float) -> None:
        if depth > 2:
            line(canvas, points, (max(NEUTRAL - depth, 20),), width * face.unit)

    _forehead(face, crease)
    for side, sign in SIDES:
        out = face.right * sign
        _around_eye(face, crease, side, out)
        _around_mouth(face, crease, side, out)
    press = face.amount(23, 24)
    if press > 0.1:
        crease(face.along("lip_top")[3:-3] + face.up * 0.03, 28 * press, 0.022)
        crease(face.along("lip_low")[3:-3] - face.up * 0.03, 34 * press, 0.022)


def _forehead(face: Relief, crease: Crease) -> None:
    raised, outer, frown = face.amount(1), face.amount(2), face.amount(4)
    if raised > 0.1:
        left, right = face.at("brow1L"), face.at("brow1R")
        middle = (face.at("brow0L") + face.at("brow0R")) / 2 - face.up * 0.02
        arc = np.array(
            [left - face.up * 0.02, (left + middle) / 2, middle, (right + middle) / 2, right - face.up * 0.02]
        )
        for height in (0.17, 0.29, 0.41):
            crease(arc + face.up * height, 26 * raised, 0.022)
    for side, sign in SIDES:
        if outer > 0.1:
            path = face.along(f"brow{side}")[5:-1]
            for height in (0.15, 0.26):
                crease(path + face.up * height, 22 * outer, 0.022)
        if frown > 0.1:
            foot = face.at(f"brow0{side}") - face.right * sign * 0.05
            top = foot + face.up * 0.07 + face.right * sign * 0.02
            crease(np.array([foot - face.up * 0.10, top]), 46 * frown, 0.032)


def _around_eye(face: Relief, crease: Crease, side: str, out: Array) -> None:
    wrinkled, cheek = face.amount(9), face.amount(6)
    if wrinkled > 0.1:
        for step in (-0.02, 0.08):
            start = face.at("root") - face.up * step + out * 0.03
            crease(np.array([start, start + out * 0.13 - face.up * 0.07]), 36 * wrinkled, 0.03)
    if cheek > 0.1:
        start = face.at(f"eye_out{side}") + out * 0.05
        for spread in (0.09, 0.0, -0.09):
            end = start + out * 0.15 + face.up * spread * 1.4
            crease(np.array([start + face.up * spread * 0.5, end]), 42 * cheek, 0.022)
    crease(face.along(f"bag{side}"), 14 * face.who.folds + 30 * cheek + 24 * face.amount(7, 9), 0.022)


def _around_mouth(face: Relief, crease: Crease, side: str, out: Array) -> None:
    deep = max(face.amount(10), 0.9 * face.amount(9, 11, 12), 0.5 * face.amount(6), 0.4 * face.amount(20))
    crease(face.along(f"fold{side}"), 12 * face.who.folds + 38 * deep, 0.026)
    crease(face.along(f"marionette{side}"), 6 * face.who.folds + 48 * face.amount(15), 0.026)
    stretched = face.amount(20)
    if stretched > 0.1:
        start = face.at(f"corner{side}") + out * 0.10
        bow = np.array([start + face.up * 0.10, start + out * 0.03, start - face.up * 0.13])
        crease(bow, 40 * stretched, 0.026)
