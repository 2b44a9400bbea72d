"""Small pictures of faces for the page, where the licence of the data lets faces leave the machine."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from harness.report.sources import Sources

SIDE, QUALITY = 96, 80  # pixels of the longer side; of the JPEG


@dataclass(frozen=True)
class Permission:
    """Whether faces may be on the page; why not, as a sentence, if they may not; the licence's name."""

    granted: bool
    reason: str
    licence: str


def permission(sources: Sources, wanted: bool | None) -> Permission:
    """By the data set's licence and the user's wish (None: as the licence has it).

    ConfigError if the user asks for faces that the licence keeps here: a page without them is not what was asked for.
    """
    from harness.report.sources import facts

    stored = sources.find("data", "data:target")
    licence, may = "unknown", False
    if stored is not None:
        summary = facts(stored.folder, "summary.json")
        licence, may = str(summary.get("licence", "unknown")), summary.get("faces_may_leave") is True
    elif sources.record is not None:
        target = next((one for one in sources.record.data if one.role == "target"), None)
        if target is not None:
            licence, may = target.licence or "unknown", target.faces_may_leave
    if wanted and not may:
        raise ConfigError(
            f"--thumbnails: the licence of the data ({licence}) does not let faces leave this machine; leave the "
            "option out, or look at faces with: harness labels show RUN --html FILE --thumbnails"
        )
    if wanted is False:
        return Permission(False, "The page was asked for without pictures (--no-thumbnails).", licence)
    if not may:
        return Permission(
            False, f"No pictures: the licence of the data ({licence}) does not let faces leave the machine.", licence
        )
    return Permission(True, "", licence)


def pictures(faces: Path, wanted: Iterable[int]) -> dict[int, str]:
    """Face id -> its crop, made small, as a data URI; only the row groups with a wanted face are read.

    faces: folder of a faces artifact. Faces of clips without media have no picture. StoreError for damaged ones.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.faces.artifact import CROPS

    rest = np.unique(np.fromiter(wanted, np.int64))
    found: dict[int, str] = {}
    try:
        with pq.ParquetFile(faces / CROPS) as file:
            start = 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                here = rest[(rest >= start) & (rest < end)]  # the row number is the face's id
                if len(here):
                    images = file.read_row_group(group, columns=["image"])["image"]
                    for face in here.tolist():
                        if encoded := images[face - start].as_py():
                            found[face] = small(encoded)
                start = end
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(f"{faces / CROPS} cannot be read ({str(error).splitlines()[0]}); compute it again") from error
    return found


def small(encoded: bytes) -> str:
    """An encoded image as the data URI of a small JPEG; OSError if it is none."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
