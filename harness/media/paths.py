"""Which files are media, and in which order the frames of a folder come."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from harness.errors import MediaError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
# An animated GIF is a clip: PyAV decodes it with its timestamps.
VIDEO_SUFFIXES = frozenset(
    ".3gp .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()  # noqa: SIM905
)
Medium = Literal["video", "image", "folder"]


def medium_of(path: Path) -> Medium:
    """How a clip's source is to be read; MediaError if there is no such file or it is empty."""
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise MediaError(f"{path}: no such file or folder")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    return "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts "frame 2" before "frame 10"; names that differ only in zeros keep a fixed order by their text."""
    parts = re.split(r"([0-9]+)", name)
    return (*(_part(part) for part in parts), (2, name))


def _part(part: str) -> tuple[int, int | str]:
    return (0, int(part)) if part.isascii() and part.isdigit() else (1, part.casefold())


def frame_images(folder: Path) -> list[Path]:
    """The images that lie directly in a folder, in natural order of their names; hidden files do not count."""
    images = (path for path in folder.iterdir() if is_media(path, IMAGE_SUFFIXES))
    return sorted(images, key=lambda path: natural_key(path.name))


def is_media(path: Path, suffixes: frozenset[str]) -> bool:
    """Whether a visible file has one of the suffixes."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
