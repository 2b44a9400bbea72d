"""The training loop: one function, top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.components import Loss
from harness.errors import StageError
from harness.training.arithmetic import Arithmetic
from harness.training.augment import augment
from harness.training.data import pixels
from harness.training.inference import logits_of, macro_f1
from harness.training.network import Classifier
from harness.training.options import Recipe

Row = dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """The best epoch's weights, what every epoch scored, and which was best (0: before the first).

    validation_macro_f1 is None where there was nothing to validate on: then the last epoch is kept.
    """

    state: dict[str, Tensor]
    history: list[Row]
    best_epoch: int
    validation_macro_f1: float | None


def fit(
    network: Classifier,
    loss: Loss,
    images: Tensor,
    labels: Tensor,
    training: Tensor,
    validation: Tensor,
    recipe: Recipe,
    arithmetic: Arithmetic,
    *,
    seed: int,
    keep_start: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Fitted:
    """Train `network` in place and return the epoch with the best validation macro-F1 (ties: lower loss).

    images (N, S, S, 3) uint8 and labels (N,) int64 on the device; training, validation: row numbers on the CPU.
    keep_start lets the network as given compete as epoch 0. progress(done, total) counts steps. On a CPU the same
    seed, threads and arithmetic give the same weights. StageError if the loss is no number any more.
    """
    torch.manual_seed(seed)  # dropout
    generator = torch.Generator().manual_seed(seed)  # order and augmentation
    arithmetic.place(network)
    for parameter in network.backbone.parameters():
        parameter.requires_grad = not recipe.freeze_backbone
    optimizer = make_optimizer(network, recipe)
    steps = parts(len(training), recipe.batch_size)
    total = steps * recipe.epochs
    history: list[Row] = []
    best, best_epoch, best_score, stale = snapshot(network), 0, (-1.0, -math.inf), 0
    if keep_start and len(validation):
        row = {"epoch": 0.0} | validate(network, loss, images, labels, validation, recipe, arithmetic)
        history.append(row)
        best_score = (row["validation_macro_f1"], -row["validation_loss"])

    for epoch in range(1, recipe.epochs + 1):
        begin = time.perf_counter()
        network.train()
        if recipe.freeze_backbone:
            network.backbone.eval()
        summed = torch.zeros((), device=arithmetic.device)
        order = training[torch.randperm(len(training), generator=generator)]
        for number, step in enumerate(order.tensor_split(steps), start=(epoch - 1) * steps):
            rate = recipe.learning_rate * schedule(recipe.schedule, number / total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            for rows in step.tensor_split(parts(len(step), recipe.micro_batch or len(step))):
                rows = rows.to(arithmetic.device)
                batch = augment(pixels(images, rows, arithmetic.channels_last), recipe.augmentation, generator)
                with arithmetic.autocast():
                    logits = network(batch)
                value = loss(logits, labels[rows]) * (len(rows) / len(step))
                value.backward()
                summed += value.detach() * len(step)
            if recipe.clip_gradient:
                torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_gradient)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            progress(number + 1, total)

        train_loss = summed.item() / len(training)
        if not math.isfinite(train_loss):
            raise StageError(f"the training loss became {train_loss} in epoch {epoch}; lower learning_rate")
        row = {"epoch": float(epoch), "train_loss": train_loss, "learning_rate": rate}
        row["images_per_second"] = len(training) / (time.perf_counter() - begin)
        if len(validation):
            row |= validate(network, loss, images, labels, validation, recipe, arithmetic)
            score = (row["validation_macro_f1"], -row["validation_loss"])
        else:
            score = (-1.0, float(epoch))  # nothing to choose by: the last epoch wins
        row["seconds"] = time.perf_counter() - begin
        history.append(row)
        if score > best_score:
            best, best_epoch, best_score, stale = snapshot(network), epoch, score, 0
        else:
            stale += 1
            if recipe.patience is not None and stale >= recipe.patience:
                break
    return Fitted(best, history, best_epoch, best_score[0] if len(validation) and history else None)


@torch.inference_mode()
def validate(
    network: Classifier,
    loss: Loss,
    images: Tensor,
    labels: Tensor,
    rows: Tensor,
    recipe: Recipe,
    arithmetic: Arithmetic,
) -> Row:
    """Loss, accuracy and macro-F1 (over all classes of the space) of the given rows."""
    logits = logits_of(network, images, rows, recipe.micro_batch or recipe.batch_size, arithmetic)
    truth = labels[rows.to(labels.device)]
    predicted = logits.argmax(1)
    return {
        "validation_loss": float(loss(logits, truth)),
        "validation_accuracy": (predicted == truth).float().mean().item(),
        "validation_macro_f1": macro_f1(predicted, truth, logits.shape[1]),
    }


def make_optimizer(network: Classifier, recipe: Recipe) -> torch.optim.Optimizer:
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


def snapshot(network: Classifier) -> dict[str, Tensor]:
    """A copy of the state dictionary."""
    return {key: value.detach().clone() for key, value in network.state_dict().items()}
