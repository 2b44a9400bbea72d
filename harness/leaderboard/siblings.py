"""What the records of one benchmark must have in common, and what no two of them may."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.evaluation.scores import Scores
from harness.leaderboard.record import Record

Found = tuple[str, str]  # run, what is wrong with its record
Support = tuple[tuple[int, int], ...]  # (class, frames of it) of one clip
OWN = "other data needs a benchmark of its own (harness leaderboard add RUN --benchmark NAME)"


@dataclass(frozen=True)
class Sibling:
    """A record without its counts. supports: by system's title and clip the frames of each class, of the systems that
    were asked about all frames."""

    record: Record
    supports: Mapping[str, Sequence[Support]]
    systems: int

    @classmethod
    def of(cls, record: Record) -> Sibling:
        """The sibling that a whole record is."""
        scores = record.scores
        whole = [one for one in scores.systems if one.counts and one.frames == scores.truth.frames]
        lean = scores.model_copy(update={"systems": []})
        return cls(
            record.model_copy(update={"scores": lean, "by_seed": []}),
            {one.title: [_support(triples) for triples in one.counts] for one in whole},
            len(scores.systems),
        )


def clashes(siblings: Iterable[Sibling], newest: str = "") -> Iterator[Found]:
    """Records that tell of other data than the rest, or of a run that another record tells of already.

    Where records differ, those that are fewer are named; of as many, those that were made later. newest: a run that
    counts as the last one, whenever it was made.
    """
    every = sorted(siblings, key=lambda one: (one.record.run == newest, one.record.created, one.record.run))
    ordered = [one.record for one in every]
    yield from _twice(ordered)
    yield from _unlike(ordered, lambda one: (one.scores.label_space, *one.scores.classes), _other_classes)
    yield from _unlike(ordered, _data, _other_data)
    yield from _unlike(ordered, lambda one: tuple(sorted(one.scores.clips)), _other_clips)
    yield from _items(ordered)
    yield from _supports(every)


def scored(record: Record) -> tuple[str, ...]:
    """What tells a run from every other: the fingerprints of its scores."""
    return tuple(sorted(one.fingerprint for one in record.stages if one.kind == "score"))


def _twice(records: Sequence[Record]) -> Iterator[Found]:
    names: dict[str, str] = {}
    runs: dict[tuple[str, ...], str] = {}
    for record in records:
        first = names.setdefault(record.run.casefold(), record.run)
        if first != record.run:
            yield record.run, f"run {first!r} has the same name but for capitals; give one of them another"
        key = scored(record)
        same = runs.setdefault(key, record.run) if key else record.run
        if same != record.run:
            yield record.run, f"is the same run as {same!r} (their scores have one fingerprint); take one of them out"


def _unlike(
    records: Sequence[Record], key: Callable[[Record], Hashable], said: Callable[[Record, Record], str]
) -> Iterator[Found]:
    groups: dict[Hashable, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    most = max(groups.values(), key=len, default=[])
    for group in groups.values():
        if group is not most:
            yield from ((record.run, said(record, most[0])) for record in group)


def _other_classes(record: Record, other: Record) -> str:
    return f"its label space {record.scores.label_space!r} or its classes are not those of run {other.run!r}; {OWN}"


def _data(record: Record) -> Hashable:
    return tuple(sorted((one.name, one.fingerprint) for one in record.data if one.role == "target"))


def _other_data(record: Record, other: Record) -> str:
    mine, yours = (
        ", ".join(f"{one.name} {one.fingerprint[:12]}" for one in each.data if one.role == "target") or "none"
        for each in (record, other)
    )
    return f"its target data has fingerprint {mine}, that of run {other.run!r} {yours}; {OWN}"


def _other_clips(record: Record, other: Record) -> str:
    mine, yours = set(record.scores.clips), set(other.scores.clips)
    return f"{len(mine - yours)} of its clips are not in run {other.run!r}, {len(yours - mine)} are missing; {OWN}"


def _items(records: Sequence[Record]) -> Iterator[Found]:
    """Annotated frames and classes, clip by clip; a record without digests is compared by its truth alone."""
    yield from _unlike(records, lambda one: tuple(one.scores.truth.per_class), _other_truth)
    told = [record for record in records if record.scores.items]
    yield from _unlike(told, lambda one: tuple(sorted(_item_of(one.scores).items())), _other_items)


def _item_of(scores: Scores) -> dict[str, str]:
    return dict(zip(scores.clips, scores.items, strict=True))


def _other_truth(record: Record, other: Record) -> str:
    mine, yours = record.scores.truth, other.scores.truth
    return f"its truth has {mine.per_class} frames of the classes, that of run {other.run!r} {yours.per_class}; {OWN}"


def _other_items(record: Record, other: Record) -> str:
    mine, yours = _item_of(record.scores), _item_of(other.scores)
    unlike = sum(yours.get(clip) != item for clip, item in mine.items())
    return f"{unlike} of its {len(mine)} clips have other annotated frames than in run {other.run!r}; {OWN}"


def _supports(siblings: Sequence[Sibling]) -> Iterator[Found]:
    """The frames of each class in each clip follow from the data: the counts of all records must agree on them."""
    known: dict[tuple[str, str], tuple[str, Support]] = {}
    for sibling in siblings:
        run, scores = sibling.record.run, sibling.record.scores
        for title, supports in sibling.supports.items() if scores.items else ():
            for clip, item, support in zip(scores.clips, scores.items, supports, strict=True):
                first = known.setdefault((clip, item), (run, support))
                if first[1] != support:
                    where = f"system {title!r}: in clip {clip} its counts hold"
                    yield run, f"{where} other frames of the classes than those of run {first[0]!r}"
                    break


def _support(triples: Sequence[tuple[int, int, int]]) -> Support:
    frames: dict[int, int] = {}
    for true, _, many in triples:
        frames[true] = frames.get(true, 0) + many
    return tuple(sorted(frames.items()))
