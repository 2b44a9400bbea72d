from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from harness.errors import ConfigError, DataError, StageError
from harness.expressions import Label, LabelSpace
from harness.faces.artifact import read_crops
from harness.training import checkpoint
from harness.training.data import on_device, pixels
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


def test_colours_reach_the_network_in_the_order_that_its_normalisation_is_in(made, registry, run_stage):
    """The authors' code subtracts BGR means from RGB images."""
    model = run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}).folder / "model.safetensors"
    network, _ = checkpoint.load(model, registry)
    seen = []
    network.backbone.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    images = on_device(read_crops(made.faces, np.array([0, 1, 2])), torch.device("cpu"))  # red, green, blue
    network.eval()(pixels(images, torch.arange(3), channels_last=False))
    assert seen[0].mean((2, 3)).argmax(1).tolist() == [0, 1, 2]
    brightest = images.float().mean((1, 2)).amax(1) / 255
    torch.testing.assert_close(seen[0].mean((2, 3)).amax(1), (brightest - 0.5) / 0.25)


def test_the_last_epoch_is_kept_where_that_is_wanted(made, run_stage):
    recipe = {"epochs": 5, "checkpoint": "last", "patience": None}
    found = record(run_stage(train, "model", {"faces": made.faces, "labels": made.truth()}, recipe=recipe))
    assert (found["kept_epoch"], found["epochs"]) == (5, 5)
    assert found["validation_macro_f1"] is not None


SEMI_SUPERVISED = {
    "soft": {"targets": "soft"},
    "weighted": {"confidence_power": 2.0},
    "balanced": {"sampling": "balanced"},
    "few": {"most_per_class": 5},
    "teacher": {"mean_teacher": {"decay": 0.8}},
    "all, in micro-batches": {
        "targets": "soft", "confidence_power": 1.0, "sampling": "balanced", "mean_teacher": {"decay": 0.8},
        "micro_batch": 3,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SEMI_SUPERVISED)
def test_each_way_to_use_pseudo_labels_learns(made, run_stage, name):
    labels = made.pseudo_labels([True] * 18 + [False] * 6)
    table = pd.read_parquet(labels / "labels.parquet")
    soft = list(np.eye(3)[LABELS] * 0.7 + 0.1)
    table.assign(confidence=np.linspace(0.5, 1, 24), probabilities=soft).to_parquet(labels / "labels.parquet")
    recipe = {"epochs": 12, "patience": None} | SEMI_SUPERVISED[name]
    context = run_stage(train, "tuned", {"faces": made.faces, "labels": labels}, labels="pseudo", recipe=recipe)
    found = record(context)
    assert found["validation_macro_f1"] == 1.0
    assert found["unlabelled"] == (6 if "mean_teacher" in SEMI_SUPERVISED[name] else 0)
    assert found["training"]["faces"] + found["validation"]["faces"] == (15 if name == "few" else 18)


class FullGpu:
    """A network that has room for so many images at once, wherever it runs."""

    def __init__(self, room):
        self.room, self.seen = room, []

    def __call__(self, module, inputs):
        if module.training:
            self.seen.append(len(inputs[0]))
            if len(inputs[0]) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")


@pytest.mark.parametrize("room", [4, 2])
def test_a_full_gpu_means_half_the_micro_batch_and_a_notice_or_else_advice(made, run_stage, monkeypatch, room):
    gpu = FullGpu(room)
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, inputs: gpu(module, inputs) if type(module).__name__ == "Classifier" else None
    )
    monkeypatch.setattr("harness.training.stage.fastest", lambda _network, choices, *_, **__: (choices[0], {}))
    inputs = {"faces": made.faces, "labels": made.truth()}
    try:
        if room == 4:
            context = run_stage(train, "model", inputs)
            assert context.notices == [
                "out of GPU memory: tiny could not be trained with 8 images at once and was with 4; "
                "set micro_batch = 4 in the recipe"
            ]
            assert record(context)["epochs"] == 3
            assert max(gpu.seen[1:]) <= 4
        else:
            with pytest.raises(
                StageError, match=r"out of memory: tiny with 8 images of 16 px at once; set micro_batch"
            ):
                run_stage(train, "model", inputs)
    finally:
        hook.remove()
