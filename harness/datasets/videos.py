"""The data set `videos`: a folder of the user's own clips, with annotations if there are any."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from harness.components import Clip, Licence
from harness.datasets.annotations import read_annotations
from harness.datasets.options import SLACK, VideosOptions
from harness.datasets.segments import exact_rate
from harness.datasets.timeline import Timing
from harness.errors import DataError, listed
from harness.media import probe
from harness.media.paths import IMAGE_SUFFIXES, VIDEO_SUFFIXES, frame_images, is_media, natural_key

if TYPE_CHECKING:
    import pandas as pd


class Videos:
    """Every video below the root is a clip; so is a folder that holds images and nothing else; other images are clips
    of one frame. A clip's id is its path below the root without the suffix.
    """

    def __init__(self, options: VideosOptions, folder: Path) -> None:  # noqa: ARG002 - the media lie where they are
        self._options = options
        self.licence = Licence(options.licence, options.faces_may_leave)
        self.notices: list[str] = []
        self._clips = _find(options)

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Nothing to generate."""

    def clips(self) -> Sequence[Clip]:
        """All clips, in natural order of their ids."""
        return self._clips

    def annotations(self) -> pd.DataFrame | None:
        """The rows of the annotations file, checked; None if there is none."""
        path = self._options.annotations
        if path is None:
            return None
        table, notices = read_annotations(path, [clip.id for clip in self._clips], self._timing, SLACK)
        self.notices.extend(line for line in notices if line not in self.notices)
        return table

    def _timing(self, name: str) -> Timing:
        source = next(clip.source for clip in self._clips if clip.id == name)
        info = probe(source) if source is not None else None
        rate = self._options.frames_per_second or (info.frames_per_second if info else None)
        return Timing(info.frames if info else None, exact_rate(rate) if rate else None)


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
