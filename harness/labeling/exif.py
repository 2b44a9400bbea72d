"""The one entry of an Exif block that decides how an image is seen."""

from __future__ import annotations

_ORIENTATION, _SHORT, _ENTRY_BYTES = 0x0112, 3, 12


def orientation_of(tiff: bytes) -> int:
    """Orientation (1 to 8) in a block's first directory (TIFF 6.0); 1 if there is none, or none to be understood."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return 1
    number = _Reader(tiff, order == "little")
    directory = number.read(4, 4)
    for entry in range(number.read(directory, 2)):
        at = directory + 2 + entry * _ENTRY_BYTES
        if at + _ENTRY_BYTES > len(tiff):
            break
        if number.read(at, 2) == _ORIENTATION and number.read(at + 2, 2) == _SHORT:
            value = number.read(at + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


class _Reader:
    """Unsigned numbers of a block, in its byte order; 0 beyond its end."""

    def __init__(self, data: bytes, little: bool) -> None:
        self.data = data
        self.little = little

    def read(self, at: int, size: int) -> int:
        piece = self.data[at : at + size]
        return int.from_bytes(piece, "little" if self.little else "big") if len(piece) == size else 0
