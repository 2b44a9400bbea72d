"""A drawn face: the fixed input on which exported graphs and low precision are compared with torch in float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ellipse = tuple[float, float, float, float, tuple[int, int, int], float]


def drawn_face(height: int = 192, width: int = 256, size: float = 120.0) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: one frontal face about `size` pixels high in the middle of a soft background."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    across, down = (x - width / 2) / (size / 2), (y - height / 2) / (size / 2)
    canvas = np.stack([90 + 60 * x / width, 100 + 40 * y / height, 130 - 40 * x / width], axis=-1)
    for centre_x, centre_y, radius_x, radius_y, colour, softness in _ellipses():
        edge = np.hypot((across - centre_x) / radius_x, (down - centre_y) / radius_y) - 1
        cover = 1 / (1 + np.exp(np.clip(edge / softness, -30, 30)))[..., None]
        canvas = canvas * (1 - cover) + np.array(colour) * cover
    return canvas.round().clip(0, 255).astype(np.uint8)


def _ellipses() -> Iterator[Ellipse]:
    """Centre, radii (1 = half the face's size), colour, softness of the edge; painted in this order."""
    yield (0.0, -0.12, 0.80, 1.02, (50, 36, 28), 0.06)  # hair
    yield (0.0, 0.75, 0.36, 0.60, (180, 135, 112), 0.06)  # neck
    yield (0.0, 0.05, 0.68, 0.92, (222, 176, 150), 0.05)  # face
    for side in (-0.29, 0.29):
        yield (side, -0.12, 0.22, 0.13, (190, 140, 118), 0.40)  # socket
        yield (side, -0.10, 0.14, 0.075, (240, 238, 235), 0.10)  # eye
        yield (side, -0.10, 0.065, 0.072, (60, 42, 30), 0.10)  # iris
        yield (side, -0.29, 0.19, 0.035, (60, 42, 32), 0.30)  # brow
    yield (0.0, 0.12, 0.05, 0.20, (232, 190, 166), 0.60)  # bridge
    yield (0.0, 0.29, 0.14, 0.06, (205, 155, 132), 0.50)  # nose
    yield (0.0, 0.53, 0.25, 0.075, (170, 75, 75), 0.15)  # lips
    yield (0.0, 0.535, 0.20, 0.012, (80, 30, 30), 0.40)  # mouth
