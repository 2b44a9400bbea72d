"""Arrow columns from plain values and back, without pandas.

`pyarrow.array`, `to_numpy` and `pyarrow.parquet.read_table` import pandas at their first call, which costs 50 MB; the
label stage has no use for it. Buffers do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray


def numbers(values: ArrayLike, dtype: type[np.generic]) -> Any:
    """An Arrow array of N numbers of a numpy type, without nulls."""
    array = np.ascontiguousarray(values, dtype)
    return pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), len(array), [None, pa.py_buffer(array)])


def texts(values: Sequence[str] | NDArray[Any]) -> Any:
    """An Arrow array of N strings, without nulls."""
    encoded = [str(value).encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)])
    if ends[-1] < 2**31:
        offsets = pa.py_buffer(ends.astype(np.int32))
        return pa.StringArray.from_buffers(len(encoded), offsets, pa.py_buffer(b"".join(encoded)))
    return pa.LargeStringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def lists(rows: NDArray[np.floating]) -> Any:
    """An Arrow array of N float32 lists of C numbers each from an (N, C) array; C may not be 0."""
    flat = numbers(np.ascontiguousarray(rows, np.float32).ravel(), np.float32)
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def read_numbers(column: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """An Arrow column of numbers without nulls as a numpy array of its own memory."""
    parts = [_plain(chunk, np.dtype(column.type.to_pandas_dtype())) for chunk in _chunks(column)]
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype, copy=False)


def read_columns(path: Path, names: Sequence[str]) -> Any:
    """Some columns of a Parquet file as an Arrow table; OSError or ArrowException if it cannot be read."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=list(names))


def _chunks(column: Any) -> Iterator[Any]:
    yield from column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _plain(chunk: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    if chunk.null_count:
        raise pa.ArrowInvalid("a column of numbers has empty cells")
    values = chunk.buffers()[1]
    return np.frombuffer(values, dtype)[chunk.offset : chunk.offset + len(chunk)] if len(chunk) else np.empty(0, dtype)
