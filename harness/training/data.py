"""What a network is trained on: faces with labels, decoded once into one uint8 tensor on the training device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import DataError
from harness.expressions import LabelSpace
from harness.faces.artifact import CROPS, read_crops
from harness.training.options import FineTuning
from harness.training.pseudo import most_confident


@dataclass(frozen=True)
class Examples:
    """faces (N,) int64 ids; labels (N,) int64 class ids; subjects (N,) str, by which they are split.

    Of pseudo-labels, where they are wanted: confidence (N,) float32; probabilities (N, C) float32, rows sum to 1;
    unlabelled (U,) int64 ids of the faces without a believed label, and their subjects (U,).
    """

    faces: NDArray[np.int64]
    labels: NDArray[np.int64]
    subjects: NDArray[np.str_]
    confidence: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    unlabelled: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    unlabelled_subjects: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))

    def __len__(self) -> int:
        return len(self.faces)


@dataclass(frozen=True)
class TrainingSet:
    """What a network is trained on, on the training device but for the row numbers, which are on the CPU.

    images (N, S, S, 3) uint8; labels (N,) int64 class ids, -1 for none; training, validation and unlabelled: rows of
    these; targets (N, C) float32 in place of the labels, where these are soft; weights (N,) float32.
    """

    images: Tensor
    labels: Tensor
    training: Tensor
    validation: Tensor
    unlabelled: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    targets: Tensor | None = None
    weights: Tensor | None = None


def annotated(faces: Path, truth: Path) -> Examples:
    """The faces whose own frame is annotated with a class. faces, truth: folders of such artifacts.

    A face copied into another frame does not show that frame's expression: its annotation is left aside.
    DataError if no face is annotated.
    """
    index = pd.read_parquet(faces / "index.parquet", columns=["clip", "frame", "face", "source_frame"])
    own = index[(index["face"] >= 0) & (index["frame"] == index["source_frame"])]
    rows = pd.read_parquet(truth / "truth.parquet").merge(own, on=["clip", "frame"], how="inner")
    rows = rows[rows["label"] >= 0]
    if rows.empty:
        raise DataError("no face has an annotation of the label space; check the training data's labels and clip ids")
    return _with_subjects(rows[["face", "label"]], faces)


def pseudo_labelled(faces: Path, labels: Path, recipe: FineTuning | None = None) -> Examples:
    """The faces whose pseudo-label is confident, as the recipe wants them. faces, labels: folders of such artifacts.

    DataError if there is none.
    """
    recipe = recipe or FineTuning()
    columns = ["face", "label", "confident"]
    columns += ["confidence"] if recipe.confidence_power or recipe.most_per_class else []
    columns += ["probabilities"] if recipe.targets == "soft" else []
    rows = pd.read_parquet(labels / "labels.parquet", columns=columns)
    confident = rows[rows["confident"].astype(bool) & (rows["label"] >= 0)]
    if confident.empty:
        raise DataError(
            f"none of {len(rows)} pseudo-labels is confident enough to train on; "
            "lower labeling.threshold, or use another labeler"
        )
    if recipe.most_per_class:
        confidence = confident["confidence"].to_numpy(np.float32)
        confident = confident.iloc[
            most_confident(confident["label"].to_numpy(np.int64), confidence, recipe.most_per_class)
        ]
    examples = _with_subjects(confident, faces)
    if recipe.mean_teacher is None:
        return examples
    crops = pd.read_parquet(faces / "crops.parquet", columns=["face", "subject"])
    rest = crops[~crops["face"].isin(examples.faces)]
    return replace(
        examples,
        unlabelled=rest["face"].to_numpy(dtype=np.int64, copy=True),
        unlabelled_subjects=rest["subject"].to_numpy(dtype=np.str_),
    )


def _with_subjects(rows: pd.DataFrame, faces: Path) -> Examples:
    crops = pd.read_parquet(faces / "crops.parquet", columns=["face", "subject"])
    rows = rows.drop_duplicates("face").merge(crops, on="face", how="inner").sort_values("face", kind="stable")
    return Examples(
        rows["face"].to_numpy(dtype=np.int64, copy=True),
        rows["label"].to_numpy(dtype=np.int64, copy=True),
        rows["subject"].to_numpy(dtype=np.str_),
        rows["confidence"].to_numpy(dtype=np.float32, copy=True) if "confidence" in rows else None,
        np.stack(rows["probabilities"].to_list()).astype(np.float32) if "probabilities" in rows else None,
    )


def class_counts(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """(N,) class ids -> (C,) counts in class-id order."""
    return np.bincount(labels, minlength=classes).astype(np.int64)


def require_two_classes(counts: NDArray[np.int64], space: LabelSpace) -> None:
    """DataError that names the class if only one is left to learn."""
    reached = [space.names[class_id] for class_id in np.flatnonzero(counts)]
    if len(reached) < 2:
        raise DataError(
            f"all {int(counts.sum())} training labels are {reached[0]!r}; a network needs at least two classes: "
            "add data, or lower labeling.threshold"
        )


def centre_crops(
    folder: Path, faces: NDArray[np.int64], size: int, share: float, table: str = CROPS
) -> NDArray[np.uint8]:
    """Crops of a faces artifact, of each the centre that has `share` of its side: (N, size, size, 3) uint8 RGB."""
    side = round(size / share)
    start = (side - size) // 2
    return read_crops(folder, faces, side, table)[:, start : start + size, start : start + size]


def on_device(crops: NDArray[np.uint8], device: torch.device) -> Tensor:
    """crops (N, S, S, 3) uint8 -> the same as a tensor on the training device."""
    return torch.from_numpy(np.ascontiguousarray(crops)).to(device)


def pixels(images: Tensor, rows: Tensor, channels_last: bool) -> Tensor:
    """Rows of images (N, S, S, 3) uint8 -> (B, 3, S, S) float32 in [0, 1], in the wanted memory format.

    Kept channels-last on the device: that is how images are decoded, and one of the two formats costs no copy.
    """
    batch = images[rows].permute(0, 3, 1, 2)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    return batch.to(torch.float32, memory_format=memory).div_(255)
