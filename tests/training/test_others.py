"""A network's predictions of the further faces of frames."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.errors import StoreError
from harness.faces.artifact import CROPS, OTHERS, TableWriter
from harness.training.predict import run as predict
from harness.training.stage import run as train

LABELS = [0, 1, 2] * 4


@pytest.fixture
def model(artifacts, run_stage):
    """A faces artifact and a network trained on it."""
    made = artifacts(LABELS)
    return made, run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}).folder


def write_others(folder, beside):
    """The further faces: the crops of the chosen faces `beside`, in that order."""
    rows = pq.read_table(folder / CROPS).to_pylist()
    with TableWriter(folder, OTHERS) as writer:
        for number, one in enumerate(beside):
            row = {**rows[one], "face": number, "beside": one}
            row |= dict.fromkeys(("x0", "y0", "x1", "y1", "score"), 0.0)
            writer.append({name: [value] for name, value in row.items()})


def predicted(run_stage, model, faces, name, **changes):
    folder = run_stage(predict, name, {"model": model, "faces": faces}, **changes).folder
    return np.load(folder / "probabilities.npy")


def test_further_faces_are_predicted_like_chosen_ones(model, run_stage, monkeypatch):
    made, network = model
    write_others(made.faces, [7, 0, 11, 2, 2])
    chosen = predicted(run_stage, network, made.faces, "chosen")
    np.testing.assert_allclose(
        predicted(run_stage, network, made.faces, "others", others=True), chosen[[7, 0, 11, 2, 2]], atol=1e-5
    )
    monkeypatch.setattr("harness.training.predict.CHUNK", 2)
    np.testing.assert_allclose(
        predicted(run_stage, network, made.faces, "in parts", others=True), chosen[[7, 0, 11, 2, 2]], atol=1e-5
    )


def test_no_further_face_is_an_empty_table(model, run_stage):
    made, network = model
    write_others(made.faces, [])
    assert predicted(run_stage, network, made.faces, "others", others=True).shape == (0, 3)


def test_a_damaged_table_is_one_clear_line(model, run_stage):
    made, network = model
    (made.faces / OTHERS).write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match=r"others\.parquet: damaged \(.*\); delete the artifact's folder"):
        predicted(run_stage, network, made.faces, "others", others=True)
