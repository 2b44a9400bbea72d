"""What a network is trained on: faces with labels, decoded once into one uint8 tensor on the training device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import DataError
from harness.expressions import LabelSpace
from harness.faces.artifact import read_crops


@dataclass(frozen=True)
class Examples:
    """faces (N,) int64 ids; labels (N,) int64 class ids; subjects (N,) str, by which they are split."""

    faces: NDArray[np.int64]
    labels: NDArray[np.int64]
    subjects: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.faces)


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


def pseudo_labelled(faces: Path, labels: Path) -> Examples:
    """The faces whose pseudo-label is confident. faces, labels: folders of such artifacts.

    DataError if there is none.
    """
    rows = pd.read_parquet(labels / "labels.parquet", columns=["face", "label", "confident"])
    confident = rows[rows["confident"].astype(bool) & (rows["label"] >= 0)]
    if confident.empty:
        raise DataError(
            f"none of {len(rows)} pseudo-labels is confident enough to train on; "
            "lower labeling.threshold, or use another labeler"
        )
    return _with_subjects(confident[["face", "label"]], faces)


def _with_subjects(rows: pd.DataFrame, faces: Path) -> Examples:
    crops = pd.read_parquet(faces / "crops.parquet", columns=["face", "subject"])
    rows = rows.drop_duplicates("face").merge(crops, on="face", how="inner").sort_values("face", kind="stable")
    return Examples(
        rows["face"].to_numpy(dtype=np.int64, copy=True),
        rows["label"].to_numpy(dtype=np.int64, copy=True),
        rows["subject"].to_numpy(dtype=np.str_),
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


def centre_crops(folder: Path, faces: NDArray[np.int64], size: int, share: float) -> NDArray[np.uint8]:
    """Crops of a faces artifact, of each the centre that has `share` of its side: (N, size, size, 3) uint8 RGB."""
    side = round(size / share)
    start = (side - size) // 2
    return read_crops(folder, faces, side)[:, start : start + size, start : start + size]


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
