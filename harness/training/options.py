"""Settings of the head, of a training recipe and of the arithmetic; the defaults are the paper's. Imports no torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.components import Options


class HeadOptions(Options):
    """The classifier put on a backbone's features."""

    preset: Literal["two-layer", "one-layer", "authors"] = Field(
        default="two-layer",
        description="two-layer: the paper's Linear, activation, Linear; one-layer: Linear alone; "
        "authors: the head of the authors' code for this backbone",
    )
    width: int = Field(default=256, ge=1, description="units of the hidden layer (two-layer)")
    activation: Literal["relu", "gelu", "silu", "tanh"] = Field(
        default="relu", description="the non-linearity (two-layer)"
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="share of inputs of the last layer dropped in training")

    @model_validator(mode="after")
    def _authors_head_is_given(self) -> Self:
        if self.preset == "authors":
            clashes = sorted(
                name for name in ("width", "activation", "dropout") if getattr(self, name) != _default(type(self), name)
            )
            if clashes:
                raise ValueError(f"preset 'authors' sets {', '.join(clashes)} itself; leave out one or the other")
        return self


def _default(options: type[Options], name: str) -> object:
    return options.model_fields[name].default


class Augmentation(Options):
    """Random changes of each training image, made in batches on the training device; all strengths 0: none."""

    flip: float = Field(default=0.5, ge=0, le=1, description="probability of a horizontal flip")
    rotation: float = Field(default=10.0, ge=0, le=90, description="largest rotation, degrees either way")
    scale: float = Field(default=0.1, ge=0, lt=1, description="largest zoom in or out, as a fraction of the size")
    shift: float = Field(default=0.06, ge=0, lt=1, description="largest shift either way, as a fraction of the side")
    brightness: float = Field(default=0.2, ge=0, le=1, description="largest relative change of brightness")
    contrast: float = Field(default=0.2, ge=0, le=1, description="largest relative change of contrast")
    saturation: float = Field(default=0.2, ge=0, le=1, description="largest relative change of saturation")
    hue: float = Field(
        default=0.0, ge=0, le=0.5, description="largest turn of the hue either way, as a fraction of the colour circle"
    )


class Recipe(Options):
    """How a network is trained: Adam, learning rate 1e-4, batches of 64 as in the paper."""

    epochs: int = Field(
        default=20, ge=0, le=10_000, description="passes over the training part; 0: leave the phase out"
    )
    batch_size: int = Field(default=64, ge=2, description="images a step")
    micro_batch: int | None = Field(
        default=None,
        ge=2,
        description="images at once in memory, gradients added up to those of a step of batch_size; none: all. A loss "
        "that is no mean over images, such as batch Dice, needs a second forward pass for that",
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        default="adam", description="the optimizer (sgd: Nesterov momentum 0.9)"
    )
    learning_rate: float = Field(default=1e-4, gt=0, description="highest learning rate")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay")
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        default="constant",
        description="learning rate over the steps; one-cycle rises over the first 30% and falls to zero",
    )
    patience: int | None = Field(
        default=5, ge=1, description="stop after so many epochs without a better validation macro-F1; none: never"
    )
    validation: float = Field(
        default=0.15,
        ge=0,
        le=0.5,
        description="share of subjects (else clips) held out to choose the best epoch; 0: keep the last",
    )
    checkpoint: Literal["best", "last"] = Field(
        default="best", description="which epoch is kept: the best on the validation part, or the last one trained"
    )
    freeze_backbone: bool = Field(
        default=False, description="train the head alone; with head.preset one-layer a linear probe"
    )
    clip_gradient: float | None = Field(
        default=None, gt=0, description="largest norm of the gradient; none: not clipped"
    )
    augmentation: Augmentation = Field(default=Augmentation(), description="random changes of the training images")


class MeanTeacher(Options):
    """A second network, the running mean of the first, which it teaches to agree (Tarvainen & Valpola 2017)."""

    decay: float = Field(default=0.99, ge=0, lt=1, description="share of itself the teacher keeps each step")
    weight: float = Field(
        default=10.0,
        ge=0,
        description="largest weight of the consistency loss: squared distance of the two networks' probabilities, "
        "summed over classes",
    )
    ramp_epochs: float = Field(default=1.0, ge=0, description="epochs over which that weight rises from almost none")
    unlabelled: float = Field(
        default=1.0,
        ge=0,
        description="faces without a believed label in each step, a labelled one; they teach consistency alone",
    )


class FineTuning(Recipe):
    """A recipe for pseudo-labels: how far they are believed. The defaults take each confident label as it is."""

    targets: Literal["hard", "soft"] = Field(
        default="hard", description="hard: the label; soft: the probabilities that the labelers gave each class"
    )
    confidence_power: float = Field(
        default=0.0,
        ge=0,
        description="weight of a label: its confidence to this power, scaled to a mean of 1; 0: all alike",
    )
    sampling: Literal["shuffled", "balanced"] = Field(
        default="shuffled",
        description="shuffled: each image once an epoch; balanced: each class equally often, rare ones repeated",
    )
    most_per_class: int | None = Field(
        default=None, ge=1, description="of each class only so many labels, the most confident; none: all"
    )
    mean_teacher: MeanTeacher | None = Field(
        default=None, description="train with a mean teacher, which is then what is kept; none: without"
    )
