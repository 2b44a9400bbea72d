"""The faces to ask about, streamed from the faces artifact; without pandas, a row group of images at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.errors import DataError, StoreError
from harness.faces.artifact import CROPS
from harness.faces.listed import no_image
from harness.labeling.changes import small_crops
from harness.labeling.columns import read_columns, read_numbers
from harness.labeling.sample import sample_faces


@dataclass(frozen=True)
class AskedFace:
    """A face to ask about: its id and place, its stored crop, and the larger crop where the ladder needs one."""

    id: int
    clip: str
    frame: int
    image: bytes
    larger: bytes | None = None

    @property
    def key(self) -> str:
        """A name that is the same on every machine."""
        return f"{self.clip}/{self.frame}"


@dataclass(frozen=True)
class FacesToAsk:
    """The sampled faces of a faces artifact, in the order of their ids: face (N,), clip (N), frame (N,).

    rows (N,): where their images are in crops.parquet; larger: the artifact with larger crops of the same faces.
    """

    folder: Path
    rows: NDArray[np.int64]
    face: NDArray[np.int64]
    clip: list[str]
    frame: NDArray[np.int32]
    larger: Path | None = None

    @classmethod
    def sampled(cls, folder: Path, sample: Mapping[str, Any], larger: Path | None = None) -> FacesToAsk:
        """The faces that a sampling rule chooses. DataError if there is no face, StoreError for a damaged artifact."""
        try:
            table = read_columns(folder / CROPS, ["face", "clip", "frame"])
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{folder / CROPS} cannot be read: {str(error).splitlines()[0]}") from error
        clips: list[str] = table["clip"].to_pylist()
        frames = read_numbers(table["frame"], np.int32)
        rows = np.flatnonzero(sample_faces(clips, frames, sample, small_crops(folder / CROPS)))
        if not len(rows):
            raise DataError("there is no face to label: the faces stage found none in any clip")
        faces = read_numbers(table["face"], np.int64)[rows]
        return cls(folder, rows, faces, [clips[row] for row in rows], frames[rows], larger)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[AskedFace]:
        """The faces with their images; only one row group of images is in memory."""
        larger = self._larger_images()
        for number, image in enumerate(_images(self.folder / CROPS, self.rows)):
            yield AskedFace(
                int(self.face[number]), self.clip[number], int(self.frame[number]), image, next(larger, None)
            )

    def _larger_images(self) -> Iterator[bytes | None]:
        """The larger crop of each face, found by clip and frame; None where there is none."""
        if self.larger is None:
            return
        table = read_columns(self.larger / CROPS, ["clip", "frame"])
        places = zip(table["clip"].to_pylist(), read_numbers(table["frame"], np.int32).tolist(), strict=True)
        row_of = {place: row for row, place in enumerate(places)}
        rows = [row_of.get(place, -1) for place in zip(self.clip, self.frame.tolist(), strict=True)]
        images = _images(self.larger / CROPS, np.array([row for row in rows if row >= 0], np.int64))
        for row in rows:
            yield next(images) if row >= 0 else None


def _images(path: Path, rows: NDArray[np.int64]) -> Iterator[bytes]:
    """The encoded images of some rows of crops.parquet, in their order; ascending rows are read once.

    DataError names a clip without media.
    """
    with pq.ParquetFile(path) as file:
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)])
        held, images, first = -1, None, 0
        for row in rows:
            group = int(np.searchsorted(ends, row, side="right"))
            if group != held:
                images = None  # before the next group is read, so that one at a time is in memory
                try:
                    images = file.read_row_group(group, columns=["image"]).column("image")
                except (OSError, pa.ArrowException) as error:
                    raise StoreError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
                held, first = group, int(ends[group - 1]) if group else 0
            assert images is not None
            image: bytes = images[int(row) - first].as_py()
            if not image:
                raise no_image(file, int(row))
            yield image
