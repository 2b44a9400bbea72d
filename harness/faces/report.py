"""What the faces stage must not keep to itself: clips left out, damage, fallbacks."""

from __future__ import annotations

from harness.errors import DataError, listed
from harness.faces.listed import LISTED
from harness.faces.reading import ClipEnd
from harness.faces.records import ClipRecord
from harness.stage import StageContext

_MOST_LINES = 10


class Report:
    """Counts and culprits, gathered clip by clip. others: further faces; unaligned: faces cropped by their
    box for want of landmarks."""

    def __init__(self, detector: str) -> None:
        self.detector = detector
        self.others = 0
        self.unaligned = 0
        self._clips = 0
        self._faces = 0
        self._faceless: list[str] = []
        self._unreadable: list[tuple[str, str]] = []
        self._damaged: list[str] = []
        self._listed: list[str] = []

    def clip(self, record: ClipRecord, end: ClipEnd) -> str:
        """Take note of a finished clip; returns its status: ok, no-face, listed or unreadable."""
        self._clips += 1
        self._faces += record.distinct
        self._damaged += [f"clip {record.clip}: {problem}" for problem in end.problems]
        if end.error and not end.frames:
            self._unreadable.append((record.clip, end.error))
            return "unreadable"
        if end.listed:
            self._listed.append(record.clip)
            return LISTED
        if end.error:
            self._damaged.append(f"clip {record.clip}: {end.error}; the readable part is used")
        if not record.distinct:
            self._faceless.append(record.clip)
            return "no-face"
        return "ok"

    def conclude(self, context: StageContext) -> None:
        """Tell the user; DataError if there is nothing to go on with."""
        if not self._clips:
            raise DataError("the data set has no clips")
        if len(self._unreadable) == self._clips:
            clip, error = self._unreadable[0]
            others = f" (and none of the other {self._clips - 1} clips)" if self._clips > 1 else ""
            raise DataError(f"clip {clip} cannot be read{others}: {error}")
        if not self._faces:
            raise DataError(
                f"face detector {self.detector!r} finds no face in any frame of {_clips(self._faceless)}; "
                "try another detector or a lower faces.min_score"
            )
        if self._listed:
            context.notice(
                f"no media, only a list of frames, of {_clips(self._listed)}: labels by clip and frame can be used, "
                "nothing can look at a face"
            )
        if self._faceless:
            context.notice(f"no face in {_clips(self._faceless)}: left out")
        for clip, error in self._unreadable[:_MOST_LINES]:
            context.notice(f"clip {clip} cannot be read and is left out: {error}")
        if len(self._unreadable) > _MOST_LINES:
            context.notice(f"{len(self._unreadable)} clips cannot be read and are left out; clips.parquet names all")
        for line in self._damaged[:_MOST_LINES]:
            context.notice(line)
        if len(self._damaged) > _MOST_LINES:
            context.notice(f"{len(self._damaged)} damaged places in all; clips.parquet names them")
        if self.unaligned:
            context.notice(
                f"{self.unaligned} of {self._faces + self.others} faces are cropped by their box: "
                f"detector {self.detector!r} gives no landmarks to align them by"
            )


def _clips(names: list[str]) -> str:
    return f"{len(names)} clip{'' if len(names) == 1 else 's'} ({listed(names, _MOST_LINES)})"
