"""The built-in components, announced through the same hooks as a stranger's. Only their options are imported here."""

from __future__ import annotations

from collections.abc import Iterable

from harness.builtins import aggregator_options, detector_options, executor_options, labeler_options, loss_options
from harness.components import ComponentSpec, Options
from harness.datasets.options import CExprDbOptions, FolderOptions, RafCeOptions, RafDbOptions, VideosOptions
from harness.datasets.synthetic.options import SyntheticOptions
from harness.hookspecs import hookimpl

TORCH = "pip install 'cer-harness[torch]'"


@hookimpl
def harness_datasets() -> Iterable[ComponentSpec]:
    """Data sets of the core."""
    yield ComponentSpec(
        "c-expr-db",
        "the 56 challenge videos of C-EXPR-DB, or their frame list alone",
        CExprDbOptions,
        "harness.datasets.c_expr_db:CExprDb",
    )
    yield ComponentSpec(
        "folder", "your own labelled images: class folders or a table", FolderOptions, "harness.datasets.folder:Folder"
    )
    yield ComponentSpec(
        "raf-ce", "RAF-CE: 14 compound expressions, with action units", RafCeOptions, "harness.datasets.raf_ce:RafCe"
    )
    yield ComponentSpec(
        "raf-db", "RAF-DB: 11 compound or 7 basic expressions", RafDbOptions, "harness.datasets.raf_db:RafDb"
    )
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
        "haar", "OpenCV's classic cascade: no landmarks", detector_options.HaarOptions, "harness.builtins.haar:Haar"
    )
    yield ComponentSpec(
        "whole-frame",
        "takes each frame whole: for crops and for comparison",
        detector_options.WholeFrameOptions,
        "harness.builtins.detectors:WholeFrame",
    )


@hookimpl
def harness_labelers() -> Iterable[ComponentSpec]:
    """Labelers of the core: none of them looks at a face."""
    yield ComponentSpec(
        "replay", "labels from a CSV or Parquet file", labeler_options.ReplayOptions, "harness.builtins.replay:Replay"
    )
    yield ComponentSpec(
        "simulated",
        "the truth with errors, for studies of label noise",
        labeler_options.SimulatedOptions,
        "harness.builtins.simulated:Simulated",
        needs_truth=True,
    )


@hookimpl
def harness_losses() -> Iterable[ComponentSpec]:
    """Losses of the core; they need torch."""
    yield _loss(
        "bal-ce",
        "cross-entropy with class priors (balanced softmax)",
        loss_options.BalancedOptions,
        "BalancedCrossEntropy",
    )
    yield _loss(
        "bal-ce+dice", "the paper's loss: Bal-CE + 1.5 x Dice", loss_options.BalancedDiceOptions, "BalancedDice"
    )
    yield _loss("cross-entropy", "plain cross-entropy", loss_options.CrossEntropyOptions, "CrossEntropy")
    yield _loss("dice", "multi-class Dice, a soft F1 of each class", loss_options.DiceOptions, "Dice")
    yield _loss("focal", "cross-entropy that weighs easy images down", loss_options.FocalOptions, "Focal")
    yield _loss(
        "label-smoothing", "cross-entropy with softened targets", loss_options.LabelSmoothingOptions, "LabelSmoothing"
    )


@hookimpl
def harness_aggregators() -> Iterable[ComponentSpec]:
    """Aggregators of the core."""
    module = "harness.builtins.aggregators"
    yield ComponentSpec(
        "dawid-skene",
        "learns each voter's confusions from all votes; wants hundreds of faces a class",
        aggregator_options.DawidSkeneOptions,
        "harness.builtins.dawid_skene:DawidSkene",
    )
    yield ComponentSpec(
        "one-coin",
        "learns each voter's accuracy from all votes; wants three voters or more",
        aggregator_options.OneCoinOptions,
        "harness.builtins.dawid_skene:OneCoin",
    )
    yield ComponentSpec(
        "majority-vote",
        "one vote a voter; ties by a rule (the paper's fusion)",
        aggregator_options.MajorityVoteOptions,
        f"{module}:MajorityVote",
    )
    yield ComponentSpec(
        "mean-probability",
        "the mean of the voters' probabilities",
        aggregator_options.MeanProbabilityOptions,
        f"{module}:MeanProbability",
    )
    yield ComponentSpec(
        "median", "the median probability of each class", aggregator_options.MedianOptions, f"{module}:Median"
    )
    yield ComponentSpec(
        "weighted", "the weighted mean of the voters", aggregator_options.WeightedOptions, f"{module}:Weighted"
    )


@hookimpl
def harness_executors() -> Iterable[ComponentSpec]:
    """Executors of the core."""
    yield ComponentSpec(
        "inline",
        "stages run in this process",
        executor_options.InlineOptions,
        "harness.executors.inline:InlineExecutor",
    )
    yield ComponentSpec(
        "local",
        "worker processes on this machine; on several GPUs a network each",
        executor_options.LocalOptions,
        "harness.executors.local:LocalExecutor",
    )


def _loss(name: str, summary: str, options: type[Options], attribute: str) -> ComponentSpec:
    return ComponentSpec(name, summary, options, f"harness.builtins.losses:{attribute}", ("torch",), TORCH)
