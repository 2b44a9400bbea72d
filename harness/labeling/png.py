"""The chunks of a PNG file: its size, its orientation, and the file without metadata. Nothing is decoded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from harness.errors import DataError
from harness.labeling.exif import orientation_of

SIGNATURE_BYTES = 8
# What pixels need, or what says nothing but how their numbers are meant. Text, time, Exif, profiles, the frames of an
# animation and everything unknown stay out.
_KEPT = frozenset(
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"bKGD", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"pHYs"]
)
_COLOUR = 2  # bit of the colour type in the header


def strip(image: bytes) -> tuple[bytes, int]:
    """The file with nothing but what its pixels need, and its Exif orientation (1 if it has none).

    DataError if the file is cut off, a checksum is wrong, or it needs a chunk that no standard knows.
    """
    kept, orientation = [image[:SIGNATURE_BYTES]], 1
    for name, start, stop in _chunks(image):
        if zlib.crc32(image[start + 4 : stop - 4]) != int.from_bytes(image[stop - 4 : stop], "big"):
            raise DataError(f"an image to send is damaged: the checksum of its PNG chunk {_shown(name)} is wrong")
        if name in _KEPT:
            kept.append(image[start:stop])
        elif name == b"eXIf":
            orientation = orientation_of(image[start + 8 : stop - 4])
        elif not name[0] & 0x20:  # a capital: nobody may ignore it
            raise DataError(f"an image to send is damaged: its PNG chunk {_shown(name)} is not known")
    bare = b"".join(kept)
    return (image if bare == image else bare), orientation


def size_of(image: bytes) -> tuple[int, int]:
    """Width and height, from the header."""
    start = _header(image)
    return int.from_bytes(image[start : start + 4], "big"), int.from_bytes(image[start + 4 : start + 8], "big")


def has_colour(image: bytes) -> bool:
    """Whether the header says so; a palette counts as colour."""
    return bool(image[_header(image) + 9] & _COLOUR)


def _header(image: bytes) -> int:
    """Where the header's content starts."""
    name, start, stop = next(_chunks(image))
    content = start + 8
    if name != b"IHDR" or stop - start != 25:
        raise DataError("an image to send is damaged: it has no PNG header")
    if image[content : content + 4] == b"\0\0\0\0" or image[content + 4 : content + 8] == b"\0\0\0\0":
        raise DataError("an image to send is damaged: its PNG header says it has no pixels")
    return content


def _chunks(image: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and stop of each chunk, up to the end chunk."""
    position = SIGNATURE_BYTES
    while True:
        stop = position + 12 + int.from_bytes(image[position : position + 4], "big")
        if position + 12 > len(image) or stop > len(image):
            raise DataError("an image to send is damaged: its PNG file is cut off")
        name = image[position + 4 : position + 8]
        yield name, position, stop
        if name == b"IEND":
            return
        position = stop


def _shown(name: bytes) -> str:
    return repr(name.decode("latin-1"))
