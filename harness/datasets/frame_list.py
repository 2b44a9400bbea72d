"""The list of frames that a challenge asks predictions for: `01/00001.jpg,...`, one a line, 1-based."""

from __future__ import annotations

import re
from pathlib import Path

from harness.datasets.lists import read_text
from harness.datasets.wording import many
from harness.errors import DataError, listed

_LINE = re.compile(r"([^/,]+)/(\d+)\.(?:jpg|png)", re.IGNORECASE)
HEADER = "image_location"


def read_frame_list(path: Path) -> dict[str, int]:
    """clip -> number of its frames, in the order of the list; what stands behind a comma is left alone.

    DataError for lines of another form, and for clips whose frames are not 1, 2, 3, ... in this order.
    """
    counts: dict[str, int] = {}
    odd: list[str] = []
    jumps: list[str] = []
    for number, line in enumerate(read_text(path, "a list of frames").splitlines(), start=1):
        name = line.partition(",")[0].strip()
        if not name or (number == 1 and name == HEADER):
            continue
        match = _LINE.fullmatch(name)
        if match is None:
            odd.append(f"line {number} {name[:40]!r}")
            continue
        clip, frame = match[1], int(match[2])
        if frame != counts.get(clip, 0) + 1:
            jumps.append(f"line {number} {name} after frame {counts.get(clip, 0)}")
        counts[clip] = frame
    if odd:
        raise DataError(f"{path}: {many(len(odd), 'line')} not like 01/00001.jpg: {listed(odd)}")
    if jumps:
        raise DataError(
            f"{path}: frames of a clip must be 1, 2, 3, ...; not so in {many(len(jumps), 'place')}: {listed(jumps)}"
        )
    if not counts:
        raise DataError(f"{path}: the list names no frame")
    return counts


def read_frame_labels(path: Path) -> list[tuple[str, int, str]]:
    """(clip, frame counted from 0, label as written) of a file in the layout of a submission: `01/00001.jpg,5`.

    DataError for lines of another form.
    """
    rows: list[tuple[str, int, str]] = []
    odd: list[str] = []
    for number, line in enumerate(read_text(path, "frames and labels").splitlines(), start=1):
        name, comma, label = (part.strip() for part in line.partition(","))
        if not line.strip() or (number == 1 and name == HEADER):
            continue
        match = _LINE.fullmatch(name)
        if match is None or not comma or "," in label or int(match[2]) < 1:
            odd.append(f"line {number} {line[:40]!r}")
        else:
            rows.append((match[1], int(match[2]) - 1, label))
    if odd:
        raise DataError(f"{path}: {many(len(odd), 'line')} not like 01/00001.jpg,5: {listed(odd)}")
    return rows
