"""Measures of facial geometry: landmarks in, a few lengths in the head frame out. Pure numpy.

All lengths are in units of the distance between the outer eye corners (about 90 mm in adults), taken in the head
frame, mean of both sides where there are two. Landmark numbers are Face Mesh's. What raises each measure is in
`action_units`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness_facs.head_frame import to_head_frame

MEASURES = (
    "inner_brow",  # height of the brows' inner ends over the eye corners
    "outer_brow",  # height of the brows' outer halves over the eye corners
    "brow_gap",  # distance between the brows
    "eye_opening",  # distance between the lids
    "cheek",  # nearness of the cheeks to the lower lids
    "nose_wing",  # nearness of the nose's wings to its bridge
    "upper_lip",  # nearness of the upper lip to the nose
    "lip_corner",  # height of the mouth's corners over the middle between the lips
    "mouth_width",  # distance between the mouth's corners
    "lip_gap",  # distance between the lips
    "red_lip",  # thickness of the red parts of the lips
    "jaw",  # distance of the chin from the nose
    "lower_lip",  # height of the lower lip over the chin
)
_EYE_CORNERS = (33, 133, 263, 362)
_INNER_BROWS = (55, 107, 65, 285, 336, 295)
_OUTER_BROWS = (46, 53, 63, 70, 276, 283, 293, 300)
_LIDS = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373))
_LID_TO_CHEEK = ((145, 50), (145, 101), (374, 280), (374, 330))
_BRIDGE_TO_WING = ((6, 64), (6, 129), (6, 294), (6, 358))
_NOSE_TO_LIP = ((2, 0), (97, 37), (326, 267))
_BETWEEN_LIPS = ((13, 14), (13, 14), (82, 87), (312, 317))  # the middle counts twice
_CHIN = (148, 152, 377)


def measure(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """landmarks (N, 468, 3), any unit and pose -> (N, K) float32 in the order of MEASURES; rows with NaN stay NaN."""
    points = to_head_frame(landmarks)

    def height(*numbers: int) -> NDArray[np.float64]:
        return np.asarray(-points[:, list(numbers), 1].mean(1))

    def distance(*pairs: tuple[int, int]) -> NDArray[np.float64]:
        ends = np.array(pairs)
        return np.asarray(np.linalg.norm(points[:, ends[:, 0]] - points[:, ends[:, 1]], axis=2).mean(1))

    eyes = height(*_EYE_CORNERS)
    columns = (
        height(*_INNER_BROWS) - eyes,
        height(*_OUTER_BROWS) - eyes,
        distance((55, 285), (107, 336)),
        distance(*_LIDS),
        -distance(*_LID_TO_CHEEK),
        -distance(*_BRIDGE_TO_WING),
        -distance(*_NOSE_TO_LIP),
        height(61, 291) - height(13, 14),
        distance((61, 291)),
        distance(*_BETWEEN_LIPS),
        distance((0, 13), (14, 17)),
        distance((2, 152)),
        height(17, 84, 314) - height(*_CHIN),
    )
    return np.stack(columns, 1).astype(np.float32)
