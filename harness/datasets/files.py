"""Opening every file of a data set: which are missing, unreadable or damaged, and what size the others have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.datasets.survey import FileFacts, Item
from harness.errors import MediaError
from harness.media import iter_frames, probe, read_image
from harness.media.paths import medium_of
from harness.weights import sha256_of


@dataclass
class FilesFound:
    """Facts and digests of readable files by clip; the others by name, with the reason."""

    facts: dict[str, FileFacts] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Seen:
    facts: FileFacts | None = None
    digest: str = ""
    error: str = ""
    damage: str = ""


def look_at(items: Sequence[Item], progress: Callable[[str, int, int], None], *, deep: bool) -> FilesFound:
    """Open every file: its header alone, or (deep) decoded whole and hashed. On threads; decoders let go of the GIL."""
    found = FilesFound()
    what = "decoding" if deep else "opening"
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="check") as pool:
        for number, (item, seen) in enumerate(zip(items, pool.map(lambda one: _look(one, deep), items), strict=True)):
            progress(f"{what} files", number + 1, len(items))
            if seen is None:
                found.missing.append(item.source.name)
            elif seen.facts is None:
                found.unreadable.append(f"{item.source.name} ({seen.error})")
            else:
                found.facts[item.clip] = seen.facts
                if seen.digest:
                    found.digests[item.clip] = seen.digest
                if seen.damage:
                    found.damaged.append(f"{item.source.name} ({seen.damage})")
    return found


def _look(item: Item, deep: bool) -> _Seen | None:
    if not item.source.exists():
        return None
    try:
        return _decode(item) if deep else _open(item)
    except MediaError as error:
        return _Seen(error=str(error).removeprefix(f"{item.source}: "))


def _open(item: Item) -> _Seen:
    info = probe(item.source)
    return _Seen(FileFacts(info.width, info.height, info.frames))


def _decode(item: Item) -> _Seen:
    if medium_of(item.source) == "image":
        height, width = read_image(item.source).shape[:2]
        return _Seen(FileFacts(width, height, 1, decoded=True), sha256_of(item.source))
    problems: list[str] = []
    count, height, width = 0, 0, 0
    for frame in iter_frames(item.source, problems=problems.append):
        count, (height, width) = count + 1, frame.pixels.shape[:2]
    digest = sha256_of(item.source) if item.source.is_file() else ""
    return _Seen(FileFacts(width, height, count, decoded=True), digest, damage="; ".join(problems))
