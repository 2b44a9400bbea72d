"""The built-in components, announced through the same hooks as a stranger's. Only their options are imported here."""

from __future__ import annotations

from collections.abc import Iterable

from harness.builtins import aggregator_options as aggregators
from harness.builtins import detector_options as detectors
from harness.builtins import executor_options as executors
from harness.builtins import loss_options as losses
from harness.components import ComponentSpec, Options
from harness.datasets.options import VideosOptions
from harness.datasets.synthetic.options import SyntheticOptions
from harness.hookspecs import hookimpl

TORCH = "pip install 'cer-harness[torch]'"


@hookimpl
def harness_datasets() -> Iterable[ComponentSpec]:
    """Data sets of the core."""
    yield ComponentSpec(
        "synthetic",
        "rendered faces: annotated stills, or clips; says nothing about people",
        SyntheticOptions,
        "harness.datasets.synthetic.dataset:SyntheticDataset",
    )
    yield ComponentSpec(
        "videos", "your own folder of videos, image folders and images", VideosOptions, "harness.datasets.videos:Videos"
    )


@hookimpl
def harness_face_detectors() -> Iterable[ComponentSpec]:
    """Face detectors of the core."""
    yield ComponentSpec(
        "whole-frame",
        "takes each frame whole: for crops and for comparison",
        detectors.WholeFrameOptions,
        "harness.builtins.detectors:WholeFrame",
    )


@hookimpl
def harness_losses() -> Iterable[ComponentSpec]:
    """Losses of the core; they need torch."""
    yield _loss(
        "bal-ce", "cross-entropy with class priors (balanced softmax)", losses.BalancedOptions, "BalancedCrossEntropy"
    )
    yield _loss("bal-ce+dice", "the paper's loss: Bal-CE + 1.5 x Dice", losses.BalancedDiceOptions, "BalancedDice")
    yield _loss("cross-entropy", "plain cross-entropy", losses.CrossEntropyOptions, "CrossEntropy")
    yield _loss("dice", "multi-class Dice, a soft F1 of each class", losses.DiceOptions, "Dice")
    yield _loss("focal", "cross-entropy that weighs easy images down", losses.FocalOptions, "Focal")
    yield _loss(
        "label-smoothing", "cross-entropy with softened targets", losses.LabelSmoothingOptions, "LabelSmoothing"
    )


@hookimpl
def harness_aggregators() -> Iterable[ComponentSpec]:
    """Aggregators of the core."""
    module = "harness.builtins.aggregators"
    yield ComponentSpec(
        "majority-vote",
        "one vote a voter; ties by a rule (the paper's fusion)",
        aggregators.MajorityVoteOptions,
        f"{module}:MajorityVote",
    )
    yield ComponentSpec(
        "mean-probability",
        "the mean of the voters' probabilities",
        aggregators.MeanProbabilityOptions,
        f"{module}:MeanProbability",
    )
    yield ComponentSpec("median", "the median probability of each class", aggregators.MedianOptions, f"{module}:Median")
    yield ComponentSpec(
        "weighted", "the weighted mean of the voters", aggregators.WeightedOptions, f"{module}:Weighted"
    )


@hookimpl
def harness_executors() -> Iterable[ComponentSpec]:
    """Executors of the core."""
    yield ComponentSpec(
        "inline", "stages run in this process", executors.InlineOptions, "harness.executors.inline:InlineExecutor"
    )
    yield ComponentSpec(
        "local", "one worker process a stage", executors.LocalOptions, "harness.executors.local:LocalExecutor"
    )


def _loss(name: str, summary: str, options: type[Options], attribute: str) -> ComponentSpec:
    return ComponentSpec(name, summary, options, f"harness.builtins.losses:{attribute}", ("torch",), TORCH)
