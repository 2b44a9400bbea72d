"""Whether the records of a leaderboard can be believed: every score again from its counts, nothing that was edited."""

from __future__ import annotations

import collections
import gc
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, HarnessError, listed
from harness.evaluation.bootstrap import kept_draws
from harness.leaderboard.build import RENDERERS
from harness.leaderboard.pseudonyms import PSEUDONYM
from harness.leaderboard.recompute import wrong_numbers
from harness.leaderboard.record import SCHEMA_VERSION, Record, check_place, read_record, results_folder, seal_of
from harness.leaderboard.redact import leaks
from harness.leaderboard.reference import OPTIONS, benchmark_options
from harness.leaderboard.rows import benchmarks, leaderboard, record_files
from harness.leaderboard.siblings import Sibling, clashes
from harness.pages import unfolded

NUMBERS = frozenset({"counts", "confusion", "correctness", "calibration", "per_class"})  # of a system: no text in them

MANY = 64  # records from which on other processes are worth their start
# charts in a page: another version of matplotlib draws the same with other bytes
IMAGE = re.compile(rb"(?<=data:image/svg\+xml;base64,)[A-Za-z0-9+/=]+")
# data in a page: another build of zlib writes the same in other bytes
FOLDED = re.compile(rb'(?<=<script type="text/plain" id=")(\w+)">([A-Za-z0-9+/=]+)(?=</script>)')
MOST_DATA = 100_000_000  # bytes that the data of a page may unfold to


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


def check(leaderboards: Path, benchmark: str, processes: int = 1) -> Checked:
    """Check every record of a benchmark, what they have in common, and that the tables are what they give.

    processes: how many may check records at once, where there are many; more than one only below a guarded `__main__`.
    DataError if there is no record; whatever is wrong with one is among the problems.
    """
    files = record_files(leaderboards, benchmark)
    with _uncollected(), _checking(processes if len(files) >= MANY else 1) as checked:
        each = checked(files)  # at work while the records are read here
        siblings: list[Sibling] = []
        stale = _stale(leaderboards, benchmark, _read(files, siblings))
        problems = [Problem(path.name, text) for path, found in zip(files, each, strict=True) for text in found]
    problems += [Problem(f"{one}.json", text) for one, text in clashes(siblings)]
    problems += [Problem(path.name, "is no record of a run; take it out") for path in _others(leaderboards, benchmark)]
    if len(siblings) == len(files):
        problems += stale
    return Checked(benchmark, len(siblings), sum(one.systems for one in siblings), tuple(problems))


@contextmanager
def _checking(processes: int) -> Iterator[Callable[[Sequence[Path]], Iterable[list[str]]]]:
    """What maps files to their problems, here or in other processes."""
    if processes < 2:
        with kept_draws():
            yield partial(map, file_problems)
    else:
        # processes of their own, not copies of this one: it may have threads
        with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
            yield partial(pool.map, file_problems, chunksize=8)


def _begin() -> None:
    """In another process: keep draws as long as it lives, and collect no garbage."""
    kept_draws().__enter__()
    gc.disable()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles, of which records have none: looking at their millions of numbers takes as long as
    reading them."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def file_problems(path: Path) -> list[str]:
    """What is wrong with one file, whatever lies beside it."""
    try:
        record, data = read_record(path)
        check_place(record, path)
    except HarnessError as error:
        return [str(error)]
    return [*record_problems(record, data), *(f"key {key!r} is there twice" for key in _repeated(path))]


def _read(files: Sequence[Path], siblings: list[Sibling]) -> Iterator[Record]:
    """The records that can be read, one at a time; `siblings` gets what is compared of them."""
    for path in files:
        try:
            record = Record.read(path)
        except HarnessError:
            continue  # file_problems names it
        siblings.append(Sibling.of(record))
        yield record


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


def _stale(leaderboards: Path, benchmark: str, records: Iterator[Record]) -> list[Problem]:
    """Tables that are not what the records give."""
    first = next(records, None)
    if first is None:
        return []
    try:
        board = leaderboard(itertools.chain([first], records), benchmark_options(leaderboards, benchmark).reference)
    except HarnessError as error:
        collections.deque(records, maxlen=0)
        return [Problem(benchmark, str(error))]
    return [
        Problem(path.name, f"{found}; run: harness leaderboard build {benchmark}")
        for suffix, render in RENDERERS.items()
        if (found := _unlike(path := leaderboards / f"{benchmark}{suffix}", render(board)))
    ]


def _unlike(path: Path, text: str) -> str:
    try:
        stands = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if _comparable(stands) == _comparable(text.encode()) else "is not what the records give"


def _comparable(content: bytes) -> bytes:
    """A table or page without what another version of a library writes in other bytes."""
    return FOLDED.sub(lambda found: found[1] + unfolded(found[2], MOST_DATA), IMAGE.sub(b"", content))
