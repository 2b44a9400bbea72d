"""Content hashes of the user's files and folders, remembered by path, size and time of change.

A fingerprint holds contents, not paths: a data set that moves recomputes nothing. Hashing 10 GB takes some 10 s once;
after that only files whose size or time of change differ are read again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from harness.errors import DataError
from harness.store import fingerprint_of
from harness.weights import sha256_of


class Contents:
    """Digests of files and folders, with a memory in an SQLite file; a context manager."""

    def __init__(self, memory: Path) -> None:
        self._database = sqlite3.connect(memory, timeout=60, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")  # a lost digest is only computed again
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INTEGER, changed INTEGER, sha256 TEXT)"
        )

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def digest(self, path: Path) -> str:
        """sha256 (hex) of a file, or of the sorted (relative path, sha256) pairs of a folder, hidden files left out.

        DataError if there is nothing at `path`, or it cannot be read.
        """
        try:
            if path.is_file():
                return self._file(path)
            if path.is_dir():
                return fingerprint_of([[file.relative_to(path).as_posix(), self._file(file)] for file in _files(path)])
        except OSError as error:
            raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
        raise DataError(f"{str(path)!r}: no such file or folder")

    def _file(self, path: Path) -> str:
        status = path.stat()
        key = str(path.resolve())
        row = self._database.execute("SELECT size, changed, sha256 FROM digests WHERE path = ?", (key,)).fetchone()
        if row and row[:2] == (status.st_size, status.st_mtime_ns):
            return str(row[2])
        digest = sha256_of(path)
        self._database.execute(
            "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (key, status.st_size, status.st_mtime_ns, digest)
        )
        return digest


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(files) if not name.startswith("."))
