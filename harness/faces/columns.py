"""Rows that wait to be written, as compact as Arrow itself keeps them.

Lists of Python objects take some ten times the room of a number, and Arrow's own builder doubles its room as it grows
and hands back none of it for a while: for images, that was five times what they weigh.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa

_CODES = {pa.int16(): "h", pa.int32(): "i", pa.int64(): "q", pa.float32(): "f", pa.float64(): "d"}


class Column(Protocol):
    """Values of one column, in order."""

    @property
    def nbytes(self) -> int:
        """What the values take, as far as that can be much."""

    def extend(self, values: Sequence[Any]) -> None: ...

    def finish(self) -> pa.Array:
        """All values, not copied: the column may not be used afterwards."""


def column(kind: pa.DataType) -> Column:
    """An empty column of an Arrow type: int16, int32, int64, float32, float64, binary or string."""
    if kind == pa.binary():
        return _Bytes()
    return _Numbers(kind) if kind in _CODES else _Texts()


class _Numbers:
    nbytes = 0

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._values: array[Any] = array(_CODES[kind])

    def extend(self, values: Sequence[Any]) -> None:
        self._values.extend(values)

    def finish(self) -> pa.Array:
        return pa.Array.from_buffers(self._kind, len(self._values), [None, pa.py_buffer(self._values)])


class _Bytes:
    """One run of bytes, and where each value ends in it."""

    def __init__(self) -> None:
        self._joined = bytearray()
        self._ends = array("i", [0])

    @property
    def nbytes(self) -> int:
        return len(self._joined)

    def extend(self, values: Sequence[bytes]) -> None:
        for value in values:
            self._joined += value
            self._ends.append(len(self._joined))

    def finish(self) -> pa.Array:
        buffers = [None, pa.py_buffer(self._ends), pa.py_buffer(self._joined)]
        return pa.Array.from_buffers(pa.binary(), len(self._ends) - 1, buffers)


class _Texts:
    """References: names of clips and states come again and again."""

    nbytes = 0

    def __init__(self) -> None:
        self._values: list[str] = []

    def extend(self, values: Sequence[str]) -> None:
        self._values.extend(values)

    def finish(self) -> pa.Array:
        return pa.array(self._values, pa.string())
