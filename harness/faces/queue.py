"""Crops under way: made on a pool, written in the order of their ids."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.faces.artifact import TableWriter
from harness.faces.cropping import warp

Encoder = Callable[[NDArray[np.uint8]], bytes]


class CropQueue:
    """The crops of one table; ids are given from 0 on, in the order in which faces come."""

    def __init__(self, table: TableWriter, pool: ThreadPoolExecutor, size: int, encode: Encoder) -> None:
        self._table, self._pool, self._size, self._encode = table, pool, size, encode
        self._waiting: deque[tuple[dict[str, Any], Future[tuple[bytes, str]]]] = deque()
        self._next = 0

    def add(self, pixels: NDArray[np.uint8], matrix: NDArray[np.float64], **columns: Any) -> int:
        """Queue the crop that a matrix cuts out of a frame, with the other columns of its row; returns its id."""
        face, self._next = self._next, self._next + 1
        job = self._pool.submit(_crop, pixels, matrix, self._size, self._encode)
        self._waiting.append(({"face": face, **columns}, job))
        return face

    def without_images(self, count: int, rows: Callable[[int], dict[str, Any]]) -> int:
        """Append rows of faces that nobody can look at; rows(first id) gives their columns; returns the first id."""
        self.store(0)  # faces are stored in the order of their ids
        first, self._next = self._next, self._next + count
        self._table.append(rows(first))
        return first

    def store(self, most: int) -> None:
        """Write finished crops in order until at most `most` are waiting."""
        while len(self._waiting) > most:
            columns, job = self._waiting.popleft()
            image, digest = job.result()
            row = {**columns, "image": image, "sha256": digest}
            self._table.append({name: [value] for name, value in row.items()})


def _crop(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], size: int, encode: Encoder) -> tuple[bytes, str]:
    image = encode(warp(pixels, matrix, size))
    return image, hashlib.sha256(image).hexdigest()
