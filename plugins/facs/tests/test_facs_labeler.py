import subprocess
import sys

import harness_facs
import numpy as np
import pandas as pd
import pytest
from harness_facs.face_mesh import FaceMesh
from harness_facs.labeler import NO_FACE, FacsLabeler
from harness_facs.measures import MEASURES
from harness_facs.options import FacsOptions

from harness.components import JointScorer
from harness.errors import ConfigError, WeightsError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace
from harness.testing import check_scorer


@pytest.fixture(scope="module")
def labeler(mesh):
    return FacsLabeler(FacsOptions(), ABAW_COMPOUND_7)


def change(labeler, name, before, after):
    one, other = labeler.measure(np.stack([before, after]))[:, MEASURES.index(name)]
    return other - one


def test_landmarks_lie_where_the_features_are(mesh, drawn_face):
    points, presence = mesh(drawn_face())
    assert presence > 5
    assert np.linalg.norm(points[[33, 133], :2].mean(0) - (86, 102)) < 8  # the eye on the image's left
    assert np.linalg.norm(points[[13, 14], :2].mean(0) - (112, 158)) < 8  # between the lips


@pytest.mark.parametrize("size", [64, 112, 192, 300])
def test_crops_of_any_size_give_the_same_measures(labeler, drawn_face, size):
    reference = labeler.measure(drawn_face()[None])[0]
    np.testing.assert_allclose(labeler.measure(drawn_face(size=size)[None])[0], reference, atol=0.06)


def test_a_tight_crop_is_given_room(mesh, drawn_face):
    tight = np.ascontiguousarray(drawn_face()[28:204, 36:188][12:164])
    points, presence = mesh(tight)
    assert presence > 5
    expected = mesh(drawn_face())[0][:, :2] - (36, 40)
    assert np.abs(points[:, :2] - expected).mean() < 6


def test_a_smile_raises_the_corners_of_the_mouth(labeler, drawn_face):
    assert change(labeler, "lip_corner", drawn_face(-1), drawn_face(1)) > 0.03


def test_a_smiling_face_is_happier_than_a_sullen_one(mesh, drawn_face):
    labeler = FacsLabeler(FacsOptions(baseline="batch"), RAF_DB_BASIC_7)
    faces = np.stack([drawn_face(bend) for bend in (-1, -0.5, 0, 0.5, 1)])
    frames = pd.DataFrame({"clip": "a", "frame": range(5)})
    happiness = labeler.judge(labeler.measure(faces), frames).probabilities[:, RAF_DB_BASIC_7.id_of("Happiness")]
    assert happiness[4] > 0.4
    assert happiness[4] > 2 * happiness[0]


def test_no_face_is_an_abstention_that_says_why(labeler):
    scores = labeler.score(np.zeros((2, 64, 64, 3), np.uint8))
    assert np.isnan(scores.probabilities).all()
    assert list(scores.explanations) == [NO_FACE, NO_FACE]


def test_faces_and_empty_crops_may_be_mixed(labeler, drawn_face):
    faces = np.stack([np.zeros((224, 224, 3), np.uint8), drawn_face(1)])
    frames = pd.DataFrame({"clip": ["a", "b"], "frame": [0, 0]})
    for scores in (labeler.score(faces), labeler.judge(labeler.measure(faces), frames)):
        assert np.isnan(scores.probabilities[0]).all()
        assert scores.probabilities[1].sum() == pytest.approx(1, abs=1e-5)


def test_the_explanation_names_units_class_and_probability(labeler, drawn_face):
    scores = labeler.score(drawn_face(1)[None])
    units, _, verdict = scores.explanations[0].partition(": ")
    best = int(scores.probabilities[0].argmax())
    assert verdict == f"{ABAW_COMPOUND_7.names[best]} {scores.probabilities[0, best]:.2f}"
    assert units.startswith(("AU", "no clear action unit"))


def test_a_presence_above_the_faces_own_abstains(mesh, drawn_face):
    labeler = FacsLabeler(FacsOptions(presence=1e3), ABAW_COMPOUND_7)
    assert list(labeler.score(drawn_face()[None]).explanations) == [NO_FACE]


def test_facs_keeps_the_contract_of_scorers(labeler, drawn_face):
    check_scorer(labeler, ABAW_COMPOUND_7)
    check_scorer(labeler, ABAW_COMPOUND_7, np.stack([drawn_face(0), drawn_face(1)]))
    assert isinstance(labeler, JointScorer)


@pytest.mark.parametrize("baseline", ["clip", "batch", "fixed"])
def test_judging_does_not_depend_on_the_order_of_faces(mesh, drawn_face, baseline):
    labeler = FacsLabeler(FacsOptions(baseline=baseline), ABAW_COMPOUND_7)
    measures = labeler.measure(np.stack([drawn_face(bend) for bend in (-1, 0, 0.4, 1)]))
    frames = pd.DataFrame({"clip": ["a", "a", "b", "b"], "frame": [0, 1, 0, 1]})
    order = [2, 0, 3, 1]
    straight = labeler.judge(measures, frames).probabilities
    shuffled = labeler.judge(measures[order], frames.iloc[order].reset_index(drop=True)).probabilities
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-5)


def test_a_class_without_prototype_is_refused(mesh):
    with pytest.raises(ConfigError, match="labeler 'facs' has no prototype for 'Bored'"):
        FacsLabeler(FacsOptions(), LabelSpace("own", (Label("Bored"), Label("Fear", (), ("fear",)))))


def test_a_wrong_weights_file_is_refused(tmp_path):
    path = tmp_path / "mesh.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(WeightsError, match="wrong sha256"):
        FacsLabeler(FacsOptions(weights=path), ABAW_COMPOUND_7)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "mesh.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(WeightsError, match="is not the Face Mesh model"):
        FaceMesh(path)


def test_announcing_imports_nothing_heavy():
    code = (
        "import sys, harness_facs; print([n for n in ('cv2', 'numpy', 'ai_edge_litert', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_announcement_is_complete():
    (spec,) = harness_facs.harness_labelers()
    assert (spec.name, spec.options, spec.requires) == ("facs", FacsOptions, ("ai_edge_litert", "cv2"))


def test_the_prototypes_file_decides_the_result(tmp_path):
    assert FacsOptions().sources() == []
    assert FacsOptions(prototypes_file=tmp_path / "own.toml").sources() == [tmp_path / "own.toml"]
