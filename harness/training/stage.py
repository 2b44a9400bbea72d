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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from harness.errors import ConfigError
from harness.expressions import LabelSpace
from harness.stage import StageContext
from harness.stages import STAGES
from harness.store import UNFINISHED, fingerprint_of
from harness.training import checkpoint, histories
from harness.training.arithmetic import Arithmetic, candidates, choose_device, fastest
from harness.training.data import Examples
from harness.training.loop import Fitted, fit
from harness.training.material import Split, absent, build_loss, examples_of, split, training_set
from harness.training.memory import halving_once, out_of_memory_as_advice, released
from harness.training.network import Classifier, make_classifier
from harness.training.options import FineTuning, HeadOptions
from harness.training.resume import Progress, Unfinished

MODEL, HISTORY, RECORD = "model.safetensors", histories.FILE, "training.json"


def run(context: StageContext) -> None:
    """Train one network; see the module's text. DataError for labels that nothing can be learnt from."""
    with released():
        _run(context)


def _run(context: StageContext) -> None:
    params, space = context.params, context.label_space
    recipe, head = FineTuning.model_validate(params["recipe"]), HeadOptions.model_validate(params["head"])
    if threads := params.get("threads"):
        torch.set_num_threads(int(threads))
    device = choose_device(params["device"])
    begin = time.perf_counter()
    examples = examples_of(context, recipe)
    parts = split(context, examples, recipe, space)
    network = _network(context, head, space)
    backbone: Any = network.backbone
    image_size, share = int(params["image_size"] or backbone.input_size), float(params.get("centre_crop", 1.0))
    weights = _starting_point(context, backbone.weights)
    loss = build_loss(context, examples, parts, recipe).to(device)
    context.progress("loading faces", 0, None)
    data = training_set(examples, parts, recipe, context.inputs["faces"], image_size, share, device)
    unfinished = Unfinished(_unfinished(context))
    earlier = unfinished.read()
    resumed = [] if earlier is None else [earlier.facts["course"]["epoch"]]
    batch = min(recipe.micro_batch or recipe.batch_size, recipe.batch_size)

    def attempt(at_once: int) -> Fitted:
        nonlocal network, earlier
        if at_once < batch:
            network, earlier = _network(context, head, space), unfinished.read()
        return fit(
            network,
            loss,
            data,
            recipe if at_once == batch else recipe.model_copy(update={"micro_batch": at_once}),
            arithmetic,
            seed=int(params["seed"]),
            keep_start="start" in context.inputs,
            progress=lambda done, total: context.progress("training", done, total),
            unfinished=unfinished,
            earlier=earlier,
        )

    with out_of_memory_as_advice(params["backbone"]["use"], image_size, batch):
        arithmetic, rates = _arithmetic(context, network, device, image_size, recipe, earlier)
        unfinished.facts = {"arithmetic": arithmetic.as_dict(), "rates": rates}
        fitted = halving_once(attempt, batch, lambda half: context.notice(_halved(params, batch, half)))
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
    record = _record(params, space, parts, examples, fitted) | {
        "weights": weights,
        "image_size": image_size,
        "parameters": sum(one.numel() for one in network.parameters()),
        "arithmetic": arithmetic.as_dict() | {"threads": torch.get_num_threads(), "probe_images_per_second": rates},
        "resumed_after_epochs": resumed,
        "seconds": round(time.perf_counter() - begin, 3),
    }
    (context.folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    unfinished.remove()


def _network(context: StageContext, head: HeadOptions, space: LabelSpace) -> Classifier:
    """The network as training begins with it: the same for the same seed."""
    torch.manual_seed(int(context.params["seed"]))
    network = make_classifier(context.build("backbones", context.params["backbone"]), head, len(space))
    if "start" in context.inputs:
        _continue_from(context.inputs["start"], network, context.params["backbone"], space)
    return network


def _unfinished(context: StageContext) -> Path | None:
    """Where this training writes how far it is: beside the artifacts, by what it is made of."""
    if context.caches is None:
        return None
    inputs = {name: folder.name for name, folder in context.inputs.items()}
    key = {"version": STAGES["train"].version, "params": dict(context.params), "inputs": inputs}
    return context.caches / UNFINISHED / f"{fingerprint_of(key)[:32]}.safetensors"


def _halved(params: Mapping[str, Any], batch: int, half: int) -> str:
    return (
        f"out of GPU memory: {params['backbone']['use']} could not be trained with {batch} images at once and was "
        f"with {half}; set micro_batch = {half} in the recipe"
    )


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
    context: StageContext,
    network: Classifier,
    device: torch.device,
    image_size: int,
    recipe: FineTuning,
    earlier: Progress | None,
) -> tuple[Arithmetic, dict[str, float]]:
    """The arithmetic asked for; what is left open is probed, or taken over from a start of the same size.

    A training that goes on keeps the one it began with, so that it ends as it would have.
    """
    choices = candidates(context.params["precision"], device)
    if earlier is not None:
        same = [one for one in choices if one.as_dict() == earlier.facts["arithmetic"]]
        if same:
            return same[0], earlier.facts["rates"]
    if "start" in context.inputs:
        made_of = checkpoint.read(context.inputs["start"] / MODEL)
        same = [one for one in choices if one.as_dict() == made_of.arithmetic]
        choices = same if same and made_of.image_size == image_size else choices
    context.progress("choosing precision", 0, None)
    batch = recipe.micro_batch or recipe.batch_size
    return fastest(network, choices, image_size, batch, training=not recipe.freeze_backbone)


def _record(
    params: Mapping[str, Any], space: LabelSpace, parts: Split, examples: Examples, fitted: Fitted
) -> dict[str, Any]:
    def part(rows: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, Any]:
        return {
            "faces": len(rows),
            "subjects": len(np.unique(examples.subjects[rows])),
            "classes": dict(zip(space.names, counts.tolist(), strict=True)),
            "classes_missing": absent(counts, space),
        }

    return {
        "backbone": params["backbone"],
        "head": params["head"],
        "loss": params["loss"],
        "recipe": params["recipe"],
        "labels": params["labels"],
        "label_space": space.as_dict(),
        "seed": params["seed"],
        "unlabelled": len(examples.unlabelled),
        "training": part(parts.training, parts.training_counts),
        "validation": part(parts.validation, parts.validation_counts),
        "epochs": int(fitted.history[-1]["epoch"]) if fitted.history else 0,
        "kept_epoch": fitted.kept_epoch,
        "validation_macro_f1": fitted.validation_macro_f1,
    }
