"""Light on a painted face: the form of the head, and the relief of its skin, multiplied onto the colours."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.datasets.synthetic.folds import draw_folds
from harness.datasets.synthetic.geometry import Array, Drawing
from harness.datasets.synthetic.identity import Identity
from harness.datasets.synthetic.relief import NEUTRAL, Light, Relief, draw_hollows
from harness.datasets.synthetic.strokes import Image, fill


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
    relief = Relief(drawing, who, units, light, origin)
    mask = np.zeros(box.shape[:2], np.uint8)
    skin = _skin(relief, box.shape[:2])
    fill(mask, face - origin, (255,))
    skin[mask < 128] = NEUTRAL
    fill(mask, skull - origin, (255,))
    amount = skin.astype(np.float32) * np.float32(1 / NEUTRAL) * _form(relief, box.shape[:2])
    amount = (amount - 1) * (cv2.blur(mask, (3, 3)) * np.float32(1 / 255))
    # shadows on skin are warm: red falls less than blue
    factors = cv2.merge([amount * 0.86 + 1, amount + 1, amount * 1.06 + 1])
    cv2.multiply(box, factors, box, dtype=cv2.CV_8U)
    return image


def _skin(relief: Relief, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    hollows = np.full(shape, NEUTRAL, np.uint8)
    draw_hollows(relief, hollows)
    folds = np.full(shape, NEUTRAL, np.uint8)
    draw_folds(relief, folds)
    hollows = np.asarray(cv2.GaussianBlur(hollows, (0, 0), max(0.055 * relief.unit, 0.8)), np.uint8)
    folds = np.asarray(cv2.GaussianBlur(folds, (0, 0), max(0.014 * relief.unit, 0.4)), np.uint8)
    return np.asarray(cv2.multiply(hollows, folds, scale=1 / NEUTRAL), np.uint8)


def _form(relief: Relief, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(height, width): Lambert's cosine on an ellipsoid of the head's size."""
    height, width = shape
    unit, light = relief.unit, relief.light
    middle: Array = (relief.at("zygomaL") + relief.at("zygomaR") + relief.at("root") * 2) / 4
    x = ((np.arange(width) + 0.5 - middle[0]) / (1.22 * unit))[None]
    y = ((np.arange(height) + 0.5 - middle[1] - 0.1 * unit) / (1.85 * unit))[:, None]
    depth = np.sqrt(1 - np.clip(x**2 + y**2, 0, 0.98))
    direction = np.array([light.right, light.down, 1.1])
    direction /= np.linalg.norm(direction)
    lit = np.clip(x * direction[0] + y * direction[1] + depth * direction[2], 0, 1)
    contrast = 0.25 + 0.45 * light.hardness
    return np.asarray(1.08 - contrast + contrast * lit * 1.12, np.float32)
