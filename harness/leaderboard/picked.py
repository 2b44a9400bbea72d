"""One system of one run, as a person names it: RUN or RUN:SYSTEM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, DataError, listed, nearest
from harness.evaluation.scores import SystemScore
from harness.leaderboard.record import RESULTS, Record, read_record

COPY = "record.json"  # of a run's record, in its folder


@dataclass(frozen=True)
class Picked:
    """A system with the record that it is in."""

    record: Record
    score: SystemScore

    @property
    def title(self) -> str:
        """Run and system, as tables show them."""
        return f"{self.record.run}: {self.score.title}"


def pick(wanted: str, runs: Path, leaderboards: Path) -> Picked:
    """The system that RUN or RUN:SYSTEM names; ConfigError for a run or system that is not there.

    RUN: a run's folder, a record's file, a run's name below `runs`, or a record's name in `leaderboards`. SYSTEM: a
    name, a name with its phase ("resnet18:pre-trained"), or "labeler"; of one that was scored in several phases the
    last. Without it the run's last word: its ensemble, else its labeler, else its last network.
    """
    name, system = wanted, None
    path = _found(name, runs, leaderboards)
    if path is None and ":" in wanted:
        name, _, system = wanted.partition(":")
        path = _found(name, runs, leaderboards)
    if path is None:
        known = {one.parent.name for one in runs.glob(f"*/{COPY}")}
        known |= {one.stem for one in (leaderboards / RESULTS).glob("*/*.json")}
        raise ConfigError(
            f"run {name!r} is no folder of a run, no record, no name in {str(runs)!r} or {str(leaderboards)!r}"
            f"{nearest(name, known)}"
        )
    record = read_record(path)[0]
    return Picked(record, _last(record) if system is None else _system(record, system))


def _found(name: str, runs: Path, leaderboards: Path) -> Path | None:
    """Where the record lies; ConfigError for a run without one, or if several benchmarks have one of the name."""
    given = Path(name).expanduser()
    if given.is_file():
        return given
    for folder in (given, runs / name):
        if (folder / COPY).is_file():
            return folder / COPY
    filed = sorted((leaderboards / RESULTS).glob(f"*/{name}.json")) if _plain(name) else []
    if len(filed) > 1:
        raise ConfigError(f"run {name!r} has a record in several benchmarks; name one: {listed(map(str, filed))}")
    if not filed and any((folder / "run.json").is_file() for folder in (given, runs / name)):
        raise ConfigError(
            f"run {name!r} has no record: it was scored on no annotation, so that nothing can be compared"
        )
    return filed[0] if filed else None


def _plain(name: str) -> bool:
    return not set(name) & set("/\\*?[]")


def _scored(record: Record) -> list[SystemScore]:
    found = [one for one in record.scores.systems if one.macro_f1 is not None and one.role != "reference"]
    if not found:
        raise DataError(f"run {record.run!r} was scored on no annotated frame, so that nothing can be compared")
    return found


def _last(record: Record) -> SystemScore:
    scored = _scored(record)
    for role in ("ensemble", "labeler"):
        if of_role := [one for one in scored if one.role == role]:
            return of_role[-1]
    return scored[-1]


def _system(record: Record, wanted: str) -> SystemScore:
    scored = _scored(record)
    for kind in range(len(_names(scored[0]))):
        if found := [one for one in scored if wanted in _names(one)[kind]]:
            return found[-1]
    known = [f"{one.system}:{one.phase}" if one.phase else one.system for one in scored]
    raise ConfigError(f"run {record.run!r} has no system {wanted!r}{nearest(wanted, known)}")


def _names(one: SystemScore) -> tuple[set[str], ...]:
    """What a system may be called, the most particular names first."""
    particular = {one.title, f"{one.system}, {one.phase}", f"{one.system}:{one.phase}"}
    return particular, {one.system}, {str(one.role)} - {"network"}
