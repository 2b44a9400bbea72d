"""Whether the records of a leaderboard can be believed: every score again from its counts, nothing that was edited."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, HarnessError, listed
from harness.leaderboard.build import RENDERERS
from harness.leaderboard.pseudonyms import PSEUDONYM
from harness.leaderboard.recompute import wrong_numbers
from harness.leaderboard.record import SCHEMA_VERSION, Record, check_place, read_record, results_folder, seal_of
from harness.leaderboard.redact import leaks
from harness.leaderboard.reference import OPTIONS, benchmark_options
from harness.leaderboard.rows import benchmarks, leaderboard, record_files
from harness.leaderboard.siblings import clashes

NUMBERS = frozenset({"counts", "confusion", "correctness", "calibration", "per_class"})  # of a system: no text in them

# charts in a page: another version of matplotlib draws the same with other bytes
IMAGE = re.compile(rb"(?<=data:image/svg\+xml;base64,)[A-Za-z0-9+/=]+")


class Problem(NamedTuple):
    """What is wrong with a file of a leaderboard."""

    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


@dataclass(frozen=True)
class Checked:
    """A benchmark that was checked: how many records and systems, and what is wrong with it."""

    benchmark: str
    records: int
    systems: int
    problems: tuple[Problem, ...]


def check(leaderboards: Path, benchmark: str) -> Checked:
    """Check every record of a benchmark, what they have in common, and that the tables are what they give.

    DataError if there is no record; whatever is wrong with one is among the problems.
    """
    problems: list[Problem] = []
    records: list[Record] = []
    for path in record_files(leaderboards, benchmark):
        try:
            record, data = read_record(path)
            check_place(record, path)
        except HarnessError as error:
            problems.append(Problem(path.name, str(error)))
            continue
        records.append(record)
        problems += [Problem(path.name, text) for text in record_problems(record, data)]
        problems += [Problem(path.name, f"key {key!r} is there twice") for key in _repeated(path)]
    problems += [Problem(f"{run}.json", text) for run, text in clashes(records)]
    problems += [Problem(path.name, "is no record of a run; take it out") for path in _others(leaderboards, benchmark)]
    if len(records) == len(record_files(leaderboards, benchmark)):
        problems += _stale(leaderboards, benchmark, records)
    systems = sum(len(one.scores.systems) for one in records)
    return Checked(benchmark, len(records), systems, tuple(problems))


def strays(leaderboards: Path) -> list[Problem]:
    """Tables and pages without a record that they could be made from."""
    known = benchmarks(leaderboards)
    return [
        Problem(path.name, "no benchmark of this name has a record; take it out")
        for path in sorted(leaderboards.glob("*.*"))
        if path.suffix in RENDERERS and path.stem not in known and path.name not in ("README.md", "record.schema.json")
    ]


def _others(leaderboards: Path, benchmark: str) -> list[Path]:
    """Whatever else lies beside the records: nobody looks into it, so nobody would see what should not be shared."""
    folder = results_folder(leaderboards, benchmark)
    return sorted(path for path in folder.iterdir() if path.suffix != ".json" and path.name != OPTIONS)


def record_problems(record: Record, data: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Iterator[str]:
    """What is wrong with one record, whatever others there are. data: the JSON data it was read from; names: what must
    not occur in it (redact.leaks)."""
    try:
        seal = seal_of(data)
    except DataError as error:
        yield str(error)
        return
    if data["schema_version"] == SCHEMA_VERSION and data.get("seal") != seal:
        how = "was edited after it was filed" if data.get("seal") else "was not filed by the harness"
        yield f"its seal is not that of its content: it {how}; file the run again (harness leaderboard add RUN)"
    classes = [label.get("name") for label in record.label_space.get("labels", ()) if isinstance(label, Mapping)]
    if record.label_space.get("name") != record.scores.label_space or classes != record.scores.classes:
        yield "label_space: its name or its labels are not those of the scores"
    yield from (f"{where} holds {what}" for where, what in leaks(_text(data), names))
    for scores in (record.scores, *(one.scores for one in record.by_seed)):
        clear = [name for name in (*scores.clips, *scores.subjects) if not PSEUDONYM.fullmatch(name)]
        if clear:
            yield f"names of clips or subjects are in the clear: {listed(clear, 3)}"
            break
    yield from wrong_numbers(record)


def _text(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data without the long lists of numbers that the schema allows nothing else in."""
    seeds = data.get("by_seed", [])
    scores = _scores_text(data["scores"])
    return {**data, "scores": scores, "by_seed": [{**one, "scores": _scores_text(one["scores"])} for one in seeds]}


def _scores_text(scores: Mapping[str, Any]) -> dict[str, Any]:
    systems = [{key: one[key] for key in one.keys() - NUMBERS} for one in scores["systems"]]
    return {**scores, "items": [], "systems": systems}


def _repeated(path: Path) -> list[str]:
    """Keys that stand in one object twice: programs disagree on which of the two they read."""
    found: list[str] = []

    def seen(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        found.extend(sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else ())

    json.loads(path.read_bytes(), object_pairs_hook=seen)
    return found


def _stale(leaderboards: Path, benchmark: str, records: list[Record]) -> Iterator[Problem]:
    """Tables that are not what the records give."""
    try:
        board = leaderboard(records, benchmark_options(leaderboards, benchmark).reference)
    except HarnessError as error:
        yield Problem(benchmark, str(error))
        return
    for suffix, render in RENDERERS.items():
        path = leaderboards / f"{benchmark}{suffix}"
        try:
            stands = path.read_bytes()
        except OSError as error:
            yield Problem(path.name, f"cannot be read ({error.strerror}); run: harness leaderboard build {benchmark}")
            continue
        if IMAGE.sub(b"", stands) != IMAGE.sub(b"", render(board).encode()):
            yield Problem(path.name, f"is not what the records give; run: harness leaderboard build {benchmark}")
