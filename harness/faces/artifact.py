"""The faces artifact: its tables, how they are written as a stream, and how the other stages read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.errors import DataError, StoreError, listed
from harness.faces.columns import column
from harness.faces.listed import no_image

if TYPE_CHECKING:
    import pandas as pd

INDEX, CROPS, CLIPS, SHEET = "index.parquet", "crops.parquet", "clips.parquet", "contact.png"
OTHERS = "others.parquet"  # only where further faces are asked for
_F32, _TEXT = pa.float32(), pa.string()
SCHEMAS: Mapping[str, pa.Schema] = {
    # One row a frame of every readable clip, by clip and frame. status: detected, copied, cropped, missing or listed.
    INDEX: pa.schema(
        [
            ("clip", _TEXT), ("frame", pa.int32()), ("time", pa.float64()), ("face", pa.int64()),
            ("source_frame", pa.int32()), ("status", _TEXT), ("faces_found", pa.int16()),
            ("x0", _F32), ("y0", _F32), ("x1", _F32), ("y1", _F32), ("score", _F32),
        ]
    ),
    # One row a distinct face, by its id; image holds the encoded bytes that labelers are sent as they are, none of a
    # face of a clip without media.
    CROPS: pa.schema(
        [
            ("face", pa.int64()), ("clip", _TEXT), ("frame", pa.int32()), ("subject", _TEXT),
            ("image", pa.binary()), ("sha256", _TEXT),
        ]
    ),
    # One row a further face, numbered from 0, by frame and then as the rule of choice ranks them; beside: the id in
    # crops.parquet of the face that was chosen there.
    OTHERS: pa.schema(
        [
            ("face", pa.int64()), ("clip", _TEXT), ("frame", pa.int32()), ("subject", _TEXT), ("beside", pa.int64()),
            ("x0", _F32), ("y0", _F32), ("x1", _F32), ("y1", _F32), ("score", _F32),
            ("image", pa.binary()), ("sha256", _TEXT),
        ]
    ),
    # One row a clip. status: ok, no-face, listed or unreadable.
    CLIPS: pa.schema(
        [
            ("clip", _TEXT), ("subject", _TEXT), ("frames", pa.int32()), ("frames_per_second", pa.float64()),
            ("width", pa.int32()), ("height", pa.int32()), ("faces", pa.int32()), ("status", _TEXT), ("note", _TEXT),
        ]
    ),
}  # fmt: skip
# Few images a group let a reader stream; the small rows of the index want large groups.
ROW_GROUP: Mapping[str, int] = {INDEX: 65536, CROPS: 64, OTHERS: 64, CLIPS: 65536}
GROUP_BYTES = 64 * 2**20  # of images: a group of large ones has fewer rows


class TableWriter:
    """Appends columns to one table of the artifact; at most a row group waits in memory."""

    def __init__(self, folder: Path, name: str) -> None:
        self._schema, self._most = SCHEMAS[name], ROW_GROUP[name]
        # Images are compressed already, and no two are equal: compressing or counting them would only take room.
        repeated = [one.name for one in self._schema if one.type == _TEXT and one.name != "sha256"]
        self._writer = pq.ParquetWriter(
            folder / name,
            self._schema,
            compression="none" if name in (CROPS, OTHERS) else "zstd",
            use_dictionary=repeated,
            write_statistics=name not in (CROPS, OTHERS),
        )
        pa.array([0])  # Arrow imports pandas at its first conversion: now, and not on top of the frames in flight
        self._begin()

    def append(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Columns of equal length, all that the schema names."""
        names = self._schema.names
        start, rows = 0, len(columns[names[0]])
        while start < rows:
            stop = min(rows, start + self._most - self._rows)
            for name, waiting in zip(names, self._waiting, strict=True):
                waiting.extend(columns[name][start:stop])
            self._rows += stop - start
            start = stop
            if self._rows == self._most or sum(waiting.nbytes for waiting in self._waiting) >= GROUP_BYTES:
                self._write()

    def close(self) -> None:
        """Write what waits and the file's end."""
        if self._rows:
            self._write()
        self._writer.close()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self) -> None:
        self._waiting = [column(one.type) for one in self._schema]
        self._rows = 0

    def _write(self) -> None:
        table = pa.Table.from_arrays([waiting.finish() for waiting in self._waiting], schema=self._schema)
        self._writer.write_table(table, row_group_size=len(table))
        del table
        self._begin()
        pa.default_memory_pool().release_unused()  # or Arrow keeps the room of every row group for later


def read_index(folder: Path) -> pd.DataFrame:
    """index.parquet: one row a frame; StoreError if it is missing or damaged."""
    return _read(folder, INDEX)


def read_clips(folder: Path) -> pd.DataFrame:
    """clips.parquet: one row a clip."""
    return _read(folder, CLIPS)


def read_faces(folder: Path, table: str = CROPS) -> pd.DataFrame:
    """crops.parquet without the images: face, clip, frame, subject, sha256; the row number is the face id.

    table: OTHERS for others.parquet, which has the columns beside, x0, y0, x1, y1 and score, too.
    """
    return _read(folder, table, [name for name in SCHEMAS[table].names if name != "image"])


def iter_crops(folder: Path, batch: int = 256) -> Iterator[tuple[NDArray[np.int64], list[bytes]]]:
    """All faces in order: ids (B,) and their encoded images."""
    with _file(folder, CROPS) as file:
        for part in file.iter_batches(batch, columns=["face", "image"]):
            yield part.column("face").to_numpy().copy(), part.column("image").to_pylist()


def read_frame_numbers(folder: Path, faces: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int32]:
    """The numbers, within their clips, of the frames that faces come from; DataError names ids that do not exist."""
    with _file(folder, CROPS) as file:
        wanted = _existing(file, folder / CROPS, faces)
        numbers = np.empty(len(wanted), np.int32)
        for places, table in _groups(file, wanted, "frame"):
            numbers[places] = table.to_numpy()
    return numbers


def read_crops(
    folder: Path, faces: NDArray[np.integer] | Sequence[int] | None = None, size: int | None = None, table: str = CROPS
) -> NDArray[np.uint8]:
    """Crops (N, S, S, 3) RGB of the given face ids in their order (all by default), resized to `size` if given.

    table: CROPS, or OTHERS for the further faces, which have ids of their own.

    Decoded on all cores. DataError names ids that do not exist and clips without media, StoreError a damaged file.
    """
    with _file(folder, table) as file:
        wanted = _existing(file, folder / table, faces)
        if not len(wanted):
            side = size or _side(file, folder / table)
            return np.zeros((0, side, side, 3), np.uint8)
        with ThreadPoolExecutor(thread_name_prefix="crops") as pool:
            return _fill(file, folder / table, wanted, size, pool)


def _fill(file: Any, path: Path, wanted: NDArray[np.int64], size: int | None, pool: Any) -> NDArray[np.uint8]:
    from harness.faces.cropping import decode

    crops: NDArray[np.uint8] | None = None
    for places, images in _groups(file, wanted, "image"):
        encoded = images.to_pylist()
        decoded = pool.map(lambda image: decode(image, size), encoded)
        for place, image, pixels in zip(places, encoded, decoded, strict=True):
            if not image:
                raise no_image(file, int(wanted[place]))
            if pixels is None:
                raise StoreError(f"{path}: the image of face {wanted[place]} is damaged; {_MEND}")
            if crops is None:
                crops = np.empty((len(wanted), *pixels.shape), np.uint8)
            crops[place] = pixels
    assert crops is not None
    return crops


def _existing(file: Any, path: Path, faces: Sequence[int] | NDArray[np.integer] | None) -> NDArray[np.int64]:
    count = file.metadata.num_rows
    wanted = np.arange(count) if faces is None else np.asarray(faces, np.int64)
    outside = wanted[(wanted < 0) | (wanted >= count)]
    if len(outside):
        raise DataError(f"{path}: no such face {listed(outside)} (there are {count})")
    return wanted


def _groups(file: Any, wanted: NDArray[np.int64], column: str) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """Row group by row group, the wanted rows of it: their places in `wanted`, and the column's values."""
    starts = _group_starts(file)
    groups = np.searchsorted(starts, wanted, side="right") - 1
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        values = file.read_row_group(int(group), columns=[column]).column(column)
        yield places, values.take(wanted[places] - starts[group])


_MEND = "delete the artifact's folder and run again"


def _side(file: Any, path: Path) -> int:
    from harness.faces.cropping import decode

    if not file.metadata.num_rows:
        return 0
    pixels = decode(next(file.iter_batches(1, columns=["image"])).column("image")[0].as_py())
    if pixels is None:
        raise StoreError(f"{path}: the image of face 0 is damaged; {_MEND}")
    return len(pixels)


def _group_starts(file: Any) -> NDArray[np.int64]:
    rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    return np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)


def _read(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    with _file(folder, name) as file:
        table: pd.DataFrame = file.read(columns=columns).to_pandas()
        return table


@contextmanager
def _file(folder: Path, name: str) -> Iterator[Any]:
    """An open table with every column it should have; whatever is wrong with it becomes a StoreError naming it."""
    path = Path(folder) / name
    try:
        with pq.ParquetFile(path) as file:
            missing = [column for column in SCHEMAS[name].names if column not in file.schema_arrow.names]
            if missing:
                raise StoreError(f"{path}: column {listed(missing)} is missing; {_MEND}")
            yield file
        pa.default_memory_pool().release_unused()
    except FileNotFoundError:
        raise StoreError(f"{path}: the file is missing; {_MEND}") from None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}: damaged ({' '.join(str(error).split())}); {_MEND}") from None
