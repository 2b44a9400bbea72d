"""The built-in losses: modules (logits (N, C), targets (N,) int64 or (N, C) float probabilities) -> scalar.

Each is built as target(options, class_counts=tensor (C,)), counts in class-id order. Arithmetic is in float32 at
least, whatever precision the logits come in. All take weights (N,), mean 1 over the data: each image's share in a mean,
or in the soft counts of batch Dice, is multiplied by its weight.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.builtins.loss_options import (
    BalancedDiceOptions,
    BalancedOptions,
    CrossEntropyOptions,
    DiceOptions,
    FocalOptions,
    LabelSmoothingOptions,
)


def as_probabilities(targets: Tensor, like: Tensor) -> Tensor:
    """targets (N,) class ids or (N, C) probabilities -> (N, C) in the type of `like` (N, C)."""
    if targets.ndim == 2:
        return targets.to(like.dtype)
    return F.one_hot(targets, like.shape[1]).to(like.dtype)


def at_least_float32(logits: Tensor) -> Tensor:
    """bfloat16 and float16 logits as float32; others unchanged."""
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def mean_over_images(terms: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over images of terms (N, ...), each times its weight (N,) where there are weights."""
    if weights is not None:
        terms = terms * weights.to(terms).view(-1, *[1] * (terms.ndim - 1))
    return terms.mean(0)


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of logits (N, C), mean over images, with label smoothing and weights if wanted."""
    if weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    terms = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
    return mean_over_images(terms, weights)


def log_priors(class_counts: Tensor) -> Tensor:
    """log(n_c / sum n) of counts (C,) in class-id order; counts below 1 count as 1."""
    counts = class_counts.double().clamp_min(1.0)
    return (counts / counts.sum()).log()


def dice_by_class(probabilities: Tensor, targets: Tensor, smooth: float, weights: Tensor | None = None) -> Tensor:
    """1 - soft F1 of each class over the batch, of the classes present in it. (N, C), (N, C) -> (K,), K <= C.

    An image of weight w counts as w images.
    """
    share = 1.0 if weights is None else weights.to(probabilities)[:, None]
    both = (share * probabilities * targets).sum(0)
    there = (share * targets).sum(0)
    either = (share * probabilities).sum(0) + there
    return (1 - (2 * both + smooth) / (either + smooth))[there > 0]


def dice_by_sample(probabilities: Tensor, targets: Tensor, smooth: float, weights: Tensor | None = None) -> Tensor:
    """1 - (2pt + s) / (p + t + s) of each image and class, averaged over images. (N, C), (N, C) -> (C,).

    With smooth 1 this is (1-p)/(2+p) for the target class and p/(1+p) for the others.
    """
    both = 2 * probabilities * targets + smooth
    # 0/0 only where smooth is 0 and neither side has any mass: nothing to overlap, nothing lost
    either = (probabilities + targets + smooth).clamp_min(torch.finfo(probabilities.dtype).tiny)
    return mean_over_images(1 - both / either, weights)


class CrossEntropy(nn.Module):
    """Cross-entropy, mean over images; class counts are not used."""

    mean_over_images = True

    def __init__(self, options: CrossEntropyOptions, class_counts: Tensor) -> None:  # noqa: ARG002
        super().__init__()

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        return cross_entropy(at_least_float32(logits), targets, weights)


class LabelSmoothing(nn.Module):
    """Cross-entropy against targets (1 - epsilon) t + epsilon / C."""

    mean_over_images = True

    def __init__(self, options: LabelSmoothingOptions, class_counts: Tensor) -> None:  # noqa: ARG002
        super().__init__()
        self.epsilon = options.epsilon

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        return cross_entropy(at_least_float32(logits), targets, weights, self.epsilon)


class Focal(nn.Module):
    """Focal loss (Lin et al. 2017): -sum_c t_c (1 - p_c)^gamma log p_c, mean over images."""

    mean_over_images = True

    def __init__(self, options: FocalOptions, class_counts: Tensor) -> None:  # noqa: ARG002
        super().__init__()
        self.gamma = options.gamma

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        logs = F.log_softmax(at_least_float32(logits), dim=1)
        # 1 - p keeps a floor: the slope of x^gamma at 0 is infinite for gamma < 1
        ease = (1 - logs.exp()).clamp_min(torch.finfo(logs.dtype).eps)
        return mean_over_images(-(as_probabilities(targets, logs) * ease**self.gamma * logs).sum(1), weights)


class BalancedCrossEntropy(nn.Module):
    """Bal-CE (LiVT, arXiv 2212.02015): cross-entropy of logits + tau * log(n_c / sum n). Inference: raw logits."""

    mean_over_images = True
    prior: Tensor

    def __init__(self, options: BalancedOptions | BalancedDiceOptions, class_counts: Tensor) -> None:
        super().__init__()
        self.register_buffer("prior", options.tau * log_priors(class_counts))

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        logits = at_least_float32(logits)
        return cross_entropy(logits + self.prior.to(logits), targets, weights)


class Dice(nn.Module):
    """Multi-class Dice over softmax probabilities; see `dice_by_class` and `dice_by_sample`."""

    def __init__(self, options: DiceOptions, class_counts: Tensor) -> None:  # noqa: ARG002
        super().__init__()
        self.variant: Literal["batch", "sample"] = options.variant
        self.mean_over_images = options.variant == "sample"
        self.smooth, self.reduction = options.smooth, options.reduction

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        probabilities = at_least_float32(logits).softmax(1)
        by_class = dice_by_class if self.variant == "batch" else dice_by_sample
        terms = by_class(probabilities, as_probabilities(targets, probabilities), self.smooth, weights)
        return terms.sum() if self.reduction == "sum" else terms.mean()


class BalancedDice(nn.Module):
    """The paper's loss: Bal-CE + weight * Dice."""

    def __init__(self, options: BalancedDiceOptions, class_counts: Tensor) -> None:
        super().__init__()
        self.balanced = BalancedCrossEntropy(options, class_counts)
        self.dice = Dice(options, class_counts)
        self.weight = options.weight
        self.mean_over_images = self.dice.mean_over_images

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """(N, C), (N,) or (N, C) -> ()."""
        total: Tensor = self.balanced(logits, targets, weights) + self.weight * self.dice(logits, targets, weights)
        return total
