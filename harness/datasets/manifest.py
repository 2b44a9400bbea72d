"""A table of image files and labels: CSV or Parquet with the columns file, label, subject?, split?."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.datasets.annotations import read_table
from harness.datasets.stills import Still
from harness.datasets.wording import many
from harness.errors import DataError, listed
from harness.media.paths import IMAGE_SUFFIXES

_NEEDED = ("file", "label")
_OPTIONAL = ("subject", "split")


def read_manifest(path: Path, root: Path) -> list[Still]:
    """The images of a manifest in its order; files are below `root` unless absolute.

    DataError names missing columns, rows without a file, files given twice and files that are no images.
    """
    table = read_table(path, "manifest")
    missing = [column for column in _NEEDED if column not in table.columns]
    if missing:
        raise DataError(
            f"{path}: column {listed(missing)} is missing (found: {listed(table.columns) or 'none'}); needed: file, "
            "label, and if there are any subject, split"
        )
    if not len(table):
        raise DataError(f"{path}: the manifest has no row")
    for column in (*_NEEDED, *_OPTIONAL):
        table[column] = table[column].fillna("").astype(str).str.strip() if column in table.columns else ""
    files = table["file"].tolist()
    _refuse(path, "no file named", [f"line {number}" for number, file in enumerate(files, 2) if not file])
    _refuse(path, "listed more than once", [name for name, number in Counter(files).items() if number > 1])
    _refuse(path, "not an image", [file for file in files if Path(file).suffix.lower() not in IMAGE_SUFFIXES])
    ids = [_name(file) for file in files]
    _refuse(path, "different in their suffix alone", [name for name, number in Counter(ids).items() if number > 1])
    return [
        Still(name, root / file, label, split, subject or None)
        for name, file, label, split, subject in zip(
            ids, files, table["label"], table["split"], table["subject"], strict=True
        )
    ]


def _name(file: str) -> str:
    return Path(file).with_suffix("").as_posix()


def _refuse(path: Path, what: str, culprits: list[str]) -> None:
    if culprits:
        raise DataError(f"{path}: {what}: {many(len(culprits), 'row')}: {listed(culprits)}")
