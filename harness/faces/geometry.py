"""Where a face of a frame goes in its crop: 2x3 matrices that take pixels of the frame to pixels of the crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Mean landmarks of an aligned face of 112 px as ArcFace (insightface) defines them: eye, eye, nose, mouth corners.
TEMPLATE_SIDE = 112
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float64
)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """The rotation, uniform scale and shift (2, 3) that take points (K, 2) nearest to targets by least squares.

    Umeyama (1991) without reflection. In the plane it is closed: with points as complex numbers about their means,
    the factor is sum(conj(p) q) / sum(|p|^2). None if the points coincide, are not finite or ask for scale 0.
    """
    p = source[:, 0].astype(np.complex128) + 1j * source[:, 1]
    q = target[:, 0].astype(np.complex128) + 1j * target[:, 1]
    centre_p, centre_q = p.mean(), q.mean()
    p, q = p - centre_p, q - centre_q
    spread = float((np.abs(p) ** 2).sum())
    if not np.isfinite(spread) or spread < 1e-9:
        return None
    factor = complex((p.conj() * q).sum() / spread)
    if not np.isfinite(factor) or abs(factor) < 1e-9:
        return None
    shift = centre_q - factor * centre_p
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def five_point_matrix(landmarks: NDArray[np.floating], size: int, margin: float) -> NDArray[np.float64] | None:
    """Frame to a crop of `size` px in which the five landmarks (5, 2) lie as in the template.

    margin: a border on every side as a fraction of the template's side, so that forehead and chin can be kept.
    None if the landmarks are degenerate.
    """
    side = size / (1 + 2 * margin)
    return similarity(landmarks, TEMPLATE * (side / TEMPLATE_SIDE) + margin * side)


def box_matrix(box: NDArray[np.floating], size: int, margin: float) -> NDArray[np.float64]:
    """Frame to a crop of `size` px: the square about the box's centre whose side is the longer one plus the margins.

    box: x0 y0 x1 y1 as edges, so that pixel centres lie at halves: a box of the whole frame is the frame itself.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    side = max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    scale = size / side
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    return np.array(
        [[scale, 0, (0.5 - left) * scale - 0.5], [0, scale, (0.5 - top) * scale - 0.5]],
        np.float64,
    )


def scale_of(matrix: NDArray[np.float64]) -> float:
    """How many pixels of the crop a pixel of the frame becomes."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
