"""Labels and replies as tables for people: class names instead of ids, written as CSV or Parquet."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.components import Clip
from harness.documents import write_atomically
from harness.errors import ConfigError
from harness.labeling.replies import FILE as REPLIES
from harness.media.paths import frame_images

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
FIRST = ("clip", "frame", "face", "file", "subject")


def check_target(path: Path, option: str) -> None:
    """ConfigError unless a table can be written to that path, so that nobody learns of it after the work."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"{option} {str(path)!r}: tables are written as .csv or .parquet; end the name in one of them"
        )
    if path.is_dir():
        raise ConfigError(f"{option} {str(path)!r} is a folder; name a file in it")
    above = next(one for one in path.absolute().parents if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ConfigError(f"{option} {str(path)!r}: {str(above)!r} is no folder that can be written; name another")


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table whole or not at all; its suffix says as what."""
    check_target(path, "table")
    if path.suffix.lower() == ".csv":
        return write_atomically(path, table.to_csv(index=False))
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return write_atomically(path, buffer.getvalue())


def named(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """A Parquet table with class names instead of ids ("" for none), and one column of probability a class."""
    import pandas as pd
    import pyarrow.parquet as pq

    found = pq.read_table(path)
    frame = found.drop_columns(["probabilities"]).to_pandas()
    for column in ("label", "unsmoothed"):
        if column in frame:
            frame[column] = class_names(frame[column], names)
    rows = found["probabilities"].combine_chunks()
    values = rows.flatten().to_numpy(zero_copy_only=False).reshape(len(found), len(names))
    columns = [f"p({name})" if name in frame else name for name in names]
    table: pd.DataFrame = pd.concat([frame, pd.DataFrame(values, columns=columns).round(4)], axis=1)
    return table


def class_names(ids: Iterable[int], names: Sequence[str]) -> list[str]:
    """The names of class ids, "" for -1."""
    return [names[one] if one >= 0 else "" for one in ids]


def labels_table(labels: Path, faces: Path, names: Sequence[str], files: Files) -> pd.DataFrame:
    """The labels of a pseudo-label artifact as `harness label` writes them: a row a face that was asked about.

    clip, frame, face (id in the faces artifact), file, subject ("" if unknown), outcome, label (class name or ""),
    confidence, confident, voters, agreeing, explanation, and the probability of each class.
    """
    from harness.faces.artifact import read_faces

    table = named(labels, names)
    known = read_faces(faces).set_index("face").loc[table["face"]]
    table["subject"] = known["subject"].where(known["subject"] != known["clip"], "").to_numpy()
    table["file"] = [files.of(clip, frame) for clip, frame in zip(table["clip"], table["frame"], strict=True)]
    return table[[*FIRST, *(column for column in table.columns if column not in FIRST)]]


def replies_table(folders: Mapping[str, Path], names: Sequence[str]) -> pd.DataFrame:
    """Every reply with its text: a row a face, labeler and voter. folders: labeler -> its label artifact."""
    import pandas as pd

    parts = []
    for labeler, folder in folders.items():
        part = pd.read_parquet(folder / REPLIES)
        part["label"] = class_names(part["label"], names)
        part.insert(0, "labeler", labeler)
        parts.append(part)
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    first = ["clip", "frame", "face", "labeler", "voter", "outcome", "label", "text"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


class Files:
    """The files that frames come from, as paths below the data set's root where they lie there."""

    def __init__(self, clips: Sequence[Clip], root: Path) -> None:
        self._sources = {clip.id: clip.source for clip in clips}
        self._root = root
        self._images: dict[str, list[Path]] = {}

    def of(self, clip: str, frame: int) -> str:
        """The image or video of a frame; "" if the clip is not known any more."""
        source = self._sources.get(clip)
        if source is None:
            return ""
        if source.is_dir():
            images = self._images.setdefault(clip, frame_images(source))
            source = images[frame] if frame < len(images) else source
        return (source.relative_to(self._root) if source.is_relative_to(self._root) else source).as_posix()
