import re

import numpy as np
import pytest
from harness_hsemotion.catalogue import FER2013_7
from harness_hsemotion.labeler import LOOK_LIKE_PROBABILITIES, NO_NUMBERS, basic_onnx, fer2013, hsemotion
from harness_hsemotion.options import BasicOnnxOptions, Fer2013Options, HSEmotionOptions

from harness.components import Scorer
from harness.errors import ConfigError, WeightsError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7
from harness.plugins import Registry
from harness.testing import check_scorer
from harness.weights import sha256_of

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
EMOTIONS = ("surprise", "fear", "happiness", "neutral", "anger", "disgust", "sadness")


def own(path, **options):
    given = {"weights": path, "emotions": EMOTIONS, "mean": (0.0,), "std": (1.0,), "size": 16}
    return basic_onnx(BasicOnnxOptions(**{**given, **options}), ABAW_COMPOUND_7)


@pytest.fixture(scope="module")
def fer(fer_weights):
    return fer2013(Fer2013Options(), ABAW_COMPOUND_7)


@pytest.fixture(scope="session")
def drawn_face():
    """A face of a few strokes, grey, 128 x 128; `smile` bends the mouth up, `gape` opens it and raises the brows."""
    import cv2

    def draw(smile=0.0, gape=0.0):
        image = np.full((256, 256), 120, np.uint8)
        cv2.ellipse(image, (128, 128), (104, 126), 0, 0, 360, 190, -1, cv2.LINE_AA)
        for side in (-1, 1):
            eye = (128 + side * 44, 100)
            cv2.ellipse(image, eye, (20, int(9 + 7 * gape)), 0, 0, 360, 245, -1, cv2.LINE_AA)
            cv2.circle(image, eye, 8, 40, -1, cv2.LINE_AA)
            cv2.ellipse(image, (eye[0], int(82 - 16 * gape)), (26, 8), 0, 180, 360, 60, 6, cv2.LINE_AA)
            cv2.line(image, (128, 110), (120, 150), 150, 3, cv2.LINE_AA)
        if gape:
            cv2.ellipse(image, (128, 196), (20, int(34 * gape)), 0, 0, 360, 50, -1, cv2.LINE_AA)
        else:
            across = np.linspace(-44, 44, 40)
            bend = 200 - smile * (across / 44) ** 2 * 26
            mouth = np.c_[128 + across, bend].astype(np.int32)
            cv2.polylines(image, [mouth], False, 60, 9, cv2.LINE_AA)
        image = cv2.GaussianBlur(image, (0, 0), 1.5)
        return np.repeat(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA)[:, :, None], 3, 2)

    return draw


def test_a_network_of_ones_own_is_composed(colour_network, plain_faces):
    labeler = own(colour_network())
    scores = labeler.score(plain_faces(RED, GREEN))
    logits = np.array([4, 0, 0, -4, 0, 2, 1.0])  # of a red face
    basics = dict(zip(EMOTIONS, np.exp(logits) / np.exp(logits).sum(), strict=True))
    means = np.array([(basics[a] + basics[b]) / 2 for a, b in (label.basics for label in ABAW_COMPOUND_7.labels)])
    np.testing.assert_allclose(scores.probabilities[0], means / means.sum(), rtol=1e-4)
    assert scores.probabilities.dtype == np.float32
    assert scores.explanations[0].startswith("surprise 0.81 disgust 0.11: Disgustedly Surprised 0.")


def test_names_colours_and_outputs_are_as_the_options_say(colour_network, plain_faces):
    faces = plain_faces(RED, GREEN, BLUE)
    straight = own(colour_network()).basics(faces)
    np.testing.assert_allclose(own(colour_network(name="bgr"), colour="bgr").basics(faces)[::-1], straight, rtol=1e-5)
    softmax = colour_network(name="softmax", softmax=True)
    np.testing.assert_allclose(own(softmax, output="probabilities").basics(faces), straight, rtol=1e-4)
    nhwc = colour_network(name="last", layout="nhwc", batch=2, side=16)
    np.testing.assert_allclose(own(nhwc, size=None).basics(faces), straight, rtol=1e-5)


def test_outputs_that_are_no_emotions_are_ignored(colour_network, plain_faces):
    found = own(colour_network(), emotions=(*EMOTIONS[:3], "sad", "angry", "disgust"), ignored=1)
    logits = np.array([4, 0, 0, -4, 0, 2.0])
    np.testing.assert_allclose(found.basics(plain_faces(RED))[0], np.exp(logits) / np.exp(logits).sum(), rtol=1e-4)


def test_temperature_softens_and_hardens(colour_network, plain_faces):
    faces = plain_faces(RED)
    hard, plain, soft = (own(colour_network(), temperature=t).basics(faces)[0].max() for t in (0.5, 1.0, 4.0))
    assert hard > plain > soft


@pytest.mark.parametrize("rule", ["mean", "geometric", "harmonic", "product", "minimum", "weighted"])
def test_every_rule_keeps_the_contract_of_scorers(colour_network, rule):
    labeler = own(colour_network(), compose=rule, rest="spread")
    check_scorer(labeler, ABAW_COMPOUND_7)
    assert isinstance(labeler, Scorer)


def test_fer2013_keeps_the_contract_of_scorers(fer, drawn_face):
    check_scorer(fer, ABAW_COMPOUND_7)
    check_scorer(fer, ABAW_COMPOUND_7, np.stack([drawn_face(), drawn_face(gape=1)]))
    check_scorer(fer2013(Fer2013Options(), RAF_DB_BASIC_7), RAF_DB_BASIC_7)


def test_real_weights_see_a_smile(fer, drawn_face):
    sullen, smiling = fer.basics(np.stack([drawn_face(-1), drawn_face(1)]))
    happiness = FER2013_7.index("happiness")
    assert smiling[happiness] > sullen[happiness] + 0.1


def test_a_margin_is_cut_away_by_the_centre_crop(fer_weights, fer, drawn_face):
    face = drawn_face(gape=1)
    wide = np.pad(face, ((32, 32), (32, 32), (0, 0)), constant_values=120)
    cut = fer2013(Fer2013Options(centre_crop=128 / 192), ABAW_COMPOUND_7)
    np.testing.assert_allclose(cut.basics(wide[None]), fer.basics(face[None]), atol=1e-5)


def test_hsemotion_takes_a_file_of_ones_own_by_its_sha256(colour_network, plain_faces):
    weights = np.concatenate([np.eye(3, dtype=np.float32)] * 3)[:8]
    path = colour_network(weights=weights, side=224)
    labeler = hsemotion(HSEmotionOptions(weights=path, weights_sha256=sha256_of(path)), ABAW_COMPOUND_7)
    white = (np.ones(3) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    logits = weights @ white
    found = labeler.basics(plain_faces((255, 255, 255), size=224))
    np.testing.assert_allclose(found[0], np.exp(logits) / np.exp(logits).sum(), rtol=1e-3)
    check_scorer(labeler, ABAW_COMPOUND_7)


def test_valence_and_arousal_of_multi_task_networks_are_left_out(colour_network, plain_faces):
    weights = np.zeros((10, 3), np.float32)
    weights[8:] = 100
    path = colour_network(weights=weights, side=112)
    options = HSEmotionOptions(model="mbf_va_mtl", weights=path, weights_sha256=sha256_of(path))
    found = hsemotion(options, ABAW_COMPOUND_7).basics(plain_faces(RED))
    np.testing.assert_allclose(found, np.full((1, 8), 1 / 8), rtol=1e-6)


def test_a_wrong_weights_file_is_refused_and_the_way_out_told(colour_network):
    with pytest.raises(WeightsError, match=r"wrong sha256: expected fa07e841.*; for weights of your own set weights_"):
        hsemotion(HSEmotionOptions(weights=colour_network()), ABAW_COMPOUND_7)


def test_weights_that_are_nowhere_say_where_they_could_be(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("HARNESS_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match=r"'enet_b2_8.onnx' not found; looked at .*put enet_b2_8.onnx into a folder"):
        hsemotion(HSEmotionOptions(model="enet_b2_8"), ABAW_COMPOUND_7)


def test_a_network_that_is_not_there_is_told(tmp_path):
    with pytest.raises(WeightsError, match=r"gone\.onnx does not exist; give the path of the network's \.onnx file"):
        own(tmp_path / "gone.onnx")


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ({}, {"size": None}, "takes images of any size; set size as it was trained"),
        ({"side": 8}, {}, "wants images of 8 pixels a side, not 16"),
        ({"weights": np.ones((7, 1), np.float32)}, {}, "wants images of one channel; set colour = 'grey'"),
        (
            {"weights": np.ones((7, 1), np.float32)},
            {"mean": (1.0, 2.0, 3.0), "colour": "grey"},
            "mean has 3 numbers, but the network's images have 1 channel",
        ),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(colour_network, file, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        own(colour_network(**file), **options)


def test_a_wrong_number_of_emotions_is_refused(colour_network, plain_faces):
    labeler = own(colour_network(), ignored=1)
    message = "the network gives 7 numbers a face, but 7 emotions and 1 ignored outputs were expected"
    with pytest.raises(ConfigError, match=message):
        labeler.score(plain_faces(RED))


def test_logits_taken_for_probabilities_are_refused(colour_network, plain_faces):
    with pytest.raises(ConfigError, match="outputs are no probabilities, .*; set output = 'logits'"):
        own(colour_network(), output="probabilities").score(plain_faces(RED))


def test_probabilities_taken_for_logits_are_noticed_once(colour_network, plain_faces):
    labeler = own(colour_network(softmax=True))
    for _ in range(2):
        labeler.score(plain_faces(RED, GREEN))
    assert labeler.notices == [LOOK_LIKE_PROBABILITIES]


def test_a_face_without_finite_outputs_is_an_abstention(colour_network, plain_faces):
    weights = np.full((7, 3), np.nan, np.float32)
    scores = own(colour_network(weights=weights)).score(plain_faces(RED))
    assert np.isnan(scores.probabilities).all()
    assert list(scores.explanations) == [NO_NUMBERS]


def test_the_harness_finds_and_builds_the_labelers(colour_network):
    registry = Registry.discover()
    options = {"weights": str(colour_network()), "emotions": list(EMOTIONS), "size": 16}
    labeler = registry.build("labelers", "basic-onnx", options, label_space=ABAW_COMPOUND_7)
    check_scorer(labeler, ABAW_COMPOUND_7)
    assert {"hsemotion", "fer2013"} <= set(registry.names("labelers"))
