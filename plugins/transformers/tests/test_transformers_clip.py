"""The labeler `clip`: CLIP and SigLIP against a computation by hand."""

import numpy as np
import pytest
from harness_transformers.clip import ClipScorer
from harness_transformers.options import ClipOptions
from PIL import Image

from harness.errors import ConfigError
from harness.expressions import RAF_DB_BASIC_7
from harness.plugins import Registry
from harness.testing.labelers import check_scorer

TEMPLATES = ("a photo of a {label} face", "{label}")


def by_hand(folder, faces, *, full_length):
    """(N, C) cosines, and the model: one text and one face at a time, without the labeler's code."""
    from transformers import AutoModel, AutoProcessor

    model = AutoModel.from_pretrained(folder).eval().requires_grad_(False)
    processor = AutoProcessor.from_pretrained(folder)
    padding = {"padding": "max_length", "max_length": 64} if full_length else {}
    images, classes = [], []
    for face in faces:
        features = model.get_image_features(**processor(images=Image.fromarray(face), return_tensors="pt"))
        images.append(features.pooler_output[0].numpy())
    for name in RAF_DB_BASIC_7.names:
        texts = [processor(text=one.format(label=name.lower()), return_tensors="pt", **padding) for one in TEMPLATES]
        units = [model.get_text_features(**text).pooler_output[0].numpy() for text in texts]
        classes.append(np.mean([unit / np.linalg.norm(unit) for unit in units], axis=0))
    rows, columns = (np.array(side) / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, classes))
    return rows @ columns.T, model


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_scorer_keeps_the_contract(kind, request):
    options = {"model": str(request.getfixturevalue(kind)), "batch_size": 2}
    scorer = Registry.discover().build("labelers", "clip", options, label_space=RAF_DB_BASIC_7)
    check_scorer(scorer, RAF_DB_BASIC_7)


def test_clip_gives_the_softmax_of_scaled_cosines(clip, faces):
    cosines, model = by_hand(clip, faces, full_length=False)
    powers = np.exp(cosines * float(model.logit_scale.exp()) / 0.5)
    found = ClipScorer(ClipOptions(model=str(clip), templates=TEMPLATES, temperature=0.5), RAF_DB_BASIC_7).score(faces)
    np.testing.assert_allclose(found.probabilities, powers / powers.sum(1, keepdims=True), atol=1e-5)


def test_siglip_gives_its_sigmoids_divided_by_their_sum(siglip, faces):
    cosines, model = by_hand(siglip, faces, full_length=True)
    fits = 1 / (1 + np.exp(-(cosines * float(model.logit_scale.exp()) + float(model.logit_bias))))
    found = ClipScorer(ClipOptions(model=str(siglip), templates=TEMPLATES), RAF_DB_BASIC_7).score(faces)
    np.testing.assert_allclose(found.probabilities, fits / fits.sum(1, keepdims=True), atol=1e-5)
    softmax = np.exp(cosines * float(model.logit_scale.exp()))
    assert np.abs(found.probabilities - softmax / softmax.sum(1, keepdims=True)).max() > 1e-3  # the bias counts


def test_a_model_that_compares_in_another_way_is_refused(align):
    with pytest.raises(ConfigError, match="of type 'align' does not compare as CLIP and SigLIP do"):
        ClipScorer(ClipOptions(model=str(align)), RAF_DB_BASIC_7)
