"""Annotated single images, each a clip of one frame, in parts such as train and test."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.components import Clip
from harness.datasets.survey import Counts, Item
from harness.errors import DataError, listed
from harness.media.paths import IMAGE_SUFFIXES, is_media

if TYPE_CHECKING:
    import pandas as pd

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")


@dataclass(frozen=True)
class Still:
    """One image: id, file, class name ("" for none), part ("train"), person if known."""

    id: str
    source: Path
    label: str
    part: str = ""
    subject: str | None = None


class Stills:
    """The clips and annotations of stills; what data sets of annotated images share."""

    def __init__(self, stills: Sequence[Still], *, cropped: bool, wanted: Callable[[Still], bool]) -> None:
        self._stills = stills
        self._cropped = cropped
        self._chosen = [still for still in stills if wanted(still)]

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Nothing to generate."""

    def items(self) -> Sequence[Item]:
        """The images of all parts, for the check."""
        return [Item(still.id, still.source, still.part, still.subject) for still in self._stills]

    def clips(self) -> Sequence[Clip]:
        """A clip an image, in the order of the lists; DataError if images are missing."""
        refuse_missing(self._chosen)
        return [Clip(still.id, still.source, still.subject, self._cropped) for still in self._chosen]

    def annotations(self) -> pd.DataFrame:
        """One row an image: clip, frame 0, label."""
        import pandas as pd

        rows = {"clip": [still.id for still in self._chosen], "label": [still.label for still in self._chosen]}
        table = pd.DataFrame(rows, dtype="str")
        table.insert(1, "frame", 0)
        return table


def copy_of(name: str, kind: str) -> str:
    """The file name of an image's copy, as RAF names them: 0001.jpg is 0001_aligned.jpg among the aligned ones."""
    path = Path(name)
    return f"{path.stem}_aligned{path.suffix}" if kind == "aligned" else name


def count(stills: Iterable[Still]) -> Counts:
    """Images of each part and class."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for still in stills:
        found[still.part][still.label] += 1
    return {part: dict(counter) for part, counter in found.items()}


def refuse_missing(stills: Sequence[Still]) -> None:
    """DataError if images that a list names are not there; each folder is read once."""
    present: dict[Path, set[str]] = {}
    for folder in {still.source.parent for still in stills}:
        present[folder] = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - 10 times iterdir
    missing = [still.source.name for still in stills if still.source.name not in present[still.source.parent]]
    if missing:
        folders = listed(sorted({str(still.source.parent) for still in stills if still.source.name in set(missing)}), 2)
        raise DataError(
            f"{folders}: {len(missing)} of the {len(stills)} images that are listed are missing: {listed(missing)}; "
            "is the archive unpacked whole?"
        )


def images_in(*candidates: Path) -> Path:
    """The first of several folders that holds images (archives unpack into aligned/ and aligned/aligned/).

    DataError names the first, and an archive that lies there still packed.
    """
    for folder in candidates:
        if folder.is_dir() and any(is_media(path, IMAGE_SUFFIXES) for path in folder.iterdir()):
            return folder
    first = candidates[0]
    what = "holds no image" if first.is_dir() else "no such folder"
    packed = [path.name for folder in (first, first.parent) for path in _archives(folder, first.name)]
    raise DataError(f"{first}: {what}; {f'unpack {packed[0]} there' if packed else 'is the archive unpacked?'}")


def _archives(folder: Path, name: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.startswith(name) and path.name.endswith(_ARCHIVES))
