"""What every system of a run said of every frame, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError, StoreError
from harness.export.systems import Rows, predicted
from harness.expressions import LabelSpace
from harness.finished import LABELS, PREDICTIONS, FinishedRun
from harness.fusion.stage import clip_starts

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.sources import Sources

NONE, UNKNOWN = -1, -2  # no class was answered or annotated; nobody was asked, or nothing is annotated
TRUTH = "truth"
Codes = NDArray[np.int16]


@dataclass(frozen=True)
class Answers:
    """F frames of K clips.

    clips: names; bounds (K + 1,) of each clip's frames, whose numbers count from 0; time (F,) seconds or NaN; face (F,)
    ids or -1; rows: title -> (F,) class ids, NONE or UNKNOWN, in the order in which they are shown. final: the title of
    the run's decisions.
    """

    clips: tuple[str, ...]
    bounds: NDArray[np.int64]
    time: NDArray[np.float64]
    face: NDArray[np.int64]
    rows: Mapping[str, Codes]
    final: str

    def spans(self) -> list[slice]:
        """The frames of each clip."""
        return [slice(start, end) for start, end in itertools.pairwise(self.bounds.tolist())]

    def place(self, position: int) -> tuple[int, int]:
        """Position among all frames -> (position of its clip, number of the frame there)."""
        clip = int(np.searchsorted(self.bounds, position, side="right")) - 1
        return clip, position - int(self.bounds[clip])


def read_answers(sources: Sources, labels: pd.DataFrame) -> Answers:
    """Everybody's answers; what the store lacks is left out and told. labels: of `read_labels`."""
    run = sources.run
    space = run.experiment.space
    table = _table(run, PREDICTIONS, ("clip", "label", "unsmoothed"), ("time",))
    clip = table["clip"].cat.codes.to_numpy()
    bounds = clip_starts(clip)
    names = table["clip"].cat.categories[clip[bounds[:-1]]].tolist() if len(table) else []
    _check_numbers(table["frame"].to_numpy(), bounds, names, run.folder / PREDICTIONS)
    face = table["face"].to_numpy()
    rows: dict[str, Codes] = {}
    truth = _truth(sources, names, bounds)
    if truth is not None:
        rows[TRUTH] = truth
    rows["labeler"] = _labeler(labels, face, space)
    for name in run.networks:
        folder = sources.folder("predict", f"predict:{name}:fine-tuned", "answers", name)
        if folder is not None:
            frames = Rows((), table["frame"].to_numpy(), face, face)
            rows[_free(name, rows)] = predicted(frames, folder, len(space)).astype(np.int16)
    final, before = _codes(table["label"], space), _codes(table["unsmoothed"], space)
    title = "fused" if run.networks else "decision"
    if (final != before).any():
        smoothed = run.experiment.fusion.smoothing.kind != "none"
        rows[_free(f"{title}, before {'smoothing' if smoothed else 'filling'}", rows)] = before
        title = f"{title}, {'smoothed' if smoothed else 'filled'}"
    title = _free(title, rows)
    rows[title] = final
    return Answers(tuple(names), bounds, table["time"].to_numpy(np.float64), face, rows, title)


def read_labels(run: FinishedRun) -> pd.DataFrame:
    """labels.csv without its probabilities: face, outcome, label."""
    return _table(run, LABELS, ("outcome", "label"))


def _table(run: FinishedRun, name: str, texts: Sequence[str], numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Some columns of a table of the run: frame, face, numbers, and texts as categories.

    A long run has the same few texts a hundred thousand times. They are read as text first: pandas would make numbers
    of categories that look like such, and clip "01" is not clip "1".
    """
    import pandas as pd

    path = run.folder / name
    types: dict[str, Any] = {"frame": "int64", "face": "int64", **dict.fromkeys(numbers, "float64")}
    types |= dict.fromkeys(texts, "str")
    empty = {column: ["nan", ""] for column in numbers}
    try:
        table = pd.read_csv(path, usecols=list(types), dtype=types, keep_default_na=False, na_values=empty)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read as a table of a run ({' '.join(str(error).split())}); run it again"
        ) from error
    return table.astype(dict.fromkeys(texts, "category"))


def _check_numbers(frames: NDArray[np.int64], bounds: NDArray[np.int64], names: Sequence[str], path: Path) -> None:
    """DataError unless each clip's rows are together and number its frames 0, 1, 2, ..."""
    lengths = np.diff(bounds)
    wanted = np.arange(len(frames)) - np.repeat(bounds[:-1], lengths)
    wrong = np.flatnonzero(frames != wanted)
    if len(wrong) or len(set(names)) < len(names):
        at = f", first in line {wrong[0] + 2}" if len(wrong) else ""
        raise DataError(f"{path} does not number the frames of its clips 0, 1, 2, ...{at}; run it again")


def _codes(column: Any, space: LabelSpace) -> Codes:
    """Class ids of a column of names, "" as NONE; DataError for a name that is not in the label space."""
    known = [space.id_of(name) if name else NONE for name in column.cat.categories.tolist()]
    found: Codes = np.array([*known, NONE], np.int16)[column.cat.codes.to_numpy()]
    return found


def _labeler(labels: pd.DataFrame, face: NDArray[np.int64], space: LabelSpace) -> Codes:
    asked = labels["face"].to_numpy()
    of_face = np.full(max(face.max(initial=-1), asked.max(initial=-1)) + 2, UNKNOWN, np.int16)
    of_face[asked] = _codes(labels["label"], space)
    found: Codes = of_face[face]  # the last one, at -1, is of frames without a face: nobody was asked
    return found


def _truth(sources: Sources, names: Sequence[str], bounds: NDArray[np.int64]) -> Codes | None:
    """Annotations of the decoded frames, UNKNOWN where there are none; None without any."""
    folder = sources.folder("truth", "truth:target", "annotations")
    if folder is None:
        return None
    import pandas as pd
    import pyarrow as pa

    try:
        table = pd.read_parquet(folder / "truth.parquet", columns=["clip", "frame", "label"])
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise StoreError(f"{folder / 'truth.parquet'} cannot be read ({error}); compute it again") from error
    clip = table["clip"].astype("str").map({name: number for number, name in enumerate(names)}).fillna(-1)
    number, frame = clip.to_numpy(np.int64), table["frame"].to_numpy(np.int64)
    decoded = (number >= 0) & (frame >= 0)
    decoded[decoded] = frame[decoded] < np.diff(bounds)[number[decoded]]
    if not decoded.any():
        return None
    found = np.full(int(bounds[-1]), UNKNOWN, np.int16)
    found[bounds[number[decoded]] + frame[decoded]] = table["label"].to_numpy(np.int16)[decoded]
    return found


def _free(title: str, taken: Mapping[str, Codes]) -> str:
    """The title, with a number if a network is called like that."""
    choices = itertools.chain([title], (f"{title} ({number})" for number in itertools.count(2)))
    return next(one for one in choices if one not in taken)
