"""From labelled faces to what a network is trained on: the parts, the class counts, the images on the device."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.components import Loss
from harness.errors import ConfigError
from harness.expressions import LabelSpace
from harness.stage import StageContext
from harness.training.data import (
    Examples,
    TrainingSet,
    annotated,
    class_counts,
    pseudo_labelled,
    require_two_classes,
)
from harness.training.memory import too_many_images_as_advice
from harness.training.options import FineTuning
from harness.training.pseudo import confidence_weights, expected_draws, prior_counts
from harness.training.resident import resident
from harness.training.split import split_by_subject


@dataclass(frozen=True)
class Split:
    """Rows of the examples that are trained on and validated on, and the classes of each part in class-id order."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    training_counts: NDArray[np.int64]
    validation_counts: NDArray[np.int64]


def examples_of(context: StageContext, recipe: FineTuning) -> Examples:
    """The labelled faces that the recipe wants."""
    if context.params["labels"] == "truth":
        return annotated(context.inputs["faces"], context.inputs["labels"])
    return pseudo_labelled(context.inputs["faces"], context.inputs["labels"], recipe)


def split(context: StageContext, examples: Examples, recipe: FineTuning, space: LabelSpace) -> Split:
    """The parts, with a notice for classes that cannot be learnt and for a validation part that came out empty."""
    kind = "annotations" if context.params["labels"] == "truth" else "pseudo-labels"
    training, validation = split_by_subject(
        examples.labels, examples.subjects, recipe.validation, int(context.params["seed"])
    )
    counts = class_counts(examples.labels[training], len(space))
    require_two_classes(counts, space)
    for name in absent(counts, space):
        context.notice(f"{kind}: no training label reaches class {name!r}; the networks cannot learn it from them")
    if recipe.validation and not len(validation):
        context.notice(
            f"{kind}: too few subjects ({len(np.unique(examples.subjects))}) to hold any out; "
            "the last epoch is kept instead of the best"
        )
    if recipe.mean_teacher and recipe.mean_teacher.unlabelled and not len(examples.unlabelled):
        context.notice("every face has a believed label: the mean teacher has no unlabelled ones to learn from")
    return Split(training, validation, counts, class_counts(examples.labels[validation], len(space)))


def absent(counts: NDArray[np.int64], space: LabelSpace) -> list[str]:
    """Names of the classes without an example."""
    return [space.names[class_id] for class_id in np.flatnonzero(counts == 0)]


def training_set(
    examples: Examples, parts: Split, recipe: FineTuning, faces: Path, size: int, share: float, device: torch.device
) -> TrainingSet:
    """The examples on the device, images of `size` px; behind them the unlabelled ones of subjects not held out."""
    held_out = np.isin(examples.unlabelled_subjects, examples.subjects[parts.validation])
    unlabelled = examples.unlabelled[~held_out]
    identity = np.concatenate([examples.faces, unlabelled])
    with too_many_images_as_advice(len(identity), size, device):
        images = resident(faces, identity, size, share, device)
    labels = np.concatenate([examples.labels, np.full(len(unlabelled), -1, np.int64)])
    weights, targets = _weights(examples, parts, recipe), examples.probabilities
    return TrainingSet(
        images,
        torch.from_numpy(labels).to(device),
        torch.from_numpy(parts.training),
        torch.from_numpy(parts.validation),
        torch.arange(len(examples), len(identity)),
        None if targets is None else torch.from_numpy(targets).to(device),
        None if weights is None else torch.from_numpy(weights).to(device),
    )


def _weights(examples: Examples, parts: Split, recipe: FineTuning) -> NDArray[np.float32] | None:
    """(N,) weights of the examples, mean 1 over the training part (0 outside of it); None where all are alike."""
    if not recipe.confidence_power or examples.confidence is None:
        return None
    weights = np.zeros(len(examples), np.float32)
    weights[parts.training] = confidence_weights(examples.confidence[parts.training], recipe.confidence_power)
    return weights


def build_loss(context: StageContext, examples: Examples, parts: Split, recipe: FineTuning) -> Any:
    """The loss with the class counts, in class-id order, of what is really drawn: weighted, soft, balanced or plain.

    ConfigError if images are to be weighed and the loss takes no weights.
    """
    counts = torch.from_numpy(parts.training_counts)
    weights = _weights(examples, parts, recipe)
    if weights is not None or examples.probabilities is not None or recipe.sampling == "balanced":
        rows = parts.training
        draws = expected_draws(examples.labels[rows], recipe.sampling)
        targets = examples.probabilities
        if targets is None:
            targets = np.eye(len(parts.training_counts), dtype=np.float32)[examples.labels]
        counts = torch.from_numpy(prior_counts(targets[rows], draws * (1 if weights is None else weights[rows])))
    loss: Loss = context.build("losses", context.params["loss"], class_counts=counts)
    if weights is not None and not takes_weights(loss):
        raise ConfigError(
            f"training.finetune.confidence_power: loss {context.params['loss']['use']!r} takes no weights; set it to 0 "
            "or use another loss"
        )
    return loss


def takes_weights(loss: Any) -> bool:
    """Whether a loss has the optional third argument `weights`."""
    return "weights" in inspect.signature(getattr(loss, "forward", loss)).parameters
