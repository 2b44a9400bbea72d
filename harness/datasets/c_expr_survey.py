"""What `harness data check c-expr-db` looks at: the 56 videos, and their frames beside the frame list's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from harness.datasets.c_expr_lengths import missing_frames
from harness.datasets.survey import FileFacts
from harness.datasets.wording import many
from harness.errors import listed

VIDEOS = tuple(f"{number:02}" for number in range(1, 57))
LISTED_FRAMES = 26_145
# Plain decoding gives one frame less or more than the challenge's list has (measured by the challenge's teams).
ONE_TOO_FEW = tuple("05 16 24 28 29 33 40 43 44 51 56".split())  # noqa: SIM905
ONE_TOO_MANY = tuple("09 10 22 45".split())  # noqa: SIM905


@dataclass
class Found:
    """Lines for the report."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def survey_c_expr(
    videos: Collection[str], listed_frames: Mapping[str, int] | None, facts: Mapping[str, FileFacts], slack: int
) -> Found:
    """Problems and remarks about videos and frame list; facts: of the readable videos."""
    found = Found()
    absent = [name for name in VIDEOS if name not in (videos or listed_frames or ())]
    if absent:
        found.problems.append(
            f"{len(absent)} of the {len(VIDEOS)} videos {'is' if len(absent) == 1 else 'are'} missing: {listed(absent)}"
        )
    frames = {name: one.frames for name, one in facts.items() if one.frames is not None}
    if listed_frames is None:
        found.remarks.append(
            f"{sum(frames.values())} frames in {many(len(frames), 'video')}; no frame_list to compare with"
        )
        return found
    total, clips = sum(listed_frames.values()), len(listed_frames)
    if total == LISTED_FRAMES:
        found.remarks.append(f"frame list: {total} frames of {many(clips, 'video')}, as published")
    else:
        found.problems.append(f"frame list: {total} frames of {many(clips, 'video')}, published are {LISTED_FRAMES}")
    compared = {name: count for name, count in frames.items() if name in listed_frames}
    if problem := missing_frames(listed_frames, compared, slack):
        found.problems.append(problem)
    over = {name: count - listed_frames[name] for name, count in compared.items()}
    longer = [f"{name} (+{by})" for name, by in over.items() if by > slack]
    if longer:
        found.problems.append(
            f"more frames than the frame list names in {many(len(longer), 'video')}: {listed(longer)}"
        )
    decoded = bool(facts) and all(one.decoded for one in facts.values())
    found.remarks += _off_by_one(over, "decoding gives" if decoded else "headers say (--deep counts)")
    return found


def _off_by_one(over: Mapping[str, int], how: str) -> Iterator[str]:
    """The frame-count trap: which videos have one frame too few or too many, and whether those are the known ones."""
    for by, text, trap in (
        (-1, "one frame too few (repeat the last prediction)", ONE_TOO_FEW),
        (1, "one frame too many (drop the last prediction)", ONE_TOO_MANY),
    ):
        names = sorted(name for name, difference in over.items() if difference == by)
        known = [name for name in trap if name in over]
        if names or known:
            beside = "as known" if names == known else f"known are {listed(known, 20) or 'none of these videos'}"
            yield f"{how} {text} in {listed(names, 20) or 'no video'}; {beside}"
