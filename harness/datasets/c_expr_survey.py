"""What `harness data check c-expr-db` looks at: the 56 videos, their frames beside the list's, annotated frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.datasets.c_expr_lengths import ONE_TOO_FEW, ONE_TOO_MANY, Lengths, lengths_problems
from harness.datasets.survey import Item, Survey
from harness.datasets.timeline import FrameLabels
from harness.errors import MediaError, listed
from harness.media import iter_frames

VIDEOS = tuple(f"{number:02}" for number in range(1, 57))
LISTED_FRAMES = 26_145


def survey_c_expr(lengths: Lengths, labels: FrameLabels | None, *, deep: bool) -> Survey:
    """Problems and remarks about videos and frame list; counts of annotated frames by class."""
    problems: list[str] = []
    remarks: list[str] = []
    names = set(lengths.videos) if lengths.videos else set(lengths.listed or ())
    absent = [name for name in VIDEOS if name not in names]
    if absent:
        problems.append(f"{len(absent)} of the {len(VIDEOS)} videos are missing: {listed(absent)}")
    if lengths.listed is not None and (total := sum(lengths.listed.values())) != LISTED_FRAMES:
        problems.append(
            f"the frame list names {total} frames of {len(lengths.listed)} videos, published are {LISTED_FRAMES}"
        )
    elif lengths.listed is not None:
        remarks.append(f"frame list: {LISTED_FRAMES} frames of {len(lengths.listed)} videos, as published")
    if lengths.videos:
        _compare(lengths, problems, remarks, deep=deep)
    counts = Counter(label for frames in (labels or {}).values() for label in frames.values())
    items = [Item(name, path) for name, path in lengths.videos.items()]
    return Survey(
        items, {"annotated": counts} if labels is not None else {}, "frames", problems=problems, remarks=remarks
    )


def _compare(lengths: Lengths, problems: list[str], remarks: list[str], *, deep: bool) -> None:
    counted = _decoded(lengths) if deep else {n: h.frames for n, h in lengths.headers.items() if h.frames is not None}
    if lengths.listed is None:
        remarks.append(
            f"{sum(counted.values())} frames in {len(counted)} videos; without frame_list nothing to compare"
        )
        return
    problems += lengths_problems(lengths, lengths.slack, counted)
    over = {name: frames - lengths.listed[name] for name, frames in counted.items()}
    long = [f"{name} (+{by})" for name, by in over.items() if by > lengths.slack]
    if long:
        problems.append(f"{len(long)} videos have more frames than the frame list: {listed(long)}; are they others?")
    how = "decoding gives" if deep else "headers say"
    for by, text, trap in (
        (-1, "one frame too few (the last prediction is to be repeated)", ONE_TOO_FEW),
        (1, "one frame too many (it is to be dropped)", ONE_TOO_MANY),
    ):
        names = [name for name, difference in over.items() if difference == by]
        expected = [name for name in trap if name in over]
        if names or expected:
            known = ", as known" if names == expected else f"; known of {listed(expected) or 'none'}"
            remarks.append(f"{how} {text} in: {listed(names, 20) or 'none'}{known}")


def _decoded(lengths: Lengths) -> Mapping[str, int]:
    counted = {}
    for name in lengths.names:
        try:
            counted[name] = sum(1 for _ in iter_frames(lengths.videos[name]))
        except MediaError:
            continue  # the check opens every file and lists those that cannot be read
    return counted
