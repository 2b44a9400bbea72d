"""Every built-in component keeps the contract of its kind, as the public kit checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.builtins.cascade import find_cascade
from harness.components import Kind
from harness.expressions import ABAW_COMPOUND_7
from harness.plugins import Registry
from harness.testing import (
    check_aggregator,
    check_dataset,
    check_face_detector,
    check_lookup_labeler,
    check_loss,
)

REGISTRY = Registry.discover(third_party=False)
AGGREGATORS: list[tuple[str, dict[str, Any]]] = [
    *[("majority-vote", {"ties": rule}) for rule in ("model-order", "highest-probability", "lowest-id", "random")],
    *[(name, {"smoothing": smoothing}) for name in ("dawid-skene", "one-coin") for smoothing in (0, 0.01, 1)],
    ("mean-probability", {}),
    ("median", {}),
    ("weighted", {"weights": [1.0, 2.0, 0.5]}),
    ("weighted", {"weights": {"a": 1, "b": 2, "c": 3}, "hard": True}),
]
LOSSES: list[tuple[str, dict[str, Any]]] = [
    *[(name, {}) for name in ("bal-ce", "bal-ce+dice", "cross-entropy", "dice", "focal", "label-smoothing")],
    ("dice", {"variant": "sample", "reduction": "sum"}),
]
FRAMES = pd.DataFrame({"clip": ["a", "a", "b"], "frame": [0, 1, 0]})


def built_in(kind: Kind) -> set[str]:
    return set(REGISTRY.names(kind))


@pytest.mark.parametrize(("name", "options"), AGGREGATORS)
def test_aggregators_keep_the_contract(name: str, options: dict[str, Any]) -> None:
    check_aggregator(REGISTRY.build("aggregators", name, options))


@pytest.mark.parametrize(("name", "options"), LOSSES)
@pytest.mark.parametrize("counts", [[10, 1, 5], [7, 0, 2, 1, 30, 4, 4]])
def test_losses_keep_the_contract(name: str, options: dict[str, Any], counts: list[int]) -> None:
    torch = pytest.importorskip("torch")
    check_loss(REGISTRY.build("losses", name, options, class_counts=torch.tensor(counts)), classes=len(counts))


def test_the_whole_frame_detector_keeps_the_contract() -> None:
    check_face_detector(REGISTRY.build("face_detectors", "whole-frame", {}))


def test_the_haar_detector_keeps_the_contract_where_a_cascade_is_installed() -> None:
    if find_cascade(None) is None:
        pytest.skip("no installed package brings a cascade file")
    check_face_detector(REGISTRY.build("face_detectors", "haar", {}))


@pytest.mark.parametrize("options", [{"part": "stills", "stills": 7}, {"part": "clips", "clips": 1, "seconds": 0.5}])
def test_the_synthetic_data_set_keeps_the_contract(options: dict[str, Any], tmp_path: Path) -> None:
    check_dataset(REGISTRY.build("datasets", "synthetic", options, folder=tmp_path), ABAW_COMPOUND_7)


def test_the_videos_data_set_keeps_the_contract(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name)
    check_dataset(REGISTRY.build("datasets", "videos", {"root": tmp_path}, folder=tmp_path))


def test_the_replay_labeler_keeps_the_contract(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("clip,frame,label\na,0,Sadly Angry\na,1,\n")
    labeler = REGISTRY.build("labelers", "replay", {"path": tmp_path / "labels.csv"}, label_space=ABAW_COMPOUND_7)
    check_lookup_labeler(labeler, ABAW_COMPOUND_7, FRAMES)


@pytest.mark.parametrize("confidence", ["one-hot", "posterior", "graded"])
def test_the_simulated_labeler_keeps_the_contract(confidence: str) -> None:
    options = {"confidence": confidence, "abstain_rate": 0.3}
    labeler = REGISTRY.build("labelers", "simulated", options, label_space=ABAW_COMPOUND_7)
    check_lookup_labeler(labeler, ABAW_COMPOUND_7, FRAMES, FRAMES.assign(label=[6, -1, 0]))


def test_every_built_in_is_checked_here() -> None:
    on_disk = {"c-expr-db", "folder", "raf-ce", "raf-db"}  # checked beside their layouts, in tests/datasets
    assert built_in("datasets") == {"synthetic", "videos"} | on_disk
    assert built_in("face_detectors") == {"haar", "whole-frame"}
    assert built_in("labelers") == {"replay", "simulated"}
    assert {name for name, _ in AGGREGATORS} == built_in("aggregators")
    assert {name for name, _ in LOSSES} == built_in("losses")
