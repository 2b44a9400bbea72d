"""Annotations in one table: labels by frame, or by time segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets.segments import Segment, seconds
from harness.datasets.timeline import FrameLabels, Timing, label_frames
from harness.datasets.wording import many
from harness.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

BY_FRAME = ("clip", "frame", "label")
BY_TIME = ("clip", "begin", "end", "label")


def read_annotations(
    path: Path, clips: Sequence[str], timing: Callable[[str], Timing], slack: int
) -> tuple[pd.DataFrame, list[str]]:
    """Columns clip (str), frame (int64, 0-based), label (str, "" for none of the classes) of a CSV or Parquet file,
    and notices.

    The file has the columns clip, frame, label; or clip, begin, end, label: half-open time segments, in seconds or
    hh:mm:ss.ms (`segments` tells which frames lie in one). timing: length and rate of a clip, asked for segments alone.
    DataError names missing columns, clips that do not exist, frames that are no number and frames given twice.
    """
    table = read_table(path, "annotations")
    by_time = "frame" not in table.columns and {"begin", "end"} <= set(table.columns)
    wanted = BY_TIME if by_time else BY_FRAME
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        found = listed(table.columns) or "none"
        raise DataError(
            f"{path}: column {listed(missing)} is missing (found: {found}); needed: {', '.join(BY_FRAME)}, or for time "
            f"segments {', '.join(BY_TIME)}"
        )
    table = table[list(wanted)].copy()
    for column in ("clip", "label"):
        table[column] = table[column].fillna("").astype(str).str.strip()
    refuse_unknown(path, table["clip"].unique(), clips)
    if by_time:
        return _from_segments(path, table, timing, slack)
    table["frame"] = frame_numbers(path, table["frame"])
    twice = table[table.duplicated(["clip", "frame"])]
    if len(twice):
        pairs = [f"{clip} frame {frame}" for clip, frame in zip(twice["clip"], twice["frame"], strict=True)]
        raise DataError(f"{path}: annotated more than once: {listed(pairs)}")
    return table.reset_index(drop=True), []


def as_table(labels: FrameLabels) -> pd.DataFrame:
    """Columns clip, frame, label of labels by clip and frame."""
    import pandas as pd

    rows = [(clip, frame, label) for clip, frames in labels.items() for frame, label in sorted(frames.items())]
    return pd.DataFrame(rows, columns=list(BY_FRAME)).astype({"clip": "str", "frame": "int64", "label": "str"})


def refuse_unknown(path: Path, named: Iterable[str], clips: Sequence[str]) -> None:
    """DataError if annotations name clips that do not exist."""
    known = set(clips)
    unknown = [name for name in named if name not in known]
    if unknown:
        raise DataError(
            f"{path}: {many(len(unknown), 'clip')} not in the data set: {listed(unknown)} "
            f"(its clips are {listed(clips, 3)})"
        )


def read_table(path: Path, what: str) -> pd.DataFrame:
    """A CSV (all columns as text) or Parquet file; DataError if it cannot be read."""
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        # As text: pandas would turn clip 001 into 1 and the label None into NaN.
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such {what} file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: {what} cannot be read ({' '.join(str(error).split())})") from None


def frame_numbers(path: Path, frames: Any) -> Any:
    """A column as whole numbers from 0 on; DataError lists what is none."""
    import pandas as pd

    numbers = pd.to_numeric(frames, errors="coerce").astype("float64")
    wrong = frames[~((numbers >= 0) & (numbers % 1 == 0))]
    if len(wrong):
        raise DataError(f"{path}: frame is not a whole number from 0 on: {listed(repr(value) for value in wrong)}")
    return numbers.astype("int64")


def _from_segments(
    path: Path, table: Any, timing: Callable[[str], Timing], slack: int
) -> tuple[pd.DataFrame, list[str]]:
    timeline: dict[str, list[Segment]] = {}
    wrong = []
    for number, (clip, begin, end, label) in enumerate(table.itertuples(index=False), start=2):
        segment = segment_of(str(begin), str(end), label)
        if isinstance(segment, str):
            wrong.append(f"line {number} {segment}")
        else:
            timeline.setdefault(clip, []).append(segment)
    if wrong:
        raise DataError(f"{path}: {many(len(wrong), 'time segment')} cannot be read: {listed(wrong)}")
    labels, notices = label_frames(path, timeline, {clip: timing(clip) for clip in timeline}, slack)
    return as_table(labels), notices


def segment_of(begin: str, end: str, label: str) -> Segment | str:
    """The segment, or what is wrong with it."""
    try:
        segment = Segment(seconds(begin), seconds(end), label)
    except ValueError as error:
        return str(error)
    return segment if segment.begin < segment.end else f"{begin} to {end} ends before it begins"
