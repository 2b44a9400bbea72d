"""What became of every annotated frame, as short text: enough for McNemar's test and error correlation, no label."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

WRONG, RIGHT, UNANSWERED, NOT_ASKED = range(4)
MOST = 50_000_000  # bytes a text may unfold to


def codes(labels: NDArray[np.integer], truth: NDArray[np.integer], asked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """labels (M,) class ids, -1 none; truth (M,); asked (M,) -> the code (M,) of each annotated frame."""
    answered = np.where(labels == truth, RIGHT, WRONG)
    return np.where(asked, np.where(labels < 0, UNANSWERED, answered), NOT_ASKED).astype(np.uint8)


def packed(codes: NDArray[np.integer]) -> str:
    """codes (M,), one an annotated frame in the order of clips and frames: WRONG, RIGHT, UNANSWERED or NOT_ASKED."""
    return base64.b64encode(zlib.compress(codes.astype(np.uint8).tobytes(), 9)).decode("ascii")


def unpacked(text: str) -> NDArray[np.uint8]:
    """The codes (M,) that `packed` wrote; DataError for a text that it did not write."""
    try:
        unfold = zlib.decompressobj()
        content = unfold.decompress(base64.b64decode(text, validate=True), MOST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise DataError(f"correctness cannot be read ({error}); file the record again") from error
    codes = np.frombuffer(content, np.uint8)
    if not unfold.eof or (len(codes) and codes.max() > NOT_ASKED):
        raise DataError("correctness holds something else than codes from 0 to 3; file the record again")
    return codes
