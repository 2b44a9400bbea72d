"""What a data set says of itself for `harness data check`: what it should hold, beside what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

Counts = Mapping[str, Mapping[str, int]]  # part -> class name -> how many; "" is no class


@dataclass(frozen=True)
class Item:
    """One file that a data set wants: the clip's id, where it should lie, the split it is of, the person it shows."""

    clip: str
    source: Path
    part: str = ""
    subject: str | None = None


@dataclass(frozen=True)
class FileFacts:
    """What a readable file says: its size in pixels, and its frames if that is known (decoded: by counting them)."""

    width: int
    height: int
    frames: int | None = None
    decoded: bool = False


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

    counts: Counts
    unit: str = "images"
    published: Counts = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()
    remarks: Sequence[str] = ()


@runtime_checkable
class Surveyed(Protocol):
    """A data set that knows more for the check than its clips and annotations say."""

    def items(self) -> Sequence[Item]:
        """The files of all parts, whether they are there or not."""

    def survey(self, facts: Mapping[str, FileFacts]) -> Survey:
        """What should be there, beside the facts of the readable files by clip. Problems are data."""
