"""Annotation files of C-EXPR-DB in the forms they come in, one file a video or one file for all."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.datasets.annotations import segment_of
from harness.datasets.frame_list import HEADER, read_frame_labels
from harness.datasets.lists import read_text
from harness.datasets.segments import Segment
from harness.datasets.timeline import FrameLabels
from harness.datasets.wording import many
from harness.errors import DataError, listed
from harness.expressions import ABAW_COMPOUND_7
from harness.media.paths import natural_key

SUFFIXES = (".csv", ".txt")
NOT_ANNOTATED = "-1"
_NONE = frozenset({"", "other", "others", "none"})
# By id, as the challenge numbers them; 7 is its "Other": a compound expression that is none of the seven.
CLASSES = (*ABAW_COMPOUND_7.names, "Other")


@dataclass
class Annotation:
    """What annotation files say: segments or frame labels by clip, and how many lines a file of lines has."""

    segments: dict[str, list[Segment]] = field(default_factory=dict)
    frames: FrameLabels = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def clips(self) -> list[str]:
        """Every clip that has a file or a row."""
        return list({**self.segments, **self.frames})


def read_annotation(path: Path) -> Annotation:
    """A folder of files named by video (01.csv, 01.txt), or one file for all videos.

    A file of a video holds time segments (columns "Begin Time ...", "End Time ...", then a column a class with a mark
    in one of them; or begin, end, label), labels by frame (columns frame, counted from 0, and label), or one label a
    line. A label is a class name or the challenge's id: 7 and "Other" are none of the classes, -1 is not annotated.
    DataError, one line, lists what cannot be read.
    """
    found = Annotation()
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
        if not files:
            raise DataError(f"{path}: holds no annotation file (NN.csv or NN.txt)")
        for file in sorted(files, key=lambda one: natural_key(one.name)):
            if file.stem in found.clips:
                raise DataError(f"{path}: video {file.stem} has more than one annotation file")
            _read_video(file, found)
        return found
    rows = _rows(path)
    if rows and rows[0][0].strip().casefold() == HEADER:
        for clip, frame, label in read_frame_labels(path):
            _put(found.frames.setdefault(clip, {}), path, clip, frame, _class(label, CLASSES, path, label))
        return found
    if rows and {"clip", "frame", "label"} <= set(_header(rows)):
        _by_frame(path, rows, None, found)
        return found
    raise DataError(
        f"{path}: neither a folder of annotation files, nor a table of clip, frame and label, nor a file of lines like "
        "01/00001.jpg,5"
    )


def _read_video(path: Path, found: Annotation) -> None:
    rows = _rows(path)
    header = _header(rows)
    if len(header) > 2 and header[0].startswith("begin") and header[1].startswith("end"):
        found.segments[path.stem] = _by_time(path, rows)
    elif {"frame", "label"} <= set(header):
        _by_frame(path, rows, path.stem, found)
    else:
        _by_line(path, rows, found)


def _rows(path: Path) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(read_text(path, "annotations"), newline="")) if row]
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None


def _header(rows: Sequence[Sequence[str]]) -> list[str]:
    return [cell.strip().casefold() for cell in rows[0]] if rows else []


def _by_time(path: Path, rows: Sequence[Sequence[str]]) -> list[Segment]:
    """Segments, each of the class in whose column it is marked, or that its label names."""
    header = [cell.strip() for cell in rows[0]]
    named = len(header) == 3 and header[2].casefold() == "label"
    segments, wrong = [], []
    for number, row in enumerate(rows[1:], start=2):
        marked = [row[2]] if named else [name for name, cell in zip(header[2:], row[2:], strict=False) if _marks(cell)]
        if len(marked) != 1:
            wrong.append(f"line {number} marks {len(marked)} classes")
            continue
        label = _class(marked[0], CLASSES, path, f"line {number}") or ""
        segment = segment_of(row[0], row[1], label)
        if isinstance(segment, str):
            wrong.append(f"line {number} {segment}")
        else:
            segments.append(segment)
    if wrong:
        raise DataError(f"{path}: {many(len(wrong), 'time segment')} cannot be read: {listed(wrong)}")
    return segments


def _marks(cell: str) -> bool:
    return cell.strip() not in ("", "0")


def _by_frame(path: Path, rows: Sequence[Sequence[str]], clip: str | None, found: Annotation) -> None:
    """Rows of frame and label, and of clip where a file speaks of several."""
    header = _header(rows)
    place = {name: header.index(name) for name in ("clip", "frame", "label") if name in header}
    wrong = []
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: row[at].strip() for name, at in place.items() if at < len(row)}
        if len(cells) < len(place) or not cells["frame"].isdecimal():
            wrong.append(f"line {number} {','.join(row)[:40]!r}")
            continue
        name = clip if clip is not None else cells["clip"]
        label = _class(cells["label"], CLASSES, path, f"line {number}")
        _put(found.frames.setdefault(name, {}), path, name, int(cells["frame"]), label)
    if wrong:
        raise DataError(
            f"{path}: {many(len(wrong), 'line')} without frame (a whole number from 0 on) and label: {listed(wrong)}"
        )
    if clip is not None:
        found.frames.setdefault(clip, {})


def _by_line(path: Path, rows: Sequence[Sequence[str]], found: Annotation) -> None:
    """One label a line, frame after frame; a first line of several names says what the ids mean."""
    names: Sequence[str] = CLASSES
    if rows and len(rows[0]) > 1:
        names, rows = [cell.strip() for cell in rows[0]], rows[1:]
    elif _header(rows) == ["label"]:
        rows = rows[1:]
    odd = [f"line {number} {','.join(row)[:40]!r}" for number, row in enumerate(rows, start=1) if len(row) != 1]
    if odd or not rows:
        what = f"{many(len(odd), 'line')} not one label: {listed(odd)}" if odd else "the file is empty"
        raise DataError(f"{path}: {what}; neither time segments, frame and label, nor one label a line")
    frames: dict[int, str] = {}
    for frame, (label,) in enumerate(rows):
        _put(frames, path, path.stem, frame, _class(label, names, path, f"frame {frame}"))
    found.frames[path.stem] = frames
    found.lines[path.stem] = len(rows)


def _put(frames: dict[int, str], path: Path, clip: str, frame: int, label: str | None) -> None:
    if frame in frames:
        raise DataError(f"{path}: annotated more than once: {clip} frame {frame}")
    if label is not None:
        frames[frame] = label


def _class(text: str, names: Sequence[str], path: Path, place: str) -> str | None:
    """The class name of a name or an id; "" for none of the classes, None for not annotated."""
    label = text.strip()
    if label == NOT_ANNOTATED:
        return None
    if label.lstrip("-").isdecimal():
        number = int(label)
        if not 0 <= number < len(names):
            raise DataError(f"{path}: {place}: label id {label} is unknown (0..{len(names) - 1}, or -1: not annotated)")
        label = names[number]
    return "" if label.casefold() in _NONE else label
