"""The submission file of the ABAW challenge's compound expression track, exactly: header, order, ids.

image_location,Fearfully_Surprised,Happily_Surprised,...
01/00001.jpg,5
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.documents import write_atomically
from harness.errors import DataError, listed
from harness.expressions import ABAW_COMPOUND_7, LabelSpace

HEADER = ",".join(["image_location", *(name.replace(" ", "_") for name in ABAW_COMPOUND_7.names)])
CLIP = re.compile(r"\d{2}")
LINE = re.compile(r"(\d{2})/(\d{5})\.jpg,([0-6])")
MOST_FRAMES = 99_999  # five digits


def require_official(space: LabelSpace) -> None:
    """DataError unless the classes are the challenge's, in its order."""
    if space.names != ABAW_COMPOUND_7.names:
        raise DataError(
            f"the run's label space is {space.name!r} ({listed(space.names, 4)}), the challenge takes the "
            f"{len(ABAW_COMPOUND_7)} classes of {ABAW_COMPOUND_7.name!r} in their order; label with that space"
        )


def location(clip: str, frame: int) -> str:
    """How the file names a frame (0-based): 01/00001.jpg."""
    return f"{clip}/{frame + 1:05d}.jpg"


def write_submission(path: Path, labels: Mapping[str, NDArray[np.int64]]) -> Path:
    """Write class ids (F,), one a frame, of every clip, in the mapping's order. DataError for names of other clips."""
    _require_names(list(labels))
    lines = [HEADER]
    for clip, ids in labels.items():
        if len(ids) > MOST_FRAMES:
            raise DataError(f"clip {clip} has {len(ids)} frames; the file can name {MOST_FRAMES}")
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(ABAW_COMPOUND_7):
            raise DataError(f"clip {clip} holds class ids from {ids.min()} to {ids.max()}, the file takes 0 to 6")
        lines += [f"{location(clip, frame)},{class_id}" for frame, class_id in enumerate(ids.tolist())]
    return write_atomically(path, "\n".join(lines) + "\n")


def _require_names(clips: Sequence[str]) -> None:
    odd = [clip for clip in clips if not CLIP.fullmatch(clip)]
    if odd:
        raise DataError(
            f"the challenge's videos are named by two digits (01 to 56), {len(odd)} clips of the run are not: "
            f"{listed(odd)}"
        )


def read_submission(path: Path) -> dict[str, NDArray[np.int64]]:
    """clip -> class ids (F,) of a sound file; DataError for the first line of another form."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if number == 1 and line == HEADER:
            continue
        match = LINE.fullmatch(line)
        if match is None or int(match[2]) != len(found.setdefault(match[1], [])) + 1:
            raise DataError(
                f"{path}: line {number} {line[:40]!r} cannot be used; look with: harness export check {path}"
            )
        found[match[1]].append(int(match[3]))
    return {clip: np.array(ids, np.int64) for clip, ids in found.items()}


def read_lines(path: Path) -> list[str]:
    """The lines of the file without their ends; DataError if it is not there or no text."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise DataError(f"{path}: cannot be read ({reason})") from None
    return text.removesuffix("\n").split("\n")
