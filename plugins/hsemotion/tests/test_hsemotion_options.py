import subprocess
import sys
from pathlib import Path

import harness_hsemotion
import pytest
from harness_hsemotion.catalogue import AFFECTNET_8, FER2013, HSEMOTION
from harness_hsemotion.emotions import EMOTIONS
from harness_hsemotion.options import BasicOnnxOptions, Fer2013Options, HSEmotionOptions
from pydantic import ValidationError


def test_announcing_imports_nothing_heavy():
    heavy = ("cv2", "numpy", "ai_edge_litert", "onnxruntime", "pandas")
    code = f"import sys, harness_hsemotion; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_announcements_are_complete():
    specs = {spec.name: spec for spec in harness_hsemotion.harness_labelers()}
    assert list(specs) == ["hsemotion", "fer2013", "basic-onnx"]
    assert specs["fer2013"].requires == ("ai_edge_litert", "cv2")
    assert all("onnxruntime" in specs[name].requires for name in ("hsemotion", "basic-onnx"))


@pytest.mark.parametrize("model", HSEMOTION)
def test_every_published_network_has_a_card_a_pinned_file_and_an_address(model):
    card, weights = HSEmotionOptions(model=model).published
    assert set(card.emotions) < set(EMOTIONS)
    assert card.side == (112 if model.startswith("mbf") else 260 if "_b2_" in model else 224)
    assert card.ignored == (2 if model.endswith("mtl") else 0)
    assert ("contempt" in card.emotions) == (not model.endswith("_7"))
    assert len(weights.sha256) == 64
    assert all(url.endswith(f"/{model}.onnx") for url in weights.urls)


def test_the_options_offer_every_network_of_the_catalogue():
    assert set(HSEMOTION) == set(HSEmotionOptions.model_fields["model"].annotation.__args__)
    assert len({weights.sha256 for _, weights in HSEMOTION.values()}) == len(HSEMOTION)


def test_the_sha256_of_the_weights_is_a_fact_and_their_path_is_none():
    options = Fer2013Options(weights=Path("somewhere"))
    assert options.facts() == {"weights": FER2013[1].sha256}
    assert options.sources() == []
    own = HSEmotionOptions(weights=Path("mine.onnx"), weights_sha256="a" * 64)
    assert own.facts() == {"weights": "a" * 64}


def test_the_contents_of_a_network_of_ones_own_decide_the_result():
    options = BasicOnnxOptions(weights=Path("mine.onnx"), emotions=("happy", "sad"))
    assert options.sources() == [Path("mine.onnx")]
    assert options.emotions == ("happiness", "sadness")


def test_mean_and_std_that_are_not_given_are_in_the_unit_of_the_pixels():
    colour = BasicOnnxOptions(weights=Path("a"), emotions=AFFECTNET_8, highest=255).card
    assert colour.mean == pytest.approx((123.675, 116.28, 103.53))
    assert colour.std == pytest.approx((58.395, 57.12, 57.375))
    grey = BasicOnnxOptions(weights=Path("a"), emotions=AFFECTNET_8, colour="grey").card
    assert (grey.mean, grey.std) == ((0.5,), (0.5,))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"emotions": ("happy", "hapy")}, "emotion 'hapy' is not known"),
        ({"emotions": ("happy", "joy")}, "happiness is named twice"),
        ({"emotions": ("happy",)}, "at least 2"),
        ({"mean": (1.0, 2.0)}, "mean: 2 numbers; give one, or one for each of three channels"),
        ({"std": (0.0,)}, "greater than 0"),
        ({"emotion_weights": {"surprise": 2.0}}, "are of compose 'weighted', not of 'mean'"),
        ({"compose": "weighted", "emotion_weights": {"surprise": -1.0}}, "greater than or equal to 0"),
        ({"compose": "weighted", "emotion_weights": {"joy": 1, "happy": 2}}, "two of these name the same emotion"),
        ({"compose": "weighted", "emotion_weights": {"suprise": 1}}, "emotion 'suprise' is not known; did you mean"),
        ({"compose": "median"}, "'mean', 'geometric', 'harmonic', 'product', 'minimum' or 'weighted'"),
        ({"colour": "cmyk"}, "'rgb', 'bgr' or 'grey'"),
        ({"temperature": 0}, "greater than 0"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        BasicOnnxOptions(**{"weights": Path("a.onnx"), "emotions": ("happy", "sad"), **options})


def test_several_outputs_may_be_none_of_the_emotions():
    assert BasicOnnxOptions(weights=Path("a"), emotions=("happy", "other", "unknown")).emotions[1:] == ("other",) * 2
