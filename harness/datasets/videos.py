"""The data set `videos`: a folder of the user's own clips, with annotations if there are any."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.components import Clip, Licence
from harness.datasets.options import VideosOptions
from harness.errors import DataError, listed
from harness.media.paths import IMAGE_SUFFIXES, VIDEO_SUFFIXES, frame_images, is_media, natural_key

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("clip", "frame", "label")


class Videos:
    """Every video below the root is a clip; so is a folder that holds images and nothing else; other images are clips
    of one frame. A clip's id is its path below the root without the suffix.
    """

    def __init__(self, options: VideosOptions, folder: Path) -> None:  # noqa: ARG002 - the media lie where they are
        self._options = options
        self.licence = Licence("unknown")
        self._clips = _find(options)

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Nothing to generate."""

    def clips(self) -> Sequence[Clip]:
        """All clips, in natural order of their ids."""
        return self._clips

    def annotations(self) -> pd.DataFrame | None:
        """The rows of the annotations file, checked; None if there is none."""
        path = self._options.annotations
        return None if path is None else read_annotations(path, [clip.id for clip in self._clips])


def _find(options: VideosOptions) -> list[Clip]:
    root = options.root
    if root.is_file():
        return [Clip(root.stem, root, cropped=options.cropped)]
    if not root.is_dir():
        raise DataError(f"{root}: no such file or folder")
    clips: list[Clip] = []
    for source in _sources(root):
        below = source.relative_to(root)
        if options.pattern is None or fnmatchcase(below.as_posix(), options.pattern):
            name = below if source.is_dir() else below.with_suffix("")
            clips.append(Clip(name.as_posix(), source, cropped=options.cropped))
    if not clips:
        matching = f" matches the pattern {options.pattern!r}" if options.pattern else ""
        raise DataError(f"{root}: no video, image or folder of images in it{matching}; is this the right folder?")
    repeated = [name for name, count in Counter(clip.id for clip in clips).items() if count > 1]
    if repeated:
        culprits = [clip.source.relative_to(root) for clip in clips if clip.source and clip.id == repeated[0]]
        raise DataError(
            f"{root}: clips need different names, but {listed(culprits)} differ in their suffix alone "
            f"({len(repeated)} such name{'' if len(repeated) == 1 else 's'}: {listed(repeated)})"
        )
    return sorted(clips, key=lambda clip: natural_key(clip.id))


def _sources(root: Path) -> Iterator[Path]:
    """Videos, folders of images, and images below the root. Links are followed, each folder once."""
    seen: set[str] = set()
    for name, folders, files in os.walk(root, followlinks=True):
        place = Path(name)
        real = os.path.realpath(name)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        media = [place / file for file in files]
        videos = [path for path in media if is_media(path, VIDEO_SUFFIXES)]
        yield from videos
        if place != root and not videos and not folders and frame_images(place):
            yield place
        else:
            yield from (path for path in media if is_media(path, IMAGE_SUFFIXES))


def read_annotations(path: Path, clips: Sequence[str]) -> pd.DataFrame:
    """Columns clip (str), frame (int64, 0-based), label (str, "" for none of the classes) of a CSV or Parquet file.

    DataError names missing columns, clips that do not exist, frames that are no number and frames given twice.
    """
    table = _table(path)
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        found = listed(table.columns) or "none"
        raise DataError(f"{path}: column {listed(missing)} is missing (found: {found}); needed: clip, frame, label")
    table = table[list(_COLUMNS)].copy()
    for column in ("clip", "label"):
        table[column] = table[column].fillna("").astype(str).str.strip()
    known = set(clips)
    unknown = [name for name in table["clip"].unique() if name not in known]
    if unknown:
        raise DataError(
            f"{path}: {len(unknown)} clip{'' if len(unknown) == 1 else 's'} not in the data set: {listed(unknown)} "
            f"(its clips are {listed(clips, 3)})"
        )
    table["frame"] = _frame_numbers(path, table["frame"])
    twice = table[table.duplicated(["clip", "frame"])]
    if len(twice):
        pairs = [f"{clip} frame {frame}" for clip, frame in zip(twice["clip"], twice["frame"], strict=True)]
        raise DataError(f"{path}: annotated more than once: {listed(pairs)}")
    return table.reset_index(drop=True)


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        # As text: pandas would turn clip 001 into 1 and the label None into NaN.
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such annotations file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: annotations cannot be read ({' '.join(str(error).split())})") from None


def _frame_numbers(path: Path, frames: Any) -> Any:
    import pandas as pd

    numbers = pd.to_numeric(frames, errors="coerce").astype("float64")
    wrong = frames[~((numbers >= 0) & (numbers % 1 == 0))]
    if len(wrong):
        raise DataError(f"{path}: frame is not a whole number from 0 on: {listed(repr(value) for value in wrong)}")
    return numbers.astype("int64")
