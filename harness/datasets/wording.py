"""How messages count."""

from __future__ import annotations


def many(count: int, noun: str) -> str:
    """ "1 image", "2 images"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
