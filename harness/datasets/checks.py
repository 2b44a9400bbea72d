"""Is a data set whole? Files, sizes, counts and splits; by headers alone, or with everything decoded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.datasets.files import FilesFound, look_at
from harness.datasets.survey import Counts, FileFacts, Item, Survey, Surveyed
from harness.errors import listed
from harness.media.paths import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from harness.components import Clip, Dataset

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Count:
    """Images or frames of one class in one part ("" for the total), beside the published number if it is known."""

    part: str
    label: str
    found: int
    published: int | None = None

    @property
    def differs(self) -> bool:
        """Whether a published number is known and is another."""
        return self.published is not None and self.published != self.found


@dataclass(frozen=True)
class Sizes:
    """Pixels of the readable files: smallest, median and largest side, and the commonest sizes, most frequent first."""

    width: tuple[int, float, int]
    height: tuple[int, float, int]
    commonest: tuple[tuple[int, int, int], ...]  # width, height, files
    kinds: int


@dataclass(frozen=True)
class Report:
    """What a check found; whole is the verdict."""

    files: int
    unit: str
    counts: tuple[Count, ...]
    totals: tuple[Count, ...]
    sizes: Sizes | None
    problems: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(dataset: Dataset, progress: Progress, *, deep: bool = False) -> Report:
    """Look at every file of a prepared data set. DataError if the data set itself cannot be read."""
    items = dataset.items() if isinstance(dataset, Surveyed) else _items(dataset.clips())
    found = look_at(items, progress, deep=deep)
    survey = dataset.survey(found.facts) if isinstance(dataset, Surveyed) else _survey(dataset)
    counts = tuple(_counts(survey))
    totals = tuple(
        Count(part, "", sum(survey.counts.get(part, {}).values()), survey.totals.get(part))
        for part in dict.fromkeys([*survey.counts, *survey.totals])
    )
    problems = [
        *_file_problems(found, len(items)),
        *survey.problems,
        *_count_problems(survey.unit, counts, totals),
        *_split_problems(items, found),
    ]
    return Report(
        len(items), survey.unit, counts, totals, sizes_of(found.facts.values()), tuple(problems), tuple(survey.remarks)
    )


def _items(clips: Sequence[Clip]) -> list[Item]:
    return [Item(clip.id, clip.source, "", clip.subject) for clip in clips if clip.source is not None]


def _survey(dataset: Any) -> Survey:
    """Of a data set that says nothing more than its clips and annotations."""
    annotations = dataset.annotations()
    clips = dataset.clips()
    stills = all(clip.source is not None and Path(clip.source).suffix.lower() in IMAGE_SUFFIXES for clip in clips)
    counts: Counts = {} if annotations is None else {"annotated": dict(Counter(annotations["label"]))}
    remarks = [] if any(clip.subject for clip in clips) else ["no subjects are given: every clip counts as its own"]
    if annotations is None:
        remarks.append("nothing is annotated: labels can be made, not scored")
    remarks += getattr(dataset, "notices", ())
    return Survey(counts, "images" if stills else "frames", remarks=remarks)


def _counts(survey: Survey) -> Iterator[Count]:
    for part in dict.fromkeys([*survey.counts, *survey.published]):
        found, published = survey.counts.get(part, {}), survey.published.get(part, {})
        for label in sorted({*found, *published}, key=lambda name: (name == "", name)):
            yield Count(part, label, found.get(label, 0), published.get(label))


def _count_problems(unit: str, counts: Sequence[Count], totals: Sequence[Count]) -> Iterator[str]:
    wrong = [f"{one.part} {one.label} {one.found} for {one.published}" for one in counts if one.differs]
    wrong += [f"{one.part} in all {one.found} for {one.published}" for one in totals if one.differs]
    if wrong:
        yield f"counts of {unit} that differ from the published ones, {len(wrong)}: {listed(wrong)}"


def _file_problems(found: FilesFound, files: int) -> Iterator[str]:
    if found.missing:
        yield f"missing, {len(found.missing)} of {files} files: {listed(found.missing)}"
    if found.unreadable:
        yield f"not readable, {len(found.unreadable)} of {files} files: {listed(found.unreadable)}"
    if found.damaged:
        yield f"damaged in part, {len(found.damaged)} of {files} files: {listed(found.damaged)}"


def _split_problems(items: Sequence[Item], found: FilesFound) -> Iterator[str]:
    """Persons, clips and, where files were hashed, identical files that stand in more than one split."""
    by_digest = {item.source: found.digests.get(item.clip) for item in items}
    for what, key in (
        ("subjects", lambda item: item.subject),
        ("clips", lambda item: item.source),
        ("identical files", lambda item: by_digest[item.source]),
    ):
        parts: defaultdict[object, set[str]] = defaultdict(set)
        names: defaultdict[object, list[str]] = defaultdict(list)
        for item in items:
            if (name := key(item)) is not None and item.part:
                parts[name].add(item.part)
                names[name].append(f"{item.part} {item.clip}")
        crossing = [name for name, of in parts.items() if len(of) > 1]
        if crossing:
            culprits = [
                f"{name} ({', '.join(sorted(parts[name]))})" if what == "subjects" else " = ".join(names[name])
                for name in crossing
            ]
            yield f"{what} in more than one split, {len(crossing)}: {listed(culprits)}"


def sizes_of(facts: Sequence[FileFacts] | Any, most: int = 5) -> Sizes | None:
    """Smallest, median, largest and commonest sizes; None without any file."""
    sizes = [(one.width, one.height) for one in facts]
    if not sizes:
        return None
    widths, heights = zip(*sizes, strict=True)
    frequent = Counter(sizes).most_common()
    return Sizes(
        (min(widths), median(widths), max(widths)),
        (min(heights), median(heights), max(heights)),
        tuple((width, height, number) for (width, height), number in frequent[:most]),
        len(frequent),
    )


def as_json(report: Report, of: Mapping[str, Any]) -> dict[str, Any]:
    """A report as plain data for programs; of: what was checked."""
    sizes = report.sizes
    return {
        **of,
        "whole": report.whole,
        "files": report.files,
        "unit": report.unit,
        "counts": [
            {"part": one.part, "class": one.label or None, "found": one.found, "published": one.published}
            for one in report.counts
        ],
        "totals": [{"part": one.part, "found": one.found, "published": one.published} for one in report.totals],
        "sizes": None
        if sizes is None
        else {"width": sizes.width, "height": sizes.height, "commonest": sizes.commonest, "different": sizes.kinds},
        "problems": list(report.problems),
        "remarks": list(report.remarks),
    }
