"""The training loop: one function, top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.components import Loss
from harness.errors import StageError
from harness.training.arithmetic import Arithmetic
from harness.training.augment import augment
from harness.training.course import Course, Row, make_teacher
from harness.training.data import TrainingSet, pixels
from harness.training.inference import logits_of, macro_f1
from harness.training.network import Classifier
from harness.training.options import FineTuning
from harness.training.pseudo import balanced_order, repeated
from harness.training.resume import Progress, Unfinished
from harness.training.step import Cost, add_gradient
from harness.training.teacher import consistency, ramp


@dataclass(frozen=True)
class Fitted:
    """The weights that are kept, the epoch they are of (0: before the first), and what every epoch scored.

    validation_macro_f1: of the kept epoch; None where there was nothing to validate on.
    """

    state: dict[str, Tensor]
    history: list[Row]
    kept_epoch: int
    validation_macro_f1: float | None


def fit(
    network: Classifier,
    loss: Loss,
    data: TrainingSet,
    recipe: FineTuning,
    arithmetic: Arithmetic,
    *,
    seed: int,
    keep_start: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    unfinished: Unfinished | None = None,
    earlier: Progress | None = None,
) -> Fitted:
    """Train `network` in place and return the epoch with the best validation macro-F1 (ties: lower loss), or the last.

    keep_start lets the network as given compete as epoch 0. progress(done, total) counts steps. unfinished: where to
    write how far it is; earlier: what was written there, to go on from. On a CPU the same seed, threads and arithmetic
    give the same weights, cut off in between or not. StageError if the loss is no number any more.
    """
    torch.manual_seed(seed)  # dropout
    generator = torch.Generator().manual_seed(seed)  # order and augmentation
    arithmetic.place(network)
    for parameter in network.backbone.parameters():
        parameter.requires_grad = not recipe.freeze_backbone
    teacher, optimizer = make_teacher(network, recipe), make_optimizer(network, recipe)
    course = Course(network, teacher, optimizer, generator, arithmetic.device, recipe)
    steps = parts(len(data.training), recipe.batch_size)
    total = steps * recipe.epochs
    if earlier is not None:
        course.go_on(earlier)
    elif keep_start and len(data.validation):
        course.end_epoch({"epoch": 0.0} | validate(network, loss, data, recipe, arithmetic))

    while course.epoch < recipe.epochs and course.patient:
        begin = time.perf_counter()
        course.begin_epoch()
        summed = torch.zeros((), device=arithmetic.device)
        order, more = drawn(data, recipe, generator)
        batches = zip(order.tensor_split(steps), more.tensor_split(steps), strict=True)
        for number, (step, extra) in enumerate(batches, start=course.epoch * steps):
            rate = recipe.learning_rate * schedule(recipe.schedule, number / total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            rows = torch.cat([step, extra]).to(arithmetic.device)
            images = augment(pixels(data.images, rows, arithmetic.channels_last), recipe.augmentation, generator)
            cost = supervised(loss, data, rows[: len(step)])
            if teacher is not None:
                cost = taught(cost, data, rows, teacher, recipe, arithmetic, generator, number / steps)
            pieces = parts(len(rows), recipe.micro_batch or len(rows))
            mean = teacher is None and getattr(loss, "mean_over_images", False)
            summed += add_gradient(network, images, cost, pieces, arithmetic, mean=mean) * len(step)
            if recipe.clip_gradient:
                torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_gradient)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            course.teach(number + 1)
            progress(number + 1, total)

        train_loss = summed.item() / len(data.training)
        epoch = course.epoch + 1
        if not math.isfinite(train_loss):
            raise StageError(f"the training loss became {train_loss} in epoch {epoch}; lower learning_rate")
        row = {"epoch": float(epoch), "train_loss": train_loss, "learning_rate": rate}
        row["images_per_second"] = len(data.training) / (time.perf_counter() - begin)
        if len(data.validation):
            row |= validate(course.kept, loss, data, recipe, arithmetic)
        row["seconds"] = time.perf_counter() - begin
        course.end_epoch(row)
        if unfinished is not None and unfinished.due():
            unfinished.write(course.as_progress(unfinished.facts))
    state, kept = course.result()
    scores = {int(row["epoch"]): row.get("validation_macro_f1") for row in course.history}
    return Fitted(state, course.history, kept, scores.get(kept))


def drawn(data: TrainingSet, recipe: FineTuning, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The rows of an epoch in order: labelled ones, and unlabelled ones for a mean teacher."""
    if recipe.sampling == "balanced":
        order = balanced_order(data.labels[data.training.to(data.labels.device)].cpu(), generator)
    else:
        order = torch.randperm(len(data.training), generator=generator)
    if recipe.mean_teacher is None:
        return data.training[order], data.unlabelled[:0]
    count = round(recipe.mean_teacher.unlabelled * len(order))
    return data.training[order], repeated(data.unlabelled, count, generator)


def supervised(loss: Loss, data: TrainingSet, rows: Tensor) -> Cost:
    """The loss of labelled rows; any logits behind those of these rows are left out."""
    targets = (data.labels if data.targets is None else data.targets)[rows]
    weights = None if data.weights is None else data.weights[rows]

    def cost(logits: Tensor, part: slice) -> Tensor:
        some = targets[part]
        more: tuple[Any, ...] = () if weights is None else (weights[part],)
        value: Tensor = loss(logits[: len(some)], some, *more)
        return value

    return cost


def taught(
    cost: Cost, data: TrainingSet, rows: Tensor, teacher: Classifier, recipe: FineTuning, arithmetic: Arithmetic,
    generator: torch.Generator, epochs: float,
) -> Cost:  # fmt: skip
    """A cost with the pull towards what the teacher says of another view of the same images. epochs: trained so far."""
    assert recipe.mean_teacher is not None
    images = augment(pixels(data.images, rows, arithmetic.channels_last), recipe.augmentation, generator)
    with torch.no_grad(), arithmetic.autocast():
        beliefs = teacher(images).float().softmax(1)
    rise = recipe.mean_teacher.ramp_epochs
    pull = recipe.mean_teacher.weight * (ramp(epochs / rise) if rise else 1.0)
    return lambda logits, part: cost(logits, part) + pull * consistency(logits, beliefs[part])


@torch.inference_mode()
def validate(
    network: Classifier,
    loss: Loss,
    data: TrainingSet,
    recipe: FineTuning,
    arithmetic: Arithmetic,
) -> Row:
    """Loss, accuracy and macro-F1 (over all classes of the space) of the validation part, against its hard labels."""
    rows = data.validation
    logits = logits_of(network, data.images, rows, recipe.micro_batch or recipe.batch_size, arithmetic)
    truth = data.labels[rows.to(data.labels.device)]
    predicted = logits.argmax(1)
    return {
        "validation_loss": float(loss(logits, truth)),
        "validation_accuracy": (predicted == truth).float().mean().item(),
        "validation_macro_f1": macro_f1(predicted, truth, logits.shape[1]),
    }


def make_optimizer(network: Classifier, recipe: FineTuning) -> torch.optim.Optimizer:
    """The recipe's optimizer over all parameters that are trained."""
    parameters = [one for one in network.parameters() if one.requires_grad]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=0.9, nesterov=True, weight_decay=decay)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay, fused=True)


def schedule(name: str, position: float) -> float:
    """Factor of the learning rate at a position in [0, 1) of the training; one-cycle starts at 1/25."""
    if name == "constant":
        return 1.0
    rise = 0.3 if name == "one-cycle" else 0.0
    if position < rise:
        return 0.04 + 0.96 * position / rise
    return 0.5 * (1 + math.cos(math.pi * (position - rise) / (1 - rise)))


def parts(count: int, size: int) -> int:
    """Into how many parts of at most `size` to split `count` images evenly; never leaves one image alone.

    Batch normalisation cannot train on a single image, and learns little from a small remainder: three images in
    batches of two make one batch of three.
    """
    return max(1, min(math.ceil(count / size), count // 2))
