"""Stage `predict`: a trained network's probabilities for every face.

params  batch, precision, device, flip (average with the mirror image); threads (none: as torch chooses);
        others (predict the further faces of others.parquet instead)
inputs  model (a train artifact), faces
writes  probabilities.npy: (F, C) float32, the row is the face id; prediction.json: how it was computed
"""

from __future__ import annotations

import json
import time

import numpy as np
import torch

from harness.faces.artifact import CROPS, OTHERS, read_faces
from harness.stage import StageContext
from harness.training import checkpoint
from harness.training.arithmetic import Arithmetic, candidates, choose_device, fastest
from harness.training.data import centre_crops, on_device
from harness.training.inference import probabilities_of
from harness.training.memory import out_of_memory_as_advice, released
from harness.training.network import Classifier
from harness.training.stage import MODEL

PROBABILITIES, RECORD = "probabilities.npy", "prediction.json"
CHUNK = 1024  # faces decoded at once: memory does not grow with the length of the videos
WORTH_PROBING = 2048  # with fewer faces the probe takes longer than it saves


def run(context: StageContext) -> None:
    """Predict all faces; see the module's text."""
    with released():
        _run(context)


def _run(context: StageContext) -> None:
    params = context.params
    if threads := params.get("threads"):
        torch.set_num_threads(int(threads))
    begin = time.perf_counter()
    device = choose_device(params["device"])
    network, made_of = checkpoint.load(context.inputs["model"] / MODEL, context.registry)
    batch, flip = int(params["batch"]), bool(params.get("flip", False))
    table = OTHERS if params.get("others") else CROPS
    count = len(read_faces(context.inputs["faces"], table))
    probabilities = np.full((count, len(made_of.label_space)), np.nan, np.float32)
    with out_of_memory_as_advice(made_of.backbone["use"], made_of.image_size, batch):
        arithmetic = _arithmetic(network, made_of, params["precision"], device, batch, count)
        arithmetic.place(network)
        for first in range(0, count, CHUNK):
            context.progress("predicting", first, count)
            faces = np.arange(first, min(first + CHUNK, count))
            crops = centre_crops(context.inputs["faces"], faces, made_of.image_size, made_of.centre_crop, table)
            images = on_device(crops, device)
            probabilities[faces] = probabilities_of(network, images, batch, arithmetic, flip=flip).numpy()
    context.progress("predicting", count, count)
    np.save(context.folder / PROBABILITIES, probabilities)
    record = {"faces": count, "flip": flip, "arithmetic": arithmetic.as_dict()}
    record["seconds"] = round(time.perf_counter() - begin, 3)
    (context.folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _arithmetic(
    network: Classifier, made_of: checkpoint.Checkpoint, precision: str, device: torch.device, batch: int, faces: int
) -> Arithmetic:
    """The training's arithmetic where it is among what is asked for, or the fastest if there is much to predict."""
    choices = candidates(precision, device)
    same = [one for one in choices if one.as_dict() == made_of.arithmetic]
    if same and faces < WORTH_PROBING:
        return same[0]
    return fastest(network, choices, made_of.image_size, batch, training=False)[0]
