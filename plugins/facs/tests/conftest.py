import numpy as np
import pytest
from harness_facs.face_mesh import FACE_LANDMARK, FaceMesh
from harness_facs.head_frame import PAIRS, REFERENCE, STABLE

from harness.errors import WeightsError
from harness.weights import find


@pytest.fixture(scope="session")
def mesh():
    try:
        return FaceMesh(find(FACE_LANDMARK, download=False))
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def drawn_face():
    """A face of a few strokes, 224 x 224 RGB, that Face Mesh takes for one; `smile` bends the mouth up."""
    import cv2

    def draw(smile=0.0, size=224):
        image = np.full((448, 448, 3), (70, 90, 110), np.uint8)
        cv2.ellipse(image, (224, 230), (120, 160), 0, 0, 360, (210, 165, 135), -1, cv2.LINE_AA)
        cv2.ellipse(image, (224, 120), (128, 70), 0, 180, 360, (60, 40, 30), -1, cv2.LINE_AA)
        for side in (-1, 1):
            eye = (224 + side * 52, 205)
            cv2.ellipse(image, eye, (24, 12), 0, 0, 360, (240, 238, 235), -1, cv2.LINE_AA)
            cv2.circle(image, eye, 10, (60, 45, 30), -1, cv2.LINE_AA)
            cv2.ellipse(image, eye, (25, 13), 0, 180, 360, (60, 40, 30), 3, cv2.LINE_AA)
            cv2.ellipse(image, (eye[0], 182), (30, 10), 0, 180, 360, (60, 40, 30), 6, cv2.LINE_AA)
            cv2.circle(image, (224 + side * 10, 268), 4, (120, 80, 65), -1, cv2.LINE_AA)
        cv2.polylines(image, [np.array([(218, 205), (206, 262), (224, 274), (242, 262)])], False, (170, 125, 100), 3)
        across = np.linspace(-48, 48, 25)
        bend = 315 - smile * (across / 48) ** 2 * 22
        thickness = 9 * (1 - (across / 48) ** 2)
        lips = np.concatenate(
            [np.c_[224 + across, bend - thickness], np.c_[224 + across, bend + 1.3 * thickness][::-1]]
        )
        cv2.fillPoly(image, [lips.astype(np.int32)], (165, 75, 75), cv2.LINE_AA)
        cv2.polylines(image, [np.c_[224 + across, bend].astype(np.int32)], False, (90, 35, 35), 2, cv2.LINE_AA)
        return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)

    return draw


@pytest.fixture
def landmarks():
    """(1, 468, 3): the reference's stable points where they belong, all others scattered over the face."""
    points = np.random.default_rng(3).normal(0, 0.3, (1, 468, 3))
    points[0, STABLE] = REFERENCE
    assert len(PAIRS) * 2 < len(STABLE)
    return points
