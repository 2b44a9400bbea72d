"""What the labeler `facs` costs a face. Run with `make bench`; in the suite each runs once."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import WeightsError
from harness.expressions import ABAW_COMPOUND_7
from harness.weights import find

FACES = 16


@pytest.fixture(scope="module")
def labeler():
    labelers = pytest.importorskip("harness_facs.labeler")
    options = pytest.importorskip("harness_facs.options")
    try:
        find(pytest.importorskip("harness_facs.face_mesh").FACE_LANDMARK, download=False)
    except WeightsError as error:
        pytest.skip(str(error))
    return labelers.FacsLabeler(options.FacsOptions(presence=-100), ABAW_COMPOUND_7)


def test_measuring_16_crops_of_224_pixels(benchmark, labeler):
    """Face Mesh on one thread, once a crop; divide by 16 for a face."""
    noise = np.random.default_rng(0).integers(0, 256, (FACES, 224, 224, 3), dtype=np.uint8)
    measures = benchmark(labeler.measure, noise)
    assert measures.shape[0] == FACES


def test_judging_5000_faces_of_50_clips(benchmark, labeler):
    """The baselines of all clips and the posterior of all faces, once for a whole run."""
    random = np.random.default_rng(0)
    count = 5000
    measures = (random.normal(0, 0.02, (count, 13)) + random.normal(0, 0.02, (1, 13))).astype(np.float32)
    frames = pd.DataFrame({"clip": [f"clip-{row % 50}" for row in range(count)], "frame": range(count)})
    scores = benchmark(labeler.judge, measures, frames)
    assert np.isfinite(scores.probabilities).all()
