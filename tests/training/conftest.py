"""A tiny backbone, and artifacts of coloured pictures: the class is the colour, so that a few steps learn it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from harness.builtins.loss_options import CrossEntropyOptions
from harness.components import ComponentSpec, Options
from harness.discovery import Component, Origin
from harness.expressions import Label, LabelSpace
from harness.faces.artifact import CROPS, INDEX, TableWriter
from harness.plugins import Registry
from harness.stage import StageContext
from harness.training.options import FineTuning, Recipe

SPACE = LabelSpace("colours", (Label("red"), Label("green"), Label("blue")))
SIZE = 16


class TinyOptions(Options):
    """Whether the weights count as missing."""

    missing: bool = False
    width: int = 8


class Tiny(nn.Module):
    """One convolution, batch normalisation, global mean."""

    input_size = SIZE
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

    def __init__(self, options: TinyOptions) -> None:
        super().__init__()
        self.num_features = options.width
        self.weights = "random (weights not available)" if options.missing else "random"
        self.layers = nn.Sequential(nn.Conv2d(3, options.width, 3, stride=2), nn.BatchNorm2d(options.width), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean((2, 3))


class Other(Tiny):
    """Another backbone, with an option `weights` that must not be followed when a checkpoint is read."""

    def __init__(self, options: OtherOptions) -> None:
        super().__init__(TinyOptions())
        assert options.weights == "none", "a checkpoint holds every tensor: no weights are needed to read it"


class OtherOptions(Options):
    weights: str = "imagenet"


@pytest.fixture(scope="session")
def registry() -> Registry:
    specs = {
        "tiny": ("backbones", TinyOptions, f"{__name__}:Tiny"),
        "other": ("backbones", OtherOptions, f"{__name__}:Other"),
        "cross-entropy": ("losses", CrossEntropyOptions, "harness.builtins.losses:CrossEntropy"),
    }
    return Registry(
        Component(kind, ComponentSpec(name, "", options, target), Origin("test", "1"))
        for name, (kind, options, target) in specs.items()
    )


def picture(label: int, noise: np.random.Generator) -> bytes:
    pixels = noise.integers(0, 90, (SIZE, SIZE, 3))
    pixels[..., max(label, 0)] += 120
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


class Artifacts:
    """Writes the artifacts that the stages read: single-frame clips, `per_subject` of each person."""

    def __init__(self, folder: Path, labels: Sequence[int], per_subject: int = 2) -> None:
        self.folder, self.labels = folder, list(labels)
        faces = range(len(self.labels))
        self.clips = [f"clip-{face}" for face in faces]
        self.subjects = [f"subject-{face // per_subject}" for face in faces]
        self.faces = folder / "faces"
        self.faces.mkdir()
        noise = np.random.default_rng(0)
        nothing = [np.nan] * len(self.labels)
        with TableWriter(self.faces, CROPS) as crops, TableWriter(self.faces, INDEX) as index:
            frame = {"clip": self.clips, "frame": [0] * len(faces)}
            images = [picture(label, noise) for label in self.labels]
            sums = ["" for _ in faces]
            crops.append({**frame, "face": faces, "subject": self.subjects, "image": images, "sha256": sums})
            boxes = dict.fromkeys(("time", "x0", "y0", "x1", "y1", "score"), nothing)
            own = {"face": faces, "source_frame": [0] * len(faces), "status": ["cropped"] * len(faces)}
            index.append({**frame, **own, **boxes, "faces_found": [1] * len(faces)})

    def truth(self, labels: Mapping[str, int] | None = None) -> Path:
        """A truth artifact; all clips with their own labels unless told otherwise."""
        rows = dict(zip(self.clips, self.labels, strict=True)) if labels is None else labels
        folder = self.folder / "truth"
        folder.mkdir()
        table = {"clip": list(rows), "frame": [0] * len(rows), "label": list(rows.values())}
        pd.DataFrame(table).astype({"clip": "str", "frame": "int32", "label": "int16"}).to_parquet(
            folder / "truth.parquet"
        )
        return folder

    def pseudo_labels(self, confident: Sequence[bool]) -> Path:
        folder = self.folder / "labels"
        folder.mkdir()
        table = {"face": range(len(self.labels)), "label": self.labels, "confident": confident}
        pd.DataFrame(table).to_parquet(folder / "labels.parquet")
        return folder


@pytest.fixture
def artifacts(tmp_path: Path) -> Callable[..., Artifacts]:
    return lambda labels, per_subject=2: Artifacts(tmp_path, labels, per_subject)


def parameters(**changes: Any) -> dict[str, Any]:
    """Params of the stage `train`: the tiny backbone, on a CPU, in float32."""
    recipe = {"epochs": 3, "learning_rate": 0.05, "batch_size": 8, "validation": 0.25} | changes.pop("recipe", {})
    return {
        "backbone": {"use": "tiny", "options": {}},
        "head": {"width": 8},
        "loss": {"use": "cross-entropy", "options": {}},
        "recipe": (FineTuning if changes.get("labels") == "pseudo" else Recipe).model_validate(recipe).model_dump(),
        "label_space": SPACE.as_dict(),
        "image_size": None,
        "seed": 0,
        "precision": "float32",
        "device": "cpu",
        "labels": "truth",
        "batch": 8,
    } | changes


@pytest.fixture
def run_stage(tmp_path: Path, registry: Registry) -> Callable[..., StageContext]:
    """run_stage(function, "name", {inputs}, **changes to the params) -> the context after the stage ran."""

    def run(
        function: Callable[[StageContext], None],
        name: str,
        inputs: dict[str, Path],
        progress: Callable[..., None] = lambda *_: None,
        caches: Path | None = None,
        **changes: Any,
    ) -> StageContext:
        folder = tmp_path / name
        folder.mkdir()
        context = StageContext(folder, parameters(**changes), inputs, registry, progress, caches=caches)
        function(context)
        return context

    return run


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny networks gain nothing from more, and lose much where other programs want the cores."""
    torch.set_num_threads(1)
