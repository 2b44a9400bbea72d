"""A mean teacher (Tarvainen & Valpola 2017, arXiv 1703.01780): the running mean of a network in training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, decay: float, step: int) -> None:
    """teacher <- d * teacher + (1 - d) * student, d = min(decay, 1 - 1 / (step + 1)); steps count from 1.

    So the first steps' teacher is the plain mean of what the student was. Statistics of batch normalisation are
    averaged like weights; what is no floating-point number is copied.
    """
    decay = min(decay, 1 - 1 / (step + 1))
    for mean, now in zip(teacher.state_dict().values(), student.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(now, 1 - decay)
        else:
            mean.copy_(now)


def consistency(logits: Tensor, beliefs: Tensor) -> Tensor:
    """Squared distance of probabilities, summed over classes, mean over images. logits, beliefs (N, C) -> ().

    beliefs: the teacher's probabilities.
    """
    return (logits.float().softmax(1) - beliefs).square().sum(1).mean()


def ramp(position: float) -> float:
    """Factor of the consistency weight at a position of the ramp: exp(-5 (1 - x)^2) up to x = 1, then 1.

    The sigmoid-shaped ramp of Laine & Aila (2017).
    """
    return math.exp(-5 * (1 - min(max(position, 0.0), 1.0)) ** 2)
