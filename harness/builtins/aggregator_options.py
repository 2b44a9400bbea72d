"""Options of the built-in aggregators; importing them loads nothing but pydantic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.components import Options

TieRule = Literal["model-order", "highest-probability", "lowest-id", "random"]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MajorityVoteOptions(Options):
    """Each voter has one vote: its most probable class."""

    ties: TieRule = Field(
        default="model-order",
        description="who wins a tie: 'model-order' (the paper's rule: of the voters in their order, the first whose "
        "vote is among the tied classes), 'highest-probability' (the tied class with the highest mean probability), "
        "'lowest-id', or 'random'",
    )
    seed: int = Field(default=0, ge=0, description="seed of the tie rule 'random'; item i draws the same in any batch")


class MeanProbabilityOptions(Options):
    """The mean of the voters' probabilities; nothing to set."""


class WeightedOptions(Options):
    """The weighted mean of the voters' probabilities."""

    weights: dict[str, Weight] | list[Weight] = Field(
        description="one weight a voter, by name ({resnet18 = 2.0, densenet121 = 1.0}) or as a list in their order; "
        "only their ratios count",
    )
    hard: bool = Field(default=False, description="weigh each voter's most probable class instead of probabilities")


class MedianOptions(Options):
    """The median probability of each class over the voters, renormalised; nothing to set."""


class _LearningOptions(Options):
    iterations: int = Field(default=100, ge=1, le=10_000, description="most steps of expectation maximisation")
    tolerance: float = Field(
        default=1e-6, ge=0, description="stop when no posterior probability changes by more than this"
    )
    smoothing: float = Field(
        default=0.01,
        ge=0,
        allow_inf_nan=False,
        description="imaginary votes added to each count, against certainty learnt from few votes; 0: plain maximum "
        "likelihood",
    )


class DawidSkeneOptions(_LearningOptions):
    """A confusion matrix a voter, learnt from all votes: a label depends on the other faces too.

    Worth it with several voters and hundreds of faces a class; with fewer, majority-vote or one-coin are right more
    often.
    """


class OneCoinOptions(_LearningOptions):
    """An accuracy a voter, learnt from all votes: a label depends on the other faces too.

    Two voters alone do not tell which of them is right; three or more do.
    """
