"""What a data set says of itself for `harness data check`: what it should hold, beside what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.components import Clip

Counts = Mapping[str, Mapping[str, int]]  # part -> class name -> how many; "" is no class


@dataclass(frozen=True)
class Item:
    """One file that a data set wants: the clip's id, where it should lie, the split it is of, the person it shows."""

    clip: str
    source: Path
    part: str = ""
    subject: str | None = None


@dataclass(frozen=True)
class Survey:
    """All parts of a data set, whatever its options select.

    unit       what is counted: "images" or "frames"
    counts     of each part and class, as the lists say; whether the files are there is another question
    published  the same as published, as far as it is known
    totals     part -> published number of all images, where that is known
    problems   what is wrong, one line each
    remarks    what one should know, one line each
    """

    items: Sequence[Item]
    counts: Counts
    unit: str = "images"
    published: Counts = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()
    remarks: Sequence[str] = ()


@runtime_checkable
class Surveyed(Protocol):
    """A data set that knows more for the check than its clips and annotations say."""

    def survey(self, *, deep: bool) -> Survey:
        """deep: videos may be decoded to count their frames. Problems are data; errors are raised for a wrong root."""


def item_of(clip: Clip, part: str = "") -> Item | None:
    """A clip's file; None for a clip without media."""
    return None if clip.source is None else Item(clip.id, clip.source, part, clip.subject)
