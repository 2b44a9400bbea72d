"""What is known of a clip while its frames pass by, and the rows of the index it ends as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.faces.choice import Face
from harness.faces.gaps import closest
from harness.faces.reading import ClipEnd

_NO_BOX = (np.nan,) * 5


@dataclass
class ClipRecord:
    """Readable frames of one clip so far: their numbers, times, face ids (-1 none), boxes with scores, face counts."""

    clip: str
    cropped: bool = False
    frames: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    found: list[int] = field(default_factory=list)

    def add(self, frame: int, time: float, face_id: int, face: Face | None) -> None:
        """The next readable frame; face is None, and face_id -1, if it has none."""
        self.frames.append(frame)
        self.times.append(time)
        self.faces.append(face_id)
        self.boxes.append(_NO_BOX if face is None else (*(float(value) for value in face.box), face.score))
        self.found.append(0 if face is None else face.among)

    @property
    def distinct(self) -> int:
        """How many faces of its own the clip has."""
        return sum(face >= 0 for face in self.faces)

    def rows(self, frames: int, fill: bool) -> dict[str, Any]:
        """Index columns for frames 0..frames-1; with `fill`, frames without a face take the closest frame's.

        Frames that could not be read stand among them, without a time.
        """
        where = np.asarray(self.frames, np.int64)
        faces = _spread(where, self.faces, frames, -1, np.int64)
        own = np.arange(frames)
        source = closest(faces >= 0) if fill else np.where(faces >= 0, own, -1)
        has = source >= 0
        boxes = np.full((frames, 5), np.nan, np.float32)
        boxes[where] = np.asarray(self.boxes, np.float32).reshape(-1, 5)
        boxes = np.where(has[:, None], boxes[source], np.float32(np.nan))
        status = np.where(has, np.where(source == own, "cropped" if self.cropped else "detected", "copied"), "missing")
        return {
            "clip": [self.clip] * frames,
            "frame": own,
            "time": _spread(where, self.times, frames, np.nan, np.float64),
            "face": np.where(has, faces[source], -1),
            "source_frame": source,
            "status": status.tolist(),
            "faces_found": _spread(where, self.found, frames, 0, np.int64),
            **dict(zip(("x0", "y0", "x1", "y1", "score"), boxes.T, strict=True)),
        }


def _spread(where: NDArray[np.int64], values: list[Any], frames: int, empty: float, kind: Any) -> NDArray[Any]:
    column = np.full(frames, empty, kind)
    column[where] = values
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
