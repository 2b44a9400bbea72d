"""The head frame: landmarks without position, size and pose of the head.

Axes: x to the image's right, y down, z away from the camera; origin between the outer eye corners; the unit is the
distance of the outer eye corners of the reference. Found by the similarity transform (Umeyama 1991) that takes points
which no expression moves much onto a reference shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Landmark (image left), landmark (image right), and the left one's place; the right one's mirrors it.
# Means over Face Mesh fits of one adult face, 15 frames from neutral to laughing, made symmetric. Any would do.
PAIRS = (
    (33, 263, (-0.500, 0.000, 0.000)),  # outer eye corners
    (133, 362, (-0.198, 0.020, -0.054)),  # inner eye corners
    (127, 356, (-0.744, -0.069, 0.527)),  # temples
    (234, 454, (-0.737, 0.069, 0.590)),  # in front of the ears
    (54, 284, (-0.633, -0.396, 0.118)),  # sides of the forehead
    (103, 332, (-0.531, -0.463, -0.030)),
)
MIDDLE = (
    (10, (0.000, -0.523, -0.248)),  # forehead
    (168, (0.000, -0.014, -0.244)),  # bridge of the nose, downwards
    (6, (0.000, 0.075, -0.281)),
    (197, (0.000, 0.156, -0.327)),
    (195, (0.000, 0.234, -0.383)),
    (4, (0.000, 0.404, -0.451)),  # tip of the nose
    (2, (0.000, 0.502, -0.248)),  # below the nose
)
STABLE = np.array([left for left, _, _ in PAIRS] + [right for _, right, _ in PAIRS] + [point for point, _ in MIDDLE])
_LEFT = np.array([place for _, _, place in PAIRS])
REFERENCE = np.concatenate([_LEFT, _LEFT * [-1, 1, 1], np.array([place for _, place in MIDDLE])])


def to_head_frame(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """landmarks (N, 468, 3), any unit -> (N, 468, 3) in the head frame; invariant to translation, scale, rotation.

    Rows with NaN stay NaN. The transform minimises the squared distances of STABLE to REFERENCE.
    """
    points = np.asarray(landmarks, np.float64)
    result = np.full(points.shape, np.nan)
    given = np.isfinite(points).all(axis=(1, 2))
    if not given.any():
        return result
    points = points[given]
    stable = points[:, STABLE]
    centre = stable.mean(1, keepdims=True)
    stable = stable - centre
    target = REFERENCE - REFERENCE.mean(0)
    left, stretch, right = np.linalg.svd(np.einsum("pi,npj->nij", target, stable))
    signs = np.ones_like(stretch)
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * signs[:, None, :]) @ right
    scale = (stretch * signs).sum(1) / np.maximum((stable**2).sum(axis=(1, 2)), 1e-12)
    turned = np.einsum("nij,npj->npi", rotation, points - centre)
    result[given] = turned * scale[:, None, None] + REFERENCE.mean(0)
    return result
