"""A backbone with its normalisation in front and a classifier behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import ConfigError
from harness.training.options import HeadOptions

ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class Classifier(nn.Module):
    """images (N, 3, S, S) float in [0, 1] -> logits (N, C)."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Any, head: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(backbone.std).view(1, 3, 1, 1), persistent=False)
        self.backbone: nn.Module = backbone
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) -> (N, C)."""
        logits: Tensor = self.head(self.backbone((images - self.mean) / self.std))
        return logits


def make_head(options: HeadOptions, features: int, classes: int, authors: Mapping[str, Any] | None = None) -> nn.Module:
    """The classifier on `features` inputs: Linear, activation, dropout, Linear(classes), or the last two alone.

    authors: {"width": units (0: one layer), "dropout": share}, what a backbone brings for the preset "authors".
    ConfigError if that preset is asked for and the backbone brings nothing.
    """
    width = options.width if options.preset == "two-layer" else 0
    dropout = options.dropout
    if options.preset == "authors":
        if authors is None:
            raise ConfigError("head preset 'authors' is not known for this backbone; use 'two-layer' or 'one-layer'")
        width, dropout = int(authors["width"]), float(authors["dropout"])
    hidden = [nn.Linear(features, width), ACTIVATIONS[options.activation]()] if width else []
    last = nn.Linear(width or features, classes)
    return nn.Sequential(*hidden, *([nn.Dropout(dropout)] if dropout else []), last)


def make_classifier(backbone: Any, head: HeadOptions, classes: int) -> Classifier:
    """The backbone with a new head; a backbone may bring the attribute `authors_head` for the preset of that name."""
    authors = getattr(backbone, "authors_head", None)
    return Classifier(backbone, make_head(head, backbone.num_features, classes, authors))
