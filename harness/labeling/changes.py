"""Which faces of a clip look different from the last one taken: structural dissimilarity of small grey crops.

The measure is DSSIM = (1 - SSIM) / 2 of Wang et al., "Image quality assessment: from error visibility to structural
similarity" (2004), with uniform windows of 8 x 8 pixels at every fourth pixel of crops of 32 x 32. It is 0 for equal
crops; 0.5 where they have nothing in common; above that, only negatives.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import StoreError
from harness.faces.listed import no_image

SIDE = 32
_STEP = 4  # a window is two steps a side
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Grey = NDArray[np.uint8]
Crops = Callable[[NDArray[np.int64]], Iterable[Grey]]


def changed(crops: Iterable[Grey], threshold: float) -> Iterator[bool]:
    """For each small grey crop of a clip, in the order of frames: is it to be labelled?

    The first is; another one is if its dissimilarity to the last that is reaches the threshold. A threshold of 0 takes
    all of them.
    """
    last: Summary | None = None
    for crop in crops:
        now = summary(crop)
        taken = last is None or dissimilarity(last, now) >= threshold
        if taken:
            last = now
        yield taken


Summary = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def summary(crop: Grey) -> Summary:
    """What every comparison with a grey crop (32, 32) needs: the crop, and means and variances of its windows."""
    pixels = crop.astype(np.float32)
    means = _windows(pixels)
    return pixels, means, _windows(pixels * pixels) - means * means


def dissimilarity(one: Summary, two: Summary) -> float:
    """DSSIM in [0, 1] of two crops; 0 for equal ones, symmetric."""
    (x, mean_x, variance_x), (y, mean_y, variance_y) = one, two
    products = mean_x * mean_y
    covariance = _windows(x * y) - products
    squares = mean_x * mean_x + mean_y * mean_y
    similarity = (2 * products + _C1) * (2 * covariance + _C2)
    similarity /= (squares + _C1) * (variance_x + variance_y + _C2)
    return min(1.0, max(0.0, (1 - float(similarity.mean())) / 2))


def _windows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means (7, 7) of all windows of 8 x 8 at every fourth pixel of (32, 32), by sums of blocks of 4 x 4."""
    cells = values.reshape(SIDE // _STEP, _STEP, SIDE // _STEP, _STEP).sum((1, 3))
    rows = cells[:-1] + cells[1:]
    return np.asarray((rows[:, :-1] + rows[:, 1:]) / (2 * _STEP) ** 2, np.float32)


def small_grey(image: bytes) -> Grey:
    """The grey crop (32, 32) of an encoded JPEG or PNG; a JPEG is decoded no larger than needed. OSError if damaged."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        opened.draft("L", (SIDE, SIDE))
        return np.asarray(opened.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))


def small_crops(path: Path) -> Crops:
    """Reads the crops of a faces artifact's crops.parquet: faces (ids) -> their small grey crops, in that order.

    Streams: one row group of encoded images is held at a time. StoreError names a damaged image, DataError a clip
    without media.
    """

    def read(faces: NDArray[np.int64]) -> Iterator[Grey]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
            starts = np.cumsum([0, *sizes])
            groups = np.searchsorted(starts, faces, side="right") - 1
            held = -1
            for face, group in zip(faces.tolist(), groups.tolist(), strict=True):
                if group != held:
                    images, held = file.read_row_group(group, columns=["image"]).column("image"), group
                image = images[face - int(starts[group])].as_py()
                if not image:
                    raise no_image(file, face)
                yield _decoded(image, face, path)

    return read


def _decoded(image: bytes, face: int, path: Path) -> Grey:
    try:
        return small_grey(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise StoreError(
            f"{path}: the image of face {face} is damaged; delete the artifact's folder and run again"
        ) from error
