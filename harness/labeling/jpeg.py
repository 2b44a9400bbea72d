"""The segments of a JPEG file: its size, its orientation, and the file without metadata.

Nothing is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.errors import DataError
from harness.labeling.exif import orientation_of

# Segments that pixels need: frame headers, tables, restart interval, number of lines (ITU T.81, table B.1).
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN, _END, _JFIF, _EXIF, _ADOBE = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE
_NEEDED = _FRAMES | {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, _SCAN, _END}
_JFIF_BYTES = 14  # of JFIF's own segment, without the thumbnail that may follow
# In a scan, 0xFF followed by 0 is data, by 0xD0-0xD7 a restart mark, by 0xFF a filler.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def strip(image: bytes) -> tuple[bytes, int]:
    """The file with nothing but what its pixels need, and its Exif orientation (1 if it has none).

    Kept of the application segments: JFIF without its thumbnail, and Adobe's, which says how colours are coded.
    DataError if the file is cut off or its segments do not follow one another.
    """
    kept, orientation = [image[:2]], 0
    for marker, start, stop in _segments(image):
        if marker == _JFIF and image[start + 4 : start + 9] == b"JFIF\0":
            kept.append(_without_thumbnail(image[start:stop]))
        elif marker in _NEEDED or (marker == _ADOBE and image[start + 4 : start + 9] == b"Adobe"):
            kept.append(image[start:stop])
        elif marker == _EXIF and image[start + 4 : start + 10] == b"Exif\0\0" and not orientation:
            orientation = orientation_of(image[start + 10 : stop])
    bare = b"".join(kept)
    return (image if bare == image else bare), orientation or 1


def size_of(image: bytes) -> tuple[int, int]:
    """Width and height, from the frame header."""
    start = _frame(image)
    return int.from_bytes(image[start + 7 : start + 9], "big"), int.from_bytes(image[start + 5 : start + 7], "big")


def has_colour(image: bytes) -> bool:
    """Whether the frame has more than one component."""
    return image[_frame(image) + 9] > 1


def _frame(image: bytes) -> int:
    """Where the frame header starts."""
    for marker, start, stop in _segments(image):
        if marker in _FRAMES and stop - start >= 11:
            if image[start + 7 : start + 9] == b"\0\0" or image[start + 5 : start + 7] == b"\0\0":
                raise DataError("an image to send is damaged: its JPEG header says it has no pixels")
            return start
    raise DataError("an image to send is damaged: it has no JPEG frame")


def _segments(image: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and stop of each segment after the first mark, a scan with its data, up to the end mark."""
    position = 2
    while True:
        start = position
        while image[position : position + 1] == b"\xff":  # any number of fillers may stand before a marker
            position += 1
        if position >= len(image):
            raise DataError("an image to send is damaged: its JPEG file is cut off")
        marker = image[position]
        if position == start or marker == 0 or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            raise DataError(f"an image to send is damaged: no JPEG segment where one is due, at byte {start}")
        position += 1
        if marker == _END:
            yield marker, position - 2, position
            return
        length = int.from_bytes(image[position : position + 2], "big")
        stop = position + length
        if length < 2 or stop > len(image):
            raise DataError("an image to send is damaged: its JPEG file is cut off")
        if marker == _SCAN:
            after = _AFTER_SCAN.search(image, stop)
            if after is None:
                raise DataError("an image to send is damaged: its JPEG file is cut off")
            stop = after.start()
        yield marker, position - 2, stop
        position = stop


def _without_thumbnail(segment: bytes) -> bytes:
    if len(segment) <= 2 + 2 + _JFIF_BYTES:
        return segment
    return segment[:2] + (2 + _JFIF_BYTES).to_bytes(2, "big") + segment[4 : 4 + _JFIF_BYTES - 2] + b"\0\0"
