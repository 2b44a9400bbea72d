"""The data set `c-expr-db`: the challenge videos of C-EXPR-DB (Kollias, CVPR 2023), or their frame list alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.components import Clip, Licence
from harness.datasets.annotations import as_table
from harness.datasets.c_expr_annotations import Annotation, read_annotation
from harness.datasets.c_expr_lengths import Lengths, by_line_problems, missing_frames
from harness.datasets.c_expr_survey import survey_c_expr
from harness.datasets.frame_list import read_frame_list
from harness.datasets.options import CExprDbOptions
from harness.datasets.survey import FileFacts, Item, Survey
from harness.datasets.timeline import FrameLabels, label_frames
from harness.datasets.wording import many
from harness.errors import DataError, listed
from harness.media.paths import VIDEO_SUFFIXES, frame_images, is_media, natural_key

if TYPE_CHECKING:
    import pandas as pd


class CExprDb:
    """C-EXPR-DB: videos from the web with spontaneous compound expressions.

    Where to get it: the organisers of the ABAW challenge (Affective Behavior Analysis in-the-wild), by a signed
    agreement. No official annotation of the 56 challenge videos is public.

    Layout: 01.mp4 .. 56.mp4 in `root`, or folders 01 .. 56 of their frames. `frame_list`: the list of the challenge,
    lines like 01/00001.jpg, a two-digit video and a five-digit frame counted from 1. `annotations`: 01.csv .. 56.csv.

    Without `root` the clips come from the frame list: labels by clip and frame can be replayed and scored without any
    video.

    Identities: none are published, every video counts as a person of its own.
    """

    licence = Licence("C-EXPR-DB: academic research only, videos must not be passed on")

    def __init__(self, options: CExprDbOptions, folder: Path) -> None:  # noqa: ARG002 - the videos lie where they are
        self._options = options
        self.notices: list[str] = []
        self._listed = None if options.frame_list is None else read_frame_list(options.frame_list)
        self._videos: Mapping[str, Path] = {} if options.root is None else find_videos(options.root)
        self._names = self._clip_names()

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Nothing to generate."""

    def clips(self) -> Sequence[Clip]:
        """The videos, in order of their numbers; without videos the clips of the frame list, of stated length."""
        if self._videos:
            return [Clip(name, self._videos[name]) for name in self._names]
        lengths = self._lengths
        return [
            Clip(name, None, frames=self._listed[name], frames_per_second=lengths.frames_per_second(name))
            for name in self._names
            if self._listed is not None
        ]

    def annotations(self) -> pd.DataFrame | None:
        """Labels of all annotated frames; None without annotations. Compares the frame list with the videos, too."""
        if problem := missing_frames(self._listed or {}, self._lengths.header_frames, self._options.slack):
            raise DataError(f"{self._options.frame_list}: {problem}")
        labels = self._labels
        return None if labels is None else as_table(labels)

    def items(self) -> Sequence[Item]:
        """Every video that is there; missing ones have numbers, but no names of files."""
        return [Item(name, path) for name, path in self._videos.items()]

    def survey(self, facts: Mapping[str, FileFacts]) -> Survey:
        """Which of the 56 videos are there, their frames beside the list's, and annotated frames of each class."""
        problems: list[str] = []
        labels: FrameLabels | None = None
        try:
            labels = self._labels
        except DataError as error:
            problems.append(str(error))
        found = survey_c_expr(self._videos, self._listed, facts, self._options.slack)
        counts = Counter(label for frames in (labels or {}).values() for label in frames.values())
        return Survey(
            {} if labels is None else {"annotated": counts},
            "frames",
            problems=[*problems, *found.problems],
            remarks=[*found.remarks, *self.notices],
        )

    def _clip_names(self) -> list[str]:
        if not self._videos:
            return list(self._listed or {})
        if self._listed is None:
            return list(self._videos)
        without = [name for name in self._listed if name not in self._videos]
        if len(without) == len(self._listed):
            raise DataError(
                f"{self._options.root}: none of the {len(without)} videos of the frame list is there "
                f"(there are {listed(self._videos, 3)}; the list names {listed(without, 3)})"
            )
        for text, names in (
            ("videos of the frame list that are not there are left out", without),
            (
                "videos that the frame list does not name are left out",
                [n for n in self._videos if n not in self._listed],
            ),
        ):
            if names:
                self._notice(f"{text}: {listed(names)}")
        return [name for name in self._listed if name in self._videos]

    @cached_property
    def _annotation(self) -> Annotation | None:
        """The annotation of the clips; DataError for files of videos that do not exist."""
        path = self._options.annotations
        if path is None:
            return None
        found = read_annotation(path)
        known = {*self._names, *(self._listed or ())}
        strangers = [name for name in found.clips if name not in known]
        if strangers:
            raise DataError(
                f"{path}: annotates {many(len(strangers), 'video')} not in the data set: {listed(strangers)} "
                f"(its videos are {listed(self._names, 3)})"
            )
        absent = [name for name in self._names if name not in found.clips]
        if absent:
            self._notice(f"videos without annotation: {listed(absent)}")
        names = set(self._names)
        return Annotation(
            {name: segments for name, segments in found.segments.items() if name in names},
            {name: frames for name, frames in found.frames.items() if name in names},
            {name: lines for name, lines in found.lines.items() if name in names},
        )

    @cached_property
    def _lengths(self) -> Lengths:
        segments = {} if self._annotation is None else self._annotation.segments
        ends = {name: max(one.end for one in found) for name, found in segments.items() if found}
        options = self._options
        lengths = Lengths(self._names, self._videos, self._listed, ends, options.frames_per_second, options.slack)
        for line in lengths.notices:
            self._notice(line)
        return lengths

    @cached_property
    def _labels(self) -> FrameLabels | None:
        found, path = self._annotation, self._options.annotations
        if found is None or path is None:
            return None
        timings = {name: self._lengths.timing(name) for name in self._names}
        if problem := by_line_problems(path, found, timings, self._options.slack):
            raise DataError(problem)
        labels, notices = label_frames(path, found.segments, timings, self._options.slack)
        for line in notices:
            self._notice(line)
        for name, frames in found.frames.items():
            stop = timings[name].frames
            labels[name] = {frame: label for frame, label in frames.items() if stop is None or frame < stop}
        return {name: labels[name] for name in self._names if name in labels}

    def _notice(self, line: str) -> None:
        if line not in self.notices:
            self.notices.append(line)


def find_videos(root: Path) -> dict[str, Path]:
    """Video files and folders of frames directly in a folder: name without suffix -> path, in natural order.

    DataError if the folder is not there, holds none, or holds two of a name.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; root is the folder of 01.mp4 .. 56.mp4")
    found: dict[str, Path] = {}
    for path in sorted(root.iterdir(), key=lambda one: natural_key(one.name)):
        if is_media(path, VIDEO_SUFFIXES) or (path.is_dir() and not path.name.startswith(".") and frame_images(path)):
            name = path.name if path.is_dir() else path.stem
            if name in found:
                raise DataError(f"{root}: video {name} is there twice: {found[name].name} and {path.name}")
            found[name] = path
    if not found:
        packed = sorted(
            path.name for path in root.iterdir() if path.suffix.lower() in (".zip", ".tar", ".gz", ".rar", ".7z")
        )
        hint = f"unpack {packed[0]} there" if packed else "is this the folder of 01.mp4 .. 56.mp4?"
        raise DataError(f"{root}: holds no video and no folder of frames; {hint}")
    return found
