"""What a reader must know before comparing rows: other data, other settings, few clips, changed code."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from harness.errors import listed
from harness.evaluation.items import unlike
from harness.leaderboard.boards import Row
from harness.leaderboard.evidence import Basis
from harness.leaderboard.record import Record

FEW = 10  # clips or subjects

SETTINGS: Mapping[str, Callable[[Record], Hashable]] = {
    "the runs treat frames without a prediction differently (wrong or excluded)": lambda one: (
        one.scores.settings.unanswered
    ),
    "the runs' intervals are over different clusters (clip, subject or frame)": lambda one: (
        one.scores.settings.clusters
    ),
    "the runs' intervals are computed differently (percentile, BCa or studentised)": lambda one: (
        one.scores.settings.interval
    ),
    "the runs define macro-F1 differently": lambda one: one.scores.settings.macro_f1,
}


def notes(records: Sequence[Record]) -> list[str]:
    """Notes on all rows of a benchmark."""
    found = []
    targets = {tuple(sorted(one.fingerprint for one in record.data if one.role == "target")) for record in records}
    truths = {(one.scores.truth.frames, one.scores.truth.clips, *one.scores.truth.per_class) for one in records}
    if len(targets) > 1 or len(truths) > 1:
        found.append("the runs were scored on different data: ranks across them compare unlike things")
    found += [said for said, setting in SETTINGS.items() if len({setting(record) for record in records}) > 1]
    if len({tuple(one) for record in records if (one := record.scores.settings.reference)}) > 1:
        found.append("the runs measure divergence from different reference distributions")
    said = [set(record.scores.notes) for record in records if record.scores.truth.frames]
    found += [note for note in _first_scored(records) if all(note in one for one in said)]
    unscored = [record.run for record in records if all(one.macro_f1 is None for one in record.scores.systems)]
    if unscored:
        found.append(f"without annotations, and so without a row: {listed(unscored)}")
    dirty = [record.run for record in records if record.git and record.git.dirty]
    if dirty:
        found.append(f"run from changed code: {listed(dirty)}")
    return found


def _first_scored(records: Sequence[Record]) -> list[str]:
    return next((record.scores.notes for record in records if record.scores.truth.frames), [])


def board_notes(
    rows: Sequence[Row],
    reference: Row | None,
    clusters: tuple[str, int],
    basis: str,
    bases: Mapping[str, Basis],
) -> list[str]:
    """Notes on the rows of one board; basis: the digest of what its ranked rows were scored on."""
    found = []
    name, many = clusters
    if basis and many < 2:
        found.append(f"one {name}: nothing can be said about differences, so there are no rank intervals")
    elif basis and many < FEW:
        found.append(f"rank intervals and differences from {many} {name}s are rough")
    if any(row.also for row in rows):
        found.append("a run with (+n) stands for n more in which the very same system was found, frame by frame")
    bare = [row.title for row in rows if not row.items]
    if bare:
        found.append(
            "not ranked, their scores do not follow from counts per clip in the record (`harness leaderboard check` "
            f"tells more): {listed(bare)}"
        )
    others = [f"{row.title} ({_apart(bases[basis], bases[row.items])})" for row in rows if row.items not in ("", basis)]
    if others:
        found.append(f"not ranked, scored on other items than the rows above them: {listed(others)}")
    if reference is not None and basis and reference.items != basis:
        apart = _apart(bases[basis], bases[reference.items]) if reference.items else "no counts"
        found.append(f"no differences to {reference.title}: it was scored on other items ({apart})")
    return found


def _apart(one: Basis, other: Basis) -> str:
    """How two bases differ, in a few words."""
    differ = unlike(one.items, other.items)
    clips = len(differ.first_only) + len(differ.second_only) + len(differ.changed)
    if clips:
        return f"in {clips} clips at least {differ.least_frames:,} of {differ.frames:,} frames differ"
    if one.unanswered != other.unanswered:
        return f"unanswered frames {other.unanswered}"
    if one.clusters != other.clusters:
        return f"compared by {other.clusters}"
    return "other subjects in the same clips" if one.subjects != other.subjects else "other data"
