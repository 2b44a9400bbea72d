"""Filing the record of a finished run, checked as `check` checks it: what a contribution begins with."""

from __future__ import annotations

import contextlib
import getpass
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, DataError, listed
from harness.finished import find_run
from harness.leaderboard.build import build
from harness.leaderboard.check import record_problems
from harness.leaderboard.record import Record, check_place, read_record, record_path, write_record
from harness.leaderboard.siblings import Sibling, clashes, scored

RECORD = "record.json"  # in the folder of a run
MOST = 10


@dataclass(frozen=True)
class Added:
    """A filed record and the tables made with it. replaced: there was another one of the name."""

    record: Record
    path: Path
    tables: Sequence[Path]
    replaced: bool


def add(
    run: str, runs: Path, leaderboards: Path, *, benchmark: str | None = None, name: str | None = None,
    replace: bool = False,
) -> Added:  # fmt: skip
    """File the record of a finished run, by its name or folder, and build the tables of its benchmark.

    benchmark, name: under which it is filed, if not its own. ConfigError for another run's record of that name, unless
    `replace`; DataError for a record that `check` would not let pass. Then nothing is written.
    """
    record, data = read_record(_record_of(run, runs))
    changes = {"benchmark": benchmark or record.benchmark, "run": name or record.run}
    path = record_path(leaderboards, changes["benchmark"], changes["run"])
    problems = list(record_problems(record, data, own_names()))
    record = record.model_copy(update=changes)
    others = _others(path)
    before = next((one for one in others if one.run == record.run), None)
    if before is not None and not replace and scored(before) != scored(record):
        raise ConfigError(
            f"{path} is the record of another run of {before.created:%Y-%m-%d}; give yours another name (--name) or "
            "replace that one (--replace)"
        )
    others = [one for one in others if one.run != record.run]
    problems += [text for run, text in clashes(map(Sibling.of, [*others, record]), record.run) if run == record.run]
    if problems:
        more = f" ({len(problems)} problems)" if len(problems) > 1 else ""
        raise DataError(f"the record of run {run!r} is not filed{more}: {listed(problems, MOST)}")
    write_record(record, leaderboards)
    return Added(record, path, build(leaderboards, record.benchmark), before is not None)


def _record_of(run: str, runs: Path) -> Path:
    folder = find_run(run, runs).folder
    if not (folder / RECORD).is_file():
        raise DataError(
            f"run {run!r} has no {RECORD}: nothing was scored, for want of annotations of its target; there is nothing "
            "to file"
        )
    return folder / RECORD


def _others(path: Path) -> list[Record]:
    """The records beside `path`; one that cannot be read is an error here, not later when the tables are built."""
    beside = sorted(one for one in path.parent.glob("*.json") if not one.name.startswith("."))
    return [check_place(read_record(one)[0], one) for one in beside]


def own_names() -> dict[str, str]:
    """Names of this machine and its user that no record may hold, unless they are words like others."""
    names = {platform.node(): "this machine's host name"}
    with contextlib.suppress(OSError, KeyError):  # no user of this number on this machine
        names[getpass.getuser()] = "your user name"
    # "root" or "claude" may stand in any record; a name with a digit or a hyphen is one
    return {name: what for name, what in names.items() if re.search(r"\d|\w[-.]\w", name) and len(name) > 3}
