"""The kit finds data sets that break their contract, and says which promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.components import Clip, Licence
from harness.expressions import ABAW_COMPOUND_7
from harness.testing import check_dataset

HERE = Path(__file__)
CLIPS = (Clip("a", HERE), Clip("b", HERE, "someone"))
TABLE = pd.DataFrame({"clip": ["a", "a"], "frame": [0, 1], "label": ["Sadly Angry", ""]})


class Dataset:
    licence: Any = Licence("made up")

    def __init__(self, clips: Any = CLIPS, table: Any = None) -> None:
        self._clips = clips
        self._table = table

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        progress(0, 2)
        progress(2, 2)

    def clips(self) -> Any:
        return self._clips

    def annotations(self) -> Any:
        return self._table


class Overeager(Dataset):
    def prepare(self, progress: Callable[[int, int], None]) -> None:
        progress(3, 2)


class Unlicensed(Dataset):
    licence = "MIT"


class Shuffling(Dataset):
    def clips(self) -> Any:
        self._clips = self._clips[::-1]
        return self._clips


def test_a_sound_data_set_passes() -> None:
    check_dataset(Dataset())
    check_dataset(Dataset(table=TABLE), ABAW_COMPOUND_7)
    check_dataset(Dataset([Clip("a", None, frames=2), Clip("b", None, frames=9, frames_per_second=29.97)], TABLE))


@pytest.mark.parametrize(
    ("dataset", "promise"),
    [
        (Overeager(), r"must report progress\(done, total\), done <= total"),
        (Unlicensed(), "licence must be a Licence, not 'MIT'"),
        (Dataset([]), "at least one clip"),
        (Dataset(["a"]), "must give Clips, not str"),
        (Dataset([Clip("", HERE)]), "id must be a text that is not empty"),
        (Dataset([Clip("a", HERE, "")]), "clip 'a': an unknown subject is None, not empty"),
        (Dataset([Clip("a", HERE / "gone")]), "clip 'a': its source does not exist"),
        (Dataset([Clip("a", None)]), "clip 'a': without a source it must say how many frames"),
        (Dataset([Clip("a", None, frames=0)]), "clip 'a': without a source it must say how many frames"),
        (Dataset([Clip("a", None, frames=1, frames_per_second=0)]), "an unknown frame rate is None, not 0"),
        (Dataset([Clip("a", HERE)] * 2), "clip ids must be unique"),
        (Shuffling(), "the same clips in the same order"),
        (Dataset(table=TABLE[["clip", "label"]]), "the columns clip, frame, label, not"),
        (Dataset(table=TABLE.assign(clip="z")), r"clips that are not in the data set: \['z'\]"),
        (Dataset(table=TABLE.assign(frame=[0.0, 1.0])), "whole numbers, not float64"),
        (Dataset(table=TABLE.assign(frame=[-1, 0])), "must count from 0"),
        (Dataset(table=TABLE.assign(frame=0)), "a frame must be annotated once"),
        (Dataset(table=TABLE.assign(label=[1, 2])), "labels must be texts"),
        (Dataset(table=TABLE.assign(label="Hungry")), r"not in 'abaw-compound-7': \['Hungry'\]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_promise_is_named(dataset: Dataset, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_dataset(dataset, ABAW_COMPOUND_7)
