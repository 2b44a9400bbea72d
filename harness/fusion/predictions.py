"""What a system says of each distinct face, read from a predict artifact or from labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

LABEL_TABLES = ("labels.parquet", "votes.parquet")


def predictions(folder: Path, faces: int, classes: int) -> NDArray[np.float32]:
    """(faces, classes) float32 probabilities by face id, rows of NaN where there is none.

    folder: an artifact with probabilities.npy (a network) or labels.parquet or votes.parquet (labelers). DataError if
    it holds neither, or one for other faces or classes.
    """
    if (folder / "probabilities.npy").is_file():
        found: NDArray[np.float32] = np.load(folder / "probabilities.npy", allow_pickle=False)
        return _fitting(found, folder / "probabilities.npy", (faces, classes))
    table = next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)
    if table is None:
        raise DataError(f"{folder.name}: holds neither probabilities.npy nor {' nor '.join(LABEL_TABLES)}")
    return labelled(read_labels(table), table, faces, classes)


def read_labels(table: Path) -> Any:
    """The labels as an Arrow table with the columns face, outcome, label and probabilities."""
    import pyarrow.parquet as pq

    return pq.read_table(table, columns=["face", "outcome", "label", "probabilities"])


def labelled(labels: Any, source: Path, faces: int, classes: int) -> NDArray[np.float32]:
    """(faces, classes) probabilities of the faces whose outcome is a label; NaN for all others."""
    identity = labels["face"].to_numpy()
    if not len(identity):
        return np.full((faces, classes), np.nan, np.float32)
    rows = matrix(labels["probabilities"], source)
    _fitting(rows, source, (len(identity), classes))
    if not 0 <= identity.min() <= identity.max() < faces:
        raise DataError(f"{source.name}: names face {identity.max()}, but there are {faces} faces; label them again")
    if len(np.unique(identity)) < len(identity):
        raise DataError(f"{source.name}: holds the votes of several voters; pseudo-labels combine them into one label")
    found = np.full((faces, classes), np.nan, np.float32)
    believed = labels["outcome"].to_numpy(zero_copy_only=False) == "label"
    found[identity[believed]] = rows[believed]
    return found


def matrix(column: Any, source: Path) -> NDArray[np.float32]:
    """An Arrow column of equally long float lists as (rows, length) float32; DataError if they are not."""
    import pyarrow.compute as pc

    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) > 1 or None in lengths:
        raise DataError(f"{source.name}: its rows of probabilities are not equally long")
    width = lengths[0] if lengths else max(getattr(column.type, "list_size", 0), 0)
    flat: NDArray[np.float32] = pc.list_flatten(column).to_numpy(zero_copy_only=False).astype(np.float32)
    return flat.reshape(len(column), width)


def _fitting(found: NDArray[np.float32], source: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    if found.shape != shape:
        raise DataError(
            f"{source.name}: has shape {found.shape}, but {shape[0]} faces and {shape[1]} classes were expected"
        )
    return found
