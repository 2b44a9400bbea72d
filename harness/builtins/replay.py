"""The labeler `replay`: labels looked up in a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from harness.builtins.labeler_options import ReplayOptions
from harness.components import Scores
from harness.errors import DataError, listed, nearest
from harness.expressions import LabelSpace

NO_LABEL = -1


class Replay:
    """A components.LookupLabeler. The file is read when it is built: DataError says what in it cannot be used.

    notices: what became of labels that no face asked for, for the user.
    """

    def __init__(self, options: ReplayOptions, label_space: LabelSpace) -> None:
        self.options = options
        self.classes = len(label_space)
        table = read_table(options)
        self.rows = _frames(options, table).assign(written=table[options.label].to_numpy())
        self.rows["label"] = _class_ids(options, self.rows["written"], label_space)
        self.rows = _distinct(options.path, self.rows)
        self.notices: list[str] = []

    def look_up(self, frames: pd.DataFrame, truth: pd.DataFrame | None = None) -> Scores:  # noqa: ARG002 - the contract's
        """One-hot rows (N, C) for frames the file has a label for, NaN for the others; DataError if it has none."""
        found = frames[["clip", "frame"]].merge(self.rows, how="left", on=["clip", "frame"])
        if len(frames) and found["label"].isna().all():
            raise DataError(self._no_match(frames))
        self._tell_of_the_rest(frames)
        labels = found["label"].fillna(NO_LABEL).to_numpy(np.int64)
        probabilities = np.full((len(frames), self.classes), np.nan, np.float32)
        given = labels >= 0
        probabilities[given] = np.eye(self.classes, dtype=np.float32)[labels[given]]
        name = self.options.path.name
        missing = found["label"].isna().to_numpy()
        explanations = [
            f"not in {name}" if absent else f"{name}: {written!r}"
            for absent, written in zip(missing, found["written"], strict=True)
        ]
        return Scores(probabilities, explanations)

    def _tell_of_the_rest(self, frames: pd.DataFrame) -> None:
        """Note labels of frames that are not among those asked for, clip by clip."""
        asked = frames[["clip", "frame"]].drop_duplicates().assign(asked=True)
        rest = self.rows[self.rows.merge(asked, how="left", on=["clip", "frame"])["asked"].isna().to_numpy()]
        if len(rest):
            counts = rest["clip"].value_counts(sort=False)
            named = listed(f"{clip} ({count})" for clip, count in counts.items())
            self.notices = [
                f"{len(rest)} of {len(self.rows)} labels in {self.options.path.name} are of frames that are not asked "
                f"for, in the clips {named}"
            ]

    def _no_match(self, frames: pd.DataFrame) -> str:
        named, asked = listed(sorted(self.rows["clip"].unique()), 5), listed(frames["clip"].unique(), 5)
        return (
            f"labels in {self.options.path} match none of {len(frames)} faces: the file names the clips {named}, the "
            f"faces are of {asked}; check the options clip, frame, image, pattern and first_frame"
        )


def read_table(options: ReplayOptions) -> pd.DataFrame:
    """The file as text, without guessing: "001" stays "001" and "None" stays "None". DataError if it cannot be read."""
    path = options.path
    if not path.is_file():
        raise DataError(f"label file {path} does not exist")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            table = pd.read_parquet(path)
            table = table.astype("str").where(table.notna(), "")
        else:
            header = 0 if options.header else None
            table = pd.read_csv(path, sep=options.separator, dtype=str, keep_default_na=False, header=header)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise DataError(f"label file {path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    table.columns = table.columns.astype("str")
    wanted = [options.label, *([options.image] if options.image else [options.clip, options.frame])]
    for name in wanted:
        if name not in table.columns:
            raise DataError(f"label file {path} has no column {name!r}{nearest(name, table.columns)}")
    if not len(table):
        raise DataError(f"label file {path} holds no row")
    return table


def _frames(options: ReplayOptions, table: pd.DataFrame) -> pd.DataFrame:
    """Columns clip (str) and frame (int, 0-based) of every row."""
    if options.image:
        parts = table[options.image].str.extract(_expression(options.pattern))
        wrong = table.loc[parts["clip"].isna(), options.image]
        if len(wrong):
            raise DataError(_culprits(options.path, wrong, f"do not look like pattern {options.pattern!r}"))
        clips, written = parts["clip"], parts["frame"]
    else:
        clips, written = table[options.clip], table[options.frame].str.strip()
    numbers = pd.to_numeric(written, errors="coerce")
    wrong = written[~(numbers >= options.first_frame) | (numbers % 1 != 0)]
    if len(wrong):
        raise DataError(_culprits(options.path, wrong, f"are no frame numbers from {options.first_frame} on"))
    return pd.DataFrame({"clip": clips.to_numpy(), "frame": numbers.to_numpy(np.int64) - options.first_frame})


def _expression(pattern: str) -> re.Pattern[str]:
    """ "{clip}/{frame}.jpg" as a regular expression with the groups clip and frame."""
    written = re.escape(pattern).replace(r"\{clip\}", "(?P<clip>.+)").replace(r"\{frame\}", r"(?P<frame>\d+)")
    return re.compile(f"^{written}$")


def _class_ids(options: ReplayOptions, written: pd.Series, space: LabelSpace) -> pd.Series:
    """Class ids of the values of the label column, NO_LABEL for those that mean none."""
    meanings = {value: _class_id(options, value, space) for value in written.unique()}
    unknown = [value for value, found in meanings.items() if found is None]
    if unknown:
        wrong = written[written.isin(unknown)]
        raise DataError(_culprits(options.path, wrong, f"are no labels of {space.name!r}; say what they mean in ids"))
    return written.map(meanings).astype("int64")


def _class_id(options: ReplayOptions, value: str, space: LabelSpace) -> int | None:
    meaning = options.ids.get(value.strip(), options.ids.get(value))
    if meaning is None:
        if value in options.abstain:
            return NO_LABEL
        if options.ids:  # a mapping is complete: guessing beside it would mix two numberings
            return None
        meaning = int(value) if re.fullmatch(r"\s*\d+\s*", value) else value
    if isinstance(meaning, str):
        return space.find(meaning)
    return meaning if 0 <= meaning < len(space) else None


def _distinct(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Each frame once; DataError names frames with two labels."""
    rows = rows.drop_duplicates(["clip", "frame", "label"])
    twice = rows[rows.duplicated(["clip", "frame"], keep="first")]
    if len(twice):
        named = twice["clip"] + " frame " + twice["frame"].astype("str")
        raise DataError(f"label file {path} has two different labels for {listed(named)} (frames from 0)")
    return rows


def _culprits(path: Path, values: pd.Series, complaint: str) -> str:
    counts = values.value_counts()
    named = listed(f"{value!r} ({count} rows)" for value, count in counts.items())
    return f"label file {path}: {len(values)} values {complaint}: {named}"
