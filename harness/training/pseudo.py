"""How far pseudo-labels are believed: which are taken, how much each weighs, how often each is drawn."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Sampling = Literal["shuffled", "balanced"]


def most_confident(labels: NDArray[np.int64], confidence: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Row numbers, ascending, of the `most` most confident labels of each class; of equals the first.

    labels (N,) class ids, confidence (N,). Class-balanced self-training (Zou et al. 2018) chooses so.
    """
    ranked = np.lexsort((-confidence, labels))
    _, begins, counts = np.unique(labels[ranked], return_index=True, return_counts=True)
    place = np.arange(len(labels)) - np.repeat(begins, counts)
    return np.sort(ranked[place < most])


def confidence_weights(confidence: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """(N,) confidence in [0, 1] -> (N,) weights c^power / mean(c^power): the mean weight is 1."""
    weights = confidence.astype(np.float64) ** power
    mean = weights.mean() if len(weights) else 0.0
    return (weights / mean if mean > 0 else np.ones_like(weights)).astype(np.float32)


def expected_draws(labels: NDArray[np.int64], sampling: Sampling) -> NDArray[np.float64]:
    """(N,) how often each row is drawn in an epoch of N draws: once, or N / (classes present * rows of its class)."""
    draws = np.ones(len(labels))
    if sampling == "balanced":
        counts = np.bincount(labels)
        draws *= len(labels) / (np.count_nonzero(counts) * counts[labels])
    return draws


def prior_counts(targets: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """targets (N, C) probabilities, weights (N,) -> (C,) the class counts that a training on them sees, by class id."""
    return np.asarray((weights[:, None].astype(np.float64) * targets).sum(0), np.float64)


def balanced_order(labels: Tensor, generator: torch.Generator) -> Tensor:
    """An epoch of N positions among labels (N,): each class N / K times of K present, give or take one, and within a
    class each position equally often, give or take one; in random order. All on the CPU."""
    classes = torch.nonzero(labels.bincount())[:, 0]
    classes = classes[torch.randperm(len(classes), generator=generator)]  # who gets the remainder
    shares = [len(part) for part in torch.arange(len(labels)).tensor_split(len(classes))]
    drawn = [
        repeated(torch.nonzero(labels == class_id)[:, 0], share, generator)
        for class_id, share in zip(classes, shares, strict=True)
    ]
    order = torch.cat(drawn)
    return order[torch.randperm(len(order), generator=generator)]


def repeated(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the rows in random order, all of them once before any comes again; none of none."""
    if not len(rows):
        return rows
    rounds = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-count // len(rows)))]
    return torch.cat([rows[:0], *rounds])[:count]
