"""The order in which a face's options stand, against position bias."""

from __future__ import annotations

from hashlib import sha256


def shuffled(space_size: int, seed: int, face_key: str) -> tuple[int, ...]:
    """Class ids 0..space_size-1 in an order that depends on the seed and the face alone: uniform over faces, and the
    same on every machine and in every version of Python."""
    # Sorted by hash, because the algorithm behind random.shuffle is nobody's promise.
    face = f"{seed}\n{face_key}\n".encode("utf-8", "surrogatepass")
    places = [sha256(face + b"%d" % class_id).digest() for class_id in range(space_size)]
    return tuple(sorted(range(space_size), key=places.__getitem__))
