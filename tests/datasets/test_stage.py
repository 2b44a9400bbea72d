"""The stages `data` and `truth` on the data sets that lie on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from harness.datasets.stage import run_data, run_truth
from harness.expressions import ABAW_COMPOUND_7
from harness.plugins import Registry
from harness.stage import StageContext

Build = Callable[..., Path]


def both(tmp_path: Path, use: str, **options: Any) -> tuple[dict[str, Any], pd.DataFrame, list[str]]:
    """The summary, the truth table and the notices of both stages."""
    registry = Registry.discover(third_party=False)
    params = {"dataset": {"use": use, "options": options}, "label_space": ABAW_COMPOUND_7.as_dict()}
    folders = {name: tmp_path / name for name in ("data", "truth")}
    for folder in folders.values():
        folder.mkdir()
    data = StageContext(folders["data"], params, {}, registry)
    run_data(data)
    truth = StageContext(folders["truth"], params, {"data": folders["data"]}, registry)
    run_truth(truth)
    summary = json.loads((folders["data"] / "summary.json").read_text())
    return (
        summary,
        pd.read_parquet(folders["truth"] / "truth.parquet"),
        list(dict.fromkeys([*data.notices, *truth.notices])),
    )


def test_classes_outside_the_label_space_are_left_out_with_a_notice(tmp_path: Path, raf_db: Build) -> None:
    root = raf_db(tmp_path / "raf", {"train_1": 1, "train_2": 2, "train_3": 11, "train_4": 2})
    summary, truth, notices = both(tmp_path, "raf-db", root=str(root))
    assert summary == {
        "clips": 4,
        "subjects": 4,
        "licence": "RAF-DB: non-commercial research only, images must not be passed on",
        "faces_may_leave": False,
    }
    assert truth["label"].tolist() == [1, -1, 3, -1]
    assert notices == ["annotations outside label space 'abaw-compound-7' are left out: Happily Disgusted (2)"]


def test_what_a_data_set_takes_for_granted_is_said(tmp_path: Path, frame_list: Build, segments: Build) -> None:
    listed = frame_list(tmp_path / "list.txt", {"01": 50})
    notes = segments(tmp_path / "notes", {"01": [("0", "1", 6), ("1", "2", 7)]})
    summary, truth, notices = both(tmp_path, "c-expr-db", frame_list=str(listed), annotations=str(notes))
    assert summary["clips"] == 1
    assert truth["label"].tolist() == [6] * 25 + [-1] * 25
    assert notices == [
        "frame rates are inferred from the end of the annotation and the number of frames: 25 for 1 clip"
    ]
