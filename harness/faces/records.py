"""What is known of a clip while its frames pass by, and the rows of the index it ends as."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.faces.choice import Face
from harness.faces.gaps import closest
from harness.faces.reading import ClipEnd

_NO_BOX = (np.nan,) * 5
_BLOCK = 4096  # rows made at once


@dataclass
class ClipRecord:
    """Readable frames of one clip so far: their numbers, times, face ids (-1 none), boxes with scores, face counts.

    44 bytes a frame. boxes: five numbers a frame, x0 y0 x1 y1 and score.
    """

    clip: str
    cropped: bool = False
    distinct: int = 0  # how many faces of its own the clip has
    frames: array[int] = field(default_factory=lambda: array("i"))
    times: array[float] = field(default_factory=lambda: array("d"))
    faces: array[int] = field(default_factory=lambda: array("q"))
    boxes: array[float] = field(default_factory=lambda: array("f"))
    found: array[int] = field(default_factory=lambda: array("i"))

    def add(self, frame: int, time: float, face_id: int, face: Face | None) -> None:
        """The next readable frame; face is None, and face_id -1, if it has none."""
        self.frames.append(frame)
        self.times.append(time)
        self.faces.append(face_id)
        self.boxes.extend(_NO_BOX if face is None else (*face.box, face.score))
        self.found.append(0 if face is None else face.among)
        self.distinct += face_id >= 0

    def rows(self, frames: int, fill: bool) -> Iterator[dict[str, Any]]:
        """Index columns for frames 0..frames-1, some thousand rows at once; with `fill`, frames without a face take
        the closest frame's.

        Frames that could not be read stand among them, without a time.
        """
        where = np.frombuffer(self.frames, np.int32)
        place = np.full(frames, -1, np.int32)  # of each frame among the readable ones
        place[where] = np.arange(len(where), dtype=np.int32)
        faces = _of(self.faces, place, -1)
        source = closest(faces >= 0) if fill else np.where(faces >= 0, np.arange(frames), -1)
        del faces
        for start in range(0, frames, _BLOCK):
            yield self._block(np.arange(start, min(start + _BLOCK, frames)), place, source)

    def _block(self, own: NDArray[np.int64], place: NDArray[np.int32], source: NDArray[np.int64]) -> dict[str, Any]:
        source = source[own]
        has = source >= 0
        given = np.where(has, place[source], -1)
        boxes = _of(np.frombuffer(self.boxes, np.float32).reshape(-1, 5), given, np.nan)
        names = np.array(["missing", "copied", "cropped" if self.cropped else "detected"], object)
        return {
            "clip": [self.clip] * len(own),
            "frame": own,
            "time": _of(self.times, place[own], np.nan),
            "face": _of(self.faces, given, -1),
            "source_frame": source,
            "status": names[has.astype(int) + (source == own)],
            "faces_found": _of(self.found, place[own], 0),
            **dict(zip(("x0", "y0", "x1", "y1", "score"), boxes.T, strict=True)),
        }


def _of(values: Any, places: NDArray[np.int32], empty: float) -> NDArray[Any]:
    """The values at the places, `empty` where the place is -1."""
    values = np.asarray(values)
    column = np.full((len(places), *values.shape[1:]), empty, values.dtype)
    column[places >= 0] = values[places[places >= 0]]
    return column


def clip_row(record: ClipRecord, end: ClipEnd, subject: str, status: str, note: str) -> dict[str, list[Any]]:
    """The clip's row of clips.parquet."""
    return {
        "clip": [record.clip],
        "subject": [subject],
        "frames": [end.frames],
        "frames_per_second": [end.frames_per_second],
        "width": [end.width],
        "height": [end.height],
        "faces": [record.distinct],
        "status": [status],
        "note": [note],
    }
