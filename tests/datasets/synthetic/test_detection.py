"""The real RetinaFace finds the rendered faces, the real Face Mesh fits them and sees their action units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.components import Faces
from harness.datasets.synthetic.clips import plan_clips, render_clip
from harness.datasets.synthetic.geometry import Pose
from harness.datasets.synthetic.identity import draw_identity
from harness.datasets.synthetic.options import SyntheticOptions
from harness.datasets.synthetic.relief import Light
from harness.datasets.synthetic.scene import Grain, Person, add_person
from harness.datasets.synthetic.stills import Still, plan_stills, render_still
from harness.datasets.synthetic.strokes import Image
from harness.errors import WeightsError
from harness.weights import find

pytest.importorskip("torch")
retinaface = pytest.importorskip("harness_retinaface.detector")
retinaface_options = pytest.importorskip("harness_retinaface.options")
pytest.importorskip("ai_edge_litert")
face_mesh = pytest.importorskip("harness_facs.face_mesh")

GRAIN = Grain(0)
FIVE_POINTS = ("irisL", "irisR", "tip", "cornerL", "cornerR")
Detect = Callable[[Image], list[Faces]]
Points = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Mesh = Callable[[Image], tuple[Points, float]]


@pytest.fixture(scope="module")
def detect() -> Detect:
    options = retinaface_options.RetinaFaceOptions(runtime="torch", device="cpu", precision="float32")
    try:
        options.find_weights(download=False)
    except WeightsError as error:
        pytest.skip(str(error))
    detector: Detect = retinaface.RetinaFaceDetector(options).detect
    return detector


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    try:
        path = find(face_mesh.FACE_LANDMARK, download=False)
    except WeightsError as error:
        pytest.skip(str(error))
    model: Mesh = face_mesh.FaceMesh(path)
    return model


@pytest.fixture(scope="module")
def stills() -> list[tuple[Still, Image]]:
    options = SyntheticOptions(stills=42, stills_per_subject=1, seed=11, smallest_still=176, largest_still=176)
    return [(still, render_still(still, GRAIN)) for still in plan_stills(options)]


def landmarks_of(person: Person) -> Points:
    drawing = person.drawing()
    return np.array([drawing.point(name) for name in FIVE_POINTS], np.float32)


def largest(faces: Faces) -> int:
    sides = faces.boxes[:, 2:] - faces.boxes[:, :2]
    return int(np.argmax(sides.prod(1)))


def crop(image: Image, person: Person) -> Image:
    """The face in two thirds of a square, as Face Mesh was made for."""
    face = person.drawing().curve("face")
    half = 0.75 * float(np.ptp(face, axis=0).max())
    x, y = (face.min(0) + face.max(0)) / 2
    padded = np.pad(image, ((200, 200), (200, 200), (0, 0)), mode="edge")
    left, top, side = round(x - half) + 200, round(y - half) + 200, round(2 * half)
    return np.ascontiguousarray(padded[top : top + side, left : left + side])


def test_retinaface_finds_the_stills_faces_where_they_are(stills: list[tuple[Still, Image]], detect: Detect) -> None:
    found, errors = 0, []
    in_all = detect(np.stack([image for _, image in stills]))
    for (still, _), faces in zip(stills, in_all, strict=True):
        if len(faces):
            found += 1
            assert faces.landmarks is not None
            truth = landmarks_of(still.person)
            between_eyes = np.linalg.norm(truth[0] - truth[1])
            distances = np.linalg.norm(faces.landmarks[largest(faces)] - truth, axis=1)
            errors.append(distances / between_eyes)
    assert found >= 0.99 * len(stills)
    assert np.median(errors) < 0.1
    assert np.percentile(errors, 95) < 0.3


def test_face_mesh_fits_the_stills_faces(stills: list[tuple[Still, Image]], mesh: Mesh) -> None:
    presence = [mesh(crop(image, still.person))[1] for still, image in stills]
    assert np.mean(np.array(presence) > 0) >= 0.99


def test_the_largest_face_of_a_frame_is_the_annotated_person(detect: Detect) -> None:
    options = SyntheticOptions(part="clips", clips=3, seconds=1.2, frames_per_second=10, seed=5)
    for plan in plan_clips(options):
        counts = plan.faces()
        in_all = detect(np.stack(list(render_clip(plan, GRAIN))[::3]))
        for frame, faces in zip(range(0, len(counts), 3), in_all, strict=True):
            assert len(faces) == counts[frame]
            if counts[frame]:
                shot = next(shot for shot in plan.shots if shot.first <= frame < shot.last)
                x0, y0, x1, y1 = faces.boxes[largest(faces)]
                x, y = shot.people[-1].centre
                assert x0 < x < x1
                assert y0 < y < y1


def measures(points: Points) -> dict[str, float]:
    """Lengths that action units change, in distances between the eyes; heights are above the line of the eyes."""
    flat = points[:, :2]
    left, right = flat[[33, 133]].mean(0), flat[[362, 263]].mean(0)
    across = (right - left) / np.linalg.norm(right - left) ** 2
    down = (flat - (left + right) / 2) @ np.array([-across[1], across[0]])
    return {
        "inner brow": -down[[55, 107, 285, 336]].mean(),
        "outer brow": -down[[70, 300]].mean(),
        "upper lip": down[2] - down[[0, 37, 267]].mean(),
        "nose wing": down[6] - down[[64, 294, 129, 358]].mean(),
        "mouth corner": -down[[61, 291]].mean(),
        "corner over lips": down[[13, 14]].mean() - down[[61, 291]].mean(),
        "mouth width": float(np.linalg.norm(flat[61] - flat[291]) * np.linalg.norm(across)),
        "red lips": down[13] - down[0] + down[17] - down[14],
        "lip gap": down[14] - down[13],
        "lower lid": -down[[145, 374]].mean(),
    }


EXPECTED = {
    1: ("inner brow", 1), 2: ("outer brow", 1), 4: ("inner brow", -1), 6: ("lower lid", 1), 9: ("nose wing", 1),
    10: ("upper lip", 1), 12: ("mouth corner", 1), 15: ("corner over lips", -1), 20: ("mouth width", 1),
    24: ("red lips", -1), 25: ("lip gap", 1), 26: ("lip gap", 1),
}  # fmt: skip


@pytest.mark.parametrize("unit", EXPECTED)
def test_face_mesh_sees_the_unit(unit: int, mesh: Mesh) -> None:
    """Its landmarks hardly follow eyelids, of people either: units 5 and 7 are tested on the geometry alone."""
    name, sign = EXPECTED[unit]
    changes = []
    for seed in range(8):
        random = np.random.default_rng([9, seed])
        who, pose = draw_identity(random), Pose(*random.normal(0, 4, 3))
        found: list[float] = []
        rest = Person(who, {}, pose, (120, 142), 60)
        for person in (rest, replace(rest, units={unit: 1.0})):
            image = add_person(np.full((240, 240, 3), 140, np.uint8), person, Light(0.3, -0.6, 0.4))
            found.append(measures(mesh(crop(image, rest))[0])[name])
        changes.append(sign * (found[1] - found[0]))
    assert np.mean(np.array(changes) > 0) >= 0.8
    assert np.mean(changes) > np.std(changes) / 2
