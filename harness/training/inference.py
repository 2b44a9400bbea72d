"""Logits of many images, and the score that chooses the best epoch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from harness.training.arithmetic import Arithmetic
from harness.training.data import pixels
from harness.training.network import Classifier


@torch.inference_mode()
def logits_of(
    network: Classifier,
    images: Tensor,
    rows: Tensor,
    batch: int,
    arithmetic: Arithmetic,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Tensor:
    """(len(rows), C) float32 logits of rows of images (N, S, S, 3) uint8, in evaluation mode."""
    network.eval()
    logits = []
    for some in torch.split(rows, batch):
        with arithmetic.autocast():
            logits.append(network(pixels(images, some.to(images.device), arithmetic.channels_last)).float())
        progress(sum(map(len, logits)), len(rows))
    return torch.cat(logits)


@torch.inference_mode()
def probabilities_of(
    network: Classifier,
    images: Tensor,
    batch: int,
    arithmetic: Arithmetic,
    *,
    flip: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Tensor:
    """(N, C) float32 softmax probabilities on the CPU; flip: mean of each image's and its mirror image's."""
    rows = torch.arange(len(images))
    probabilities = logits_of(network, images, rows, batch, arithmetic, progress).softmax(1)
    if flip:
        mirrored = logits_of(network, images.flip(2), rows, batch, arithmetic, progress).softmax(1)
        probabilities = (probabilities + mirrored) / 2
    return probabilities.cpu()


def macro_f1(predicted: Tensor, truth: Tensor, classes: int) -> float:
    """Unweighted mean of the F1 of all C classes; (N,) int64 ids. A class neither present nor predicted counts 0."""
    confusion = torch.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    hits = confusion.diagonal().double()
    return (2 * hits / (confusion.sum(0) + confusion.sum(1)).clamp_min(1)).mean().item()
