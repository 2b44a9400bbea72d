"""A face as control points in three dimensions: at rest, under action units, turned, and seen by a camera.

Face units: half the width of the face; x to the right of the image, y down, z towards the camera; the origin lies
between the eyes in the plane of the ears. Curves are cubic splines through control points; because a spline is linear
in its points, all curves of a face are one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.action_units import DISPLACEMENTS, UNITS

Array = NDArray[np.float64]

# Proportions of an average adult: 63 mm between pupils, 135 mm across the cheekbones, 50 mm of mouth.
SIDED: Mapping[str, tuple[float, float, float]] = {
    "brow0": (0.17, -0.29, 0.86), "brow1": (0.33, -0.35, 0.87), "brow2": (0.50, -0.385, 0.83),
    "brow3": (0.68, -0.36, 0.72), "brow4": (0.83, -0.26, 0.55),
    "eye_in": (0.245, 0.015, 0.66), "up1": (0.335, -0.06, 0.74), "up2": (0.465, -0.092, 0.77),
    "up3": (0.60, -0.062, 0.71), "eye_out": (0.70, 0.0, 0.58), "lo3": (0.60, 0.058, 0.69), "lo2": (0.465, 0.075, 0.74),
    "lo1": (0.335, 0.052, 0.72), "iris": (0.465, -0.008, 0.75),
    "crease0": (0.235, -0.035, 0.68), "crease1": (0.33, -0.125, 0.77), "crease2": (0.465, -0.162, 0.80),
    "crease3": (0.61, -0.125, 0.73), "crease4": (0.745, -0.03, 0.57),
    "bag0": (0.26, 0.10, 0.72), "bag1": (0.42, 0.18, 0.76), "bag2": (0.62, 0.15, 0.68),
    "bridge_side": (0.11, 0.08, 0.88), "nose_side": (0.13, 0.36, 1.0), "ala_top": (0.19, 0.50, 0.99),
    "ala": (0.26, 0.60, 0.92), "ala_low": (0.20, 0.685, 0.93), "nostril": (0.10, 0.675, 1.05),
    "fold0": (0.31, 0.56, 0.90), "fold1": (0.41, 0.72, 0.86), "fold2": (0.49, 0.89, 0.80), "fold3": (0.52, 1.03, 0.76),
    "cheek": (0.58, 0.45, 0.80),
    "corner": (0.37, 1.0, 0.83), "gap_corner": (0.345, 1.0, 0.85),
    "lip_top1": (0.23, 0.935, 0.93), "lip_top2": (0.085, 0.888, 1.0),
    "gap_top1": (0.22, 0.995, 0.93), "gap_top2": (0.09, 0.99, 0.98),
    "gap_low1": (0.22, 1.0, 0.93), "gap_low2": (0.09, 0.998, 0.98),
    "lip_low1": (0.24, 1.085, 0.92), "lip_low2": (0.10, 1.135, 0.97),
    "mar0": (0.41, 1.06, 0.80), "mar1": (0.44, 1.22, 0.72),
    "fore": (0.55, -0.95, 0.45), "temple0": (0.90, -0.50, 0.15), "temple": (1.0, -0.12, 0.05),
    "zygoma": (1.0, 0.22, 0.05), "jaw1": (0.955, 0.62, 0.08), "jaw2": (0.85, 0.99, 0.15), "jaw3": (0.67, 1.32, 0.35),
    "jaw4": (0.38, 1.56, 0.60),
    "ear0": (0.98, -0.10, -0.15), "ear1": (1.13, -0.13, -0.25), "ear2": (1.15, 0.12, -0.25),
    "ear3": (1.03, 0.42, -0.15),
    "skull1": (0.55, -1.50, -0.1), "skull2": (0.93, -1.10, -0.1), "skull3": (1.06, -0.55, -0.1),
    "hair1": (0.35, -1.05, 0.45), "hair2": (0.68, -0.86, 0.35), "hair3": (0.92, -0.45, 0.15),
    "hair4": (0.99, -0.05, 0.0),
}  # fmt: skip
MIDLINE: Mapping[str, tuple[float, float, float]] = {
    "root": (0.0, -0.02, 0.92), "bridge": (0.0, 0.25, 1.08), "tip": (0.0, 0.57, 1.28), "columella": (0.0, 0.70, 1.08),
    "lip_top0": (0.0, 0.908, 1.01), "gap_top0": (0.0, 0.995, 0.99), "gap_low0": (0.0, 1.0, 0.98),
    "lip_low0": (0.0, 1.145, 0.97), "sulcus": (0.0, 1.24, 0.9), "boss": (0.0, 1.40, 0.92), "chin": (0.0, 1.62, 0.75),
    "skull0": (0.0, -1.62, -0.1), "hair0": (0.0, -1.08, 0.5), "crown": (0.0, -1.1, 0.5),
}  # fmt: skip
NAMES: tuple[str, ...] = (*(f"{name}{side}" for side in "LR" for name in SIDED), *MIDLINE)
INDEX: Mapping[str, int] = {name: number for number, name in enumerate(NAMES)}


def field(values: Mapping[str, tuple[float, float, float]]) -> Array:
    """(N, 3) displacement of all control points from one given for the right side and the middle; others stay."""
    points = np.zeros((len(NAMES), 3))
    for name, vector in values.items():
        if name in MIDLINE:
            points[INDEX[name]] = vector
        else:
            points[INDEX[f"{name}R"]] = vector
            points[INDEX[f"{name}L"]] = (-vector[0], vector[1], vector[2])
    return points


REST: Array = field({**SIDED, **MIDLINE})
ACTIONS: Array = np.stack([field(DISPLACEMENTS[unit]) for unit in UNITS])
_UNIT_ROW = {unit: row for row, unit in enumerate(UNITS)}
_LIPS = [
    tuple(INDEX[name] for name in names)
    for names in (
        ("lip_top0", "gap_top0", "gap_low0", "lip_low0"),
        *(tuple(f"{part}{number}{side}" for part in ("lip_top", "gap_top", "gap_low", "lip_low"))
          for number in (1, 2) for side in "LR"),
    )
]  # fmt: skip
_LIDS = [(INDEX[f"up{number}{side}"], INDEX[f"lo{number}{side}"]) for number in (1, 2, 3) for side in "LR"]
_BROWS = [(INDEX[f"brow{number}{side}"], INDEX[f"up{max(number, 1)}{side}"]) for number in (0, 1, 2) for side in "LR"]
# Least distances between neighbours, so that no combination of units turns a face inside out.
_LIP_RED, _LID_GAP, _BROW_GAP = 0.02, 0.035, 0.10


def pose_face(shape: Array, intensities: Mapping[int, float], lopsided: float = 0.0, blink: float = 0.0) -> Array:
    """Control points (N, 3) of a face under action units.

    shape (N, 3): the face at rest; intensities: unit -> 0 to 1; lopsided: the units act 1 + lopsided times as strongly
    on the right of the image and 1 - lopsided times on the left; blink: 0 open to 1 closed.
    """
    points = shape.copy()
    for unit, intensity in intensities.items():
        points += intensity * ACTIONS[_UNIT_ROW[unit]]
    if lopsided:
        points += lopsided * np.sign(REST[:, :1]) * (points - shape)
    _keep_apart(points)
    for upper, lower in _LIDS:
        points[upper, 1] += blink * (points[lower, 1] - 0.01 - points[upper, 1])
    return points


def _keep_apart(points: Array) -> None:
    y = points[:, 1]
    for top, gap_top, gap_low, low in _LIPS:
        if y[gap_low] < y[gap_top]:
            y[gap_low] = y[gap_top] = (y[gap_low] + y[gap_top]) / 2
        y[top] = min(y[top], y[gap_top] - _LIP_RED)
        y[low] = max(y[low], y[gap_low] + _LIP_RED)
    for upper, lower in _LIDS:
        y[upper] = min(y[upper], y[lower] - _LID_GAP)
    for brow, lid in _BROWS:
        y[brow] = min(y[brow], y[lid] - _BROW_GAP)


@dataclass(frozen=True)
class Pose:
    """Turn of the head in degrees: yaw > 0 to the right of the image, pitch > 0 down, roll > 0 clockwise."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def matrix(self) -> Array:
        """(3, 3) rotation of points in rows: points @ matrix."""
        yaw, pitch, roll = np.radians((self.yaw, self.pitch, self.roll))
        turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        tilt = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        rotation: Array = turn @ nod @ tilt
        return rotation


PIVOT = np.array([0.0, 0.5, -0.1])
CAMERA_DISTANCE = 9.0


def project(points: Array, pose: Pose, centre: tuple[float, float], scale: float) -> Array:
    """(N, 3) face units -> (N, 2) pixels in perspective; the pivot lands on `centre`; `scale`: pixels a unit."""
    turned = (points - PIVOT) @ pose.matrix()
    factor = scale * CAMERA_DISTANCE / (CAMERA_DISTANCE - turned[:, 2:])
    pixels: Array = turned[:, :2] * factor + np.asarray(centre)
    return pixels


def spline(knots: int, samples: int, closed: bool = False) -> Array:
    """(samples, knots) weights of a Catmull-Rom spline through its knots, evenly sampled; rows sum to 1."""
    spans = knots if closed else knots - 1
    place = np.linspace(0, spans, samples, endpoint=not closed)
    span = np.minimum(place.astype(int), spans - 1)
    t = place - span
    weights = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]) / 2
    matrix = np.zeros((samples, knots))
    for offset in range(4):
        knot = span + offset - 1
        for row, (number, weight) in enumerate(zip(knot, weights[offset], strict=True)):
            if closed:
                matrix[row, number % knots] += weight
            elif number < 0:  # an end knot is reflected: the tangent there is the chord
                matrix[row, 0] += 2 * weight
                matrix[row, 1] -= weight
            elif number >= knots:
                matrix[row, -1] += 2 * weight
                matrix[row, -2] -= weight
            else:
                matrix[row, number] += weight
    return matrix


def _across(sided: Sequence[str], middle: str) -> tuple[str, ...]:
    return (*(f"{name}L" for name in sided), middle, *(f"{name}R" for name in reversed(sided)))


_OUTLINE = ("temple0", "temple", "zygoma", "jaw1", "jaw2", "jaw3", "jaw4")
_OPEN: dict[str, tuple[tuple[str, ...], int]] = {
    "lip_top": (_across(("corner", "lip_top1", "lip_top2"), "lip_top0"), 25),
    "lip_low": (_across(("corner", "lip_low1", "lip_low2"), "lip_low0"), 25),
    "gap_top": (_across(("gap_corner", "gap_top1", "gap_top2"), "gap_top0"), 25),
    "gap_low": (_across(("gap_corner", "gap_low1", "gap_low2"), "gap_low0"), 25),
    "jawline": (_across(_OUTLINE, "chin"), 49),
    "brow_line": (_across(("fore", "temple0"), "crown"), 3),
    "hairline": (_across(("hair4", "hair3", "hair2", "hair1"), "hair0"), 25),
    "skull": (_across(("temple", "skull3", "skull2", "skull1"), "skull0"), 29),
    "sulcus_line": (("mar0L", "sulcus", "mar0R"), 11),
}
for _side in "LR":
    for _title, _names, _samples in (
        ("brow", ("brow0", "brow1", "brow2", "brow3", "brow4"), 15),
        ("lid_up", ("eye_in", "up1", "up2", "up3", "eye_out"), 17),
        ("lid_low", ("eye_in", "lo1", "lo2", "lo3", "eye_out"), 17),
        ("crease", ("crease0", "crease1", "crease2", "crease3", "crease4"), 15),
        ("bag", ("bag0", "bag1", "bag2"), 9),
        ("fold", ("fold0", "fold1", "fold2", "fold3"), 13),
        ("ala_line", ("ala_top", "ala", "ala_low"), 9),
        ("nose_line", ("bridge_side", "nose_side", "ala_top"), 9),
        ("ear", ("ear0", "ear1", "ear2", "ear3"), 13),
        ("marionette", ("mar0", "mar1"), 5),
    ):
        _OPEN[f"{_title}{_side}"] = (tuple(f"{name}{_side}" for name in _names), _samples)
_FACE = (*_across(_OUTLINE, "chin"), "foreR", "crown", "foreL")


def _all_curves() -> tuple[Mapping[str, slice], Array]:
    slices: dict[str, slice] = {}
    blocks: list[Array] = []
    start = 0
    for name, (knots, samples, closed) in {
        **{name: (knots, samples, False) for name, (knots, samples) in _OPEN.items()},
        "face": (_FACE, 80, True),
    }.items():
        block = np.zeros((samples, len(NAMES)))
        for column, knot in enumerate(knots):
            block[:, INDEX[knot]] += spline(len(knots), samples, closed)[:, column]
        slices[name] = slice(start, start + samples)
        blocks.append(block)
        start += samples
    return slices, np.concatenate(blocks)


_SLICES, _WEIGHTS = _all_curves()


class Drawing:
    """The projected face: control points by name and curves by name, in pixels; `unit` is pixels per face unit."""

    def __init__(self, points: Array, unit: float) -> None:
        self.points = points
        self.unit = unit
        self._curves = _WEIGHTS @ points

    def point(self, name: str) -> Array:
        """(2,) pixels."""
        point: Array = self.points[INDEX[name]]
        return point

    def curve(self, name: str) -> Array:
        """(samples, 2) pixels along a curve."""
        return self._curves[_SLICES[name]]
