"""Shapes and letters as masks, drawn once with Pillow and laid over frames with NumPy: text a frame costs no time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Colour = tuple[int, int, int]
Frame = NDArray[np.uint8]
_FINER = 4  # shapes are drawn so much larger and averaged: smooth edges


@lru_cache(maxsize=4096)
def text_mask(text: str, size: int) -> Mask:
    """(height, width) opacity 0..255 of a text; the height is that of the font's line, whatever the letters."""
    from PIL import Image, ImageDraw

    font = _font(size)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    return np.asarray(image)


@lru_cache(maxsize=1024)
def text_width(text: str, size: int) -> int:
    """Width of a text in pixels."""
    return int(text_mask(text, size).shape[1])


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@lru_cache(maxsize=1024)
def rounded_mask(width: int, height: int, radius: int) -> Mask:
    """(height, width) opacity of a filled rectangle with round corners."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (width * _FINER, height * _FINER))
    ends = (0, 0, width * _FINER - 1, height * _FINER - 1)
    ImageDraw.Draw(image).rounded_rectangle(ends, min(radius, width // 2, height // 2) * _FINER, fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def lay(frame: Frame, mask: Mask, x: int, y: int, colour: Colour, opacity: float = 1.0) -> None:
    """Lay a colour over the frame (H, W, 3), in place, as opaque as the mask; what lies outside the frame is cut."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(frame.shape[1], x + mask.shape[1]), min(frame.shape[0], y + mask.shape[0])
    if left >= right or top >= bottom:
        return
    part = frame[top:bottom, left:right].astype(np.int32)
    share = mask[top - y : bottom - y, left - x : right - x, None].astype(np.int32) * round(opacity * 256) // 255
    frame[top:bottom, left:right] = part + ((np.array(colour) - part) * share >> 8)


def fill(frame: Frame, x0: int, y0: int, x1: int, y1: int, colour: Colour) -> None:
    """Fill a rectangle of the frame in place; what lies outside is cut."""
    height, width = frame.shape[:2]
    x0, x1 = max(0, x0), min(width, x1)
    y0, y1 = max(0, y0), min(height, y1)
    if x0 < x1 and y0 < y1:
        frame[y0:y1, x0:x1] = colour


def rgb(code: str) -> Colour:
    """ "#0072B2" as numbers."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def readable_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out more (relative luminance, WCAG 2)."""
    linear = [(one / 255 / 12.92) if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255)
