"""Options of the built-in losses. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.components import Options


class CrossEntropyOptions(Options):
    """Options of `cross-entropy`: none."""


class LabelSmoothingOptions(Options):
    """Options of `label-smoothing`."""

    epsilon: float = Field(default=0.1, ge=0, lt=1, description="share of each target spread evenly over all classes")


class FocalOptions(Options):
    """Options of `focal`."""

    gamma: float = Field(default=2.0, ge=0, description="how strongly easy images are weighed down; 0: cross-entropy")


class BalancedOptions(Options):
    """Options of `bal-ce`."""

    tau: float = Field(
        default=1.0, ge=0, description="strength of the class prior: 1 Balanced Softmax, 0 cross-entropy"
    )


class DiceOptions(Options):
    """Options of `dice`."""

    variant: Literal["batch", "sample"] = Field(
        default="batch",
        description="batch: soft F1 of each class over the batch, classes absent from it left out; "
        "sample: one term an image and class (the authors' code)",
    )
    smooth: float = Field(default=1.0, ge=0, description="added to numerator and denominator, against division by zero")
    reduction: Literal["mean", "sum"] = Field(
        default="mean", description="over classes: their mean, or their sum (always the mean over images)"
    )


class BalancedDiceOptions(DiceOptions):
    """Options of `bal-ce+dice`: the paper's loss."""

    tau: float = Field(default=1.0, ge=0, description="strength of the class prior in the cross-entropy")
    weight: float = Field(default=1.5, ge=0, description="lambda: Bal-CE + lambda * Dice")
