from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.errors import ConfigError, DataError
from harness.expressions import Label, LabelSpace
from harness.training import checkpoint
from harness.training.predict import run as predict
from harness.training.stage import run as train

LABELS = [0, 1, 2, 0, 1, 2] * 4


def record(context):
    return json.loads((context.folder / "training.json").read_text())


@pytest.fixture
def made(artifacts):
    return artifacts(LABELS)


def test_a_network_is_trained_on_annotations_and_written_down(made, run_stage):
    context = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, recipe={"epochs": 6})
    found = record(context)
    assert found["validation_macro_f1"] == 1.0
    assert found["weights"] == "random"
    assert found["image_size"] == 16
    assert found["training"]["faces"] + found["validation"]["faces"] == len(LABELS)
    assert found["training"]["subjects"] + found["validation"]["subjects"] == len(LABELS) / 2
    assert found["arithmetic"]["precision"] == "float32"
    history = pd.read_csv(context.folder / "history.csv")
    assert {"epoch", "train_loss", "validation_macro_f1", "seconds", "images_per_second"} <= set(history)
    assert checkpoint.read(context.folder / "model.safetensors").label_space.name == "colours"
    assert context.notices == []


def test_training_goes_on_from_an_earlier_network_with_pseudo_labels(made, run_stage):
    first = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, recipe={"epochs": 6})
    inputs = {"faces": made.faces, "labels": made.pseudo_labels([True] * 20 + [False] * 4), "start": first.folder}
    second = run_stage(train, "tuned", inputs, labels="pseudo", recipe={"epochs": 1, "learning_rate": 1e-6})
    found = record(second)
    assert found["weights"].startswith("a network trained before")
    assert found["validation_macro_f1"] == 1.0
    assert found["training"]["faces"] + found["validation"]["faces"] == 20
    assert pd.read_csv(second.folder / "history.csv")["epoch"].tolist() == [0, 1]


def test_every_face_gets_probabilities_in_order_of_its_id(made, run_stage):
    model = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, recipe={"epochs": 6}).folder
    probabilities = np.load(
        run_stage(predict, "predictions", {"model": model, "faces": made.faces}).folder / "probabilities.npy"
    )
    assert probabilities.shape == (len(LABELS), 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == LABELS).mean() > 0.95
    mirrored = run_stage(predict, "mirrored", {"model": model, "faces": made.faces}, flip=True).folder
    assert not np.array_equal(np.load(mirrored / "probabilities.npy"), probabilities)
    assert json.loads((mirrored / "prediction.json").read_text())["flip"] is True


def test_predictions_do_not_depend_on_how_many_faces_are_decoded_at_once(made, run_stage, monkeypatch):
    model = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}).folder
    inputs = {"model": model, "faces": made.faces}
    whole = np.load(run_stage(predict, "whole", inputs).folder / "probabilities.npy")
    monkeypatch.setattr("harness.training.predict.CHUNK", 5)
    parts = np.load(run_stage(predict, "parts", inputs).folder / "probabilities.npy")
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_progress_reaches_its_end(made, run_stage):
    seen = []
    inputs = {"faces": made.faces, "labels": made.truth()}
    model = run_stage(train, "model", inputs, progress=lambda *step: seen.append(step)).folder
    assert [text for text, _, _ in seen[:2]] == ["loading faces", "choosing precision"]
    assert seen[-1] == ("training", 9, 9)  # 18 images in 3 batches, 3 times
    run_stage(predict, "predictions", {"model": model, "faces": made.faces}, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("predicting", len(LABELS), len(LABELS))


def test_one_class_only_is_an_error_that_names_it(made, run_stage):
    truth = made.truth({f"clip-{face}": 2 for face in range(8)})
    with pytest.raises(DataError, match="all 6 training labels are 'blue'; a network needs at least two classes"):
        run_stage(train, "model", {"faces": made.faces, "labels": truth})


def test_a_class_that_no_label_reaches_is_reported(made, run_stage):
    truth = made.truth({f"clip-{face}": label for face, label in enumerate(LABELS) if label != 1})
    context = run_stage(train, "model", {"faces": made.faces, "labels": truth})
    assert context.notices == [
        "annotations: no training label reaches class 'green'; the networks cannot learn it from them"
    ]
    assert record(context)["validation"]["classes_missing"] == ["green"]


def test_a_single_subject_means_no_validation_and_a_notice(artifacts, run_stage):
    made = artifacts(LABELS, per_subject=len(LABELS))
    context = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()})
    assert context.notices == [
        "annotations: too few subjects (1) to hold any out; the last epoch is kept instead of the best"
    ]
    assert record(context)["kept_epoch"] == 3


def test_random_weights_that_nobody_asked_for_are_reported(made, run_stage):
    backbone = {"use": "tiny", "options": {"missing": True}}
    context = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, backbone=backbone)
    assert context.notices == ["tiny starts from random (weights not available)"]


def test_going_on_from_other_classes_is_refused(made, run_stage):
    truth = made.truth()
    first = run_stage(train, "model", {"faces": made.faces, "labels": truth})
    other = LabelSpace("moods", (Label("calm"), Label("cross"), Label("gay"))).as_dict()
    with pytest.raises(ConfigError, match=r"cannot go on training 'tiny' \(moods\) from a 'tiny' \(colours\)"):
        run_stage(train, "tuned", {"faces": made.faces, "labels": truth, "start": first.folder}, label_space=other)


def test_the_images_are_resized_and_threads_set_on_demand(made, run_stage):
    context = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, image_size=12, threads=1)
    assert record(context)["image_size"] == 12
    assert record(context)["arithmetic"]["threads"] == 1
