"""Clips without media: their frames are listed by number, so that labels of them can be replayed and scored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import DataError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from harness.faces.reading import ClipEnd

LISTED = "listed"  # status of such a clip, and of its frames
_BLOCK = 4096  # rows made at once


def listed_rows(clip: str, end: ClipEnd, first_face: int) -> Iterator[dict[str, Any]]:
    """Index columns of a clip without media: every frame has a face of its own, from `first_face` on, that nobody can
    look at; its time follows from the clip's rate, NaN if that is not known."""
    for start in range(0, end.frames, _BLOCK):
        own = np.arange(start, min(start + _BLOCK, end.frames))
        unknown = np.full(len(own), np.nan, np.float32)
        yield {
            "clip": [clip] * len(own),
            "frame": own,
            "time": own / end.frames_per_second,
            "face": first_face + own,
            "source_frame": own,
            "status": [LISTED] * len(own),
            "faces_found": np.zeros(len(own), np.int16),
            **dict.fromkeys(("x0", "y0", "x1", "y1", "score"), unknown),
        }


def crop_rows(clip: str, subject: str, end: ClipEnd, first_face: int) -> dict[str, Any]:
    """The faces of such a clip as rows of crops.parquet: their images are empty."""
    count = end.frames
    return {
        "face": range(first_face, first_face + count),
        "clip": [clip] * count,
        "frame": range(count),
        "subject": [subject] * count,
        "image": [b""] * count,
        "sha256": [""] * count,
    }


def no_image(crops: pq.ParquetFile, face: int) -> DataError:
    """What to raise for a face whose image is empty. crops: an open crops.parquet."""
    clip = crops.read(columns=["clip"]).column("clip")[face].as_py()
    return DataError(
        f"clip {clip} has no media, only a list of its frames, so nothing can look at its faces: only labels by clip "
        "and frame can be used (labeler 'replay', no networks)"
    )
