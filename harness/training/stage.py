"""Stage `train`: labelled faces -> one trained network.

params  backbone, head, loss, recipe, label_space, image_size (none: the backbone's own), centre_crop, seed, precision,
        device, labels ("truth" or "pseudo"); threads (none: as torch chooses)
inputs  faces (folder), labels (a truth or a pseudo-label artifact), start (optional: a train artifact to go on from)
writes  model.safetensors, history.csv, training.json
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from harness.errors import ConfigError
from harness.expressions import LabelSpace
from harness.stage import StageContext
from harness.training import checkpoint
from harness.training.arithmetic import Arithmetic, candidates, choose_device, fastest
from harness.training.data import (
    Examples,
    annotated,
    centre_crops,
    class_counts,
    on_device,
    pseudo_labelled,
    require_two_classes,
)
from harness.training.loop import Fitted, fit
from harness.training.memory import out_of_memory_as_advice, released
from harness.training.network import Classifier, make_classifier
from harness.training.options import HeadOptions, Recipe
from harness.training.split import split_by_subject

MODEL, HISTORY, RECORD = "model.safetensors", "history.csv", "training.json"


@dataclass(frozen=True)
class Split:
    """Rows of the examples that are trained on and validated on, and the classes of each part in class-id order."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    training_counts: NDArray[np.int64]
    validation_counts: NDArray[np.int64]


def run(context: StageContext) -> None:
    """Train one network; see the module's text. DataError for labels that nothing can be learnt from."""
    with released():
        _run(context)


def _run(context: StageContext) -> None:
    params, space = context.params, context.label_space
    recipe, head = Recipe.model_validate(params["recipe"]), HeadOptions.model_validate(params["head"])
    if threads := params.get("threads"):
        torch.set_num_threads(int(threads))
    device = choose_device(params["device"])
    begin = time.perf_counter()
    examples = _examples(context)
    split = _split(context, examples, recipe, space)
    torch.manual_seed(int(params["seed"]))
    backbone = context.build("backbones", params["backbone"])
    image_size, share = int(params["image_size"] or backbone.input_size), float(params.get("centre_crop", 1.0))
    weights = _starting_point(context, backbone.weights)
    network = make_classifier(backbone, head, len(space))
    if "start" in context.inputs:
        _continue_from(context.inputs["start"], network, params["backbone"], space)
    loss = context.build("losses", params["loss"], class_counts=torch.from_numpy(split.training_counts)).to(device)

    context.progress("loading faces", 0, None)
    with out_of_memory_as_advice(params["backbone"]["use"], image_size, recipe.micro_batch or recipe.batch_size):
        images = on_device(centre_crops(context.inputs["faces"], examples.faces, image_size, share), device)
        arithmetic, rates = _arithmetic(context, network, device, image_size, recipe)
        fitted = fit(
            network,
            loss,
            images,
            torch.from_numpy(examples.labels).to(device),
            torch.from_numpy(split.training),
            torch.from_numpy(split.validation),
            recipe,
            arithmetic,
            seed=int(params["seed"]),
            keep_start="start" in context.inputs,
            progress=lambda done, total: context.progress("training", done, total),
        )
    made_of = checkpoint.Checkpoint(
        params["backbone"],
        head,
        space,
        image_size,
        tuple(backbone.mean),
        tuple(backbone.std),
        arithmetic.as_dict(),
        share,
    )
    checkpoint.save(context.folder / MODEL, fitted.state, made_of)
    pd.DataFrame(fitted.history).to_csv(context.folder / HISTORY, index=False)
    record = _record(params, space, split, examples, fitted) | {
        "weights": weights,
        "image_size": image_size,
        "parameters": sum(one.numel() for one in network.parameters()),
        "arithmetic": arithmetic.as_dict() | {"threads": torch.get_num_threads(), "probe_images_per_second": rates},
        "seconds": round(time.perf_counter() - begin, 3),
    }
    (context.folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _examples(context: StageContext) -> Examples:
    source = annotated if context.params["labels"] == "truth" else pseudo_labelled
    return source(context.inputs["faces"], context.inputs["labels"])


def _split(context: StageContext, examples: Examples, recipe: Recipe, space: LabelSpace) -> Split:
    """The parts, with a notice for classes that cannot be learnt and for a validation part that came out empty."""
    kind = "annotations" if context.params["labels"] == "truth" else "pseudo-labels"
    training, validation = split_by_subject(
        examples.labels, examples.subjects, recipe.validation, int(context.params["seed"])
    )
    counts = class_counts(examples.labels[training], len(space))
    require_two_classes(counts, space)
    for name in _absent(counts, space):
        context.notice(f"{kind}: no training label reaches class {name!r}; the networks cannot learn it from them")
    if recipe.validation and not len(validation):
        context.notice(
            f"{kind}: too few subjects ({len(np.unique(examples.subjects))}) to hold any out; "
            "the last epoch is kept instead of the best"
        )
    return Split(training, validation, counts, class_counts(examples.labels[validation], len(space)))


def _absent(counts: NDArray[np.int64], space: LabelSpace) -> list[str]:
    return [space.names[class_id] for class_id in np.flatnonzero(counts == 0)]


def _starting_point(context: StageContext, weights: str) -> str:
    """What the network starts from, for the record; a fallback to random weights is told unless it does not count."""
    if "start" in context.inputs:
        return f"a network trained before ({context.inputs['start'].name[:12]})"
    if weights.startswith("random") and weights != "random":
        context.notice(f"{context.params['backbone']['use']} starts from {weights}")
    return weights


def _continue_from(start: Path, network: Classifier, backbone: Mapping[str, Any], space: LabelSpace) -> None:
    """Fill the network from an earlier train artifact; ConfigError if that was another network or label space."""
    earlier = checkpoint.read(start / MODEL)
    if (earlier.backbone["use"], earlier.label_space.names) != (backbone["use"], space.names):
        raise ConfigError(
            f"cannot go on training {backbone['use']!r} ({space.name}) from a {earlier.backbone['use']!r} "
            f"({earlier.label_space.name}); backbone and classes must be the same"
        )
    checkpoint.load_state(network, start / MODEL)


def _arithmetic(
    context: StageContext, network: Classifier, device: torch.device, image_size: int, recipe: Recipe
) -> tuple[Arithmetic, dict[str, float]]:
    """The arithmetic asked for; what is left open is probed, or taken over from a start of the same size."""
    choices = candidates(context.params["precision"], device)
    if "start" in context.inputs:
        earlier = checkpoint.read(context.inputs["start"] / MODEL)
        same = [one for one in choices if one.as_dict() == earlier.arithmetic]
        choices = same if same and earlier.image_size == image_size else choices
    context.progress("choosing precision", 0, None)
    batch = recipe.micro_batch or recipe.batch_size
    return fastest(network, choices, image_size, batch, training=not recipe.freeze_backbone)


def _record(
    params: Mapping[str, Any], space: LabelSpace, split: Split, examples: Examples, fitted: Fitted
) -> dict[str, Any]:
    def part(rows: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, Any]:
        return {
            "faces": len(rows),
            "subjects": len(np.unique(examples.subjects[rows])),
            "classes": dict(zip(space.names, counts.tolist(), strict=True)),
            "classes_missing": _absent(counts, space),
        }

    return {
        "backbone": params["backbone"],
        "head": params["head"],
        "loss": params["loss"],
        "recipe": params["recipe"],
        "labels": params["labels"],
        "label_space": space.as_dict(),
        "seed": params["seed"],
        "training": part(split.training, split.training_counts),
        "validation": part(split.validation, split.validation_counts),
        "epochs": int(fitted.history[-1]["epoch"]) if fitted.history else 0,
        "best_epoch": fitted.best_epoch,
        "validation_macro_f1": fitted.validation_macro_f1,
    }
