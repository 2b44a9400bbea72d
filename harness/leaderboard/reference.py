"""The row that the others are seen against: a user's choice, kept beside the records, or the best labeler."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ConfigError, DataError, nearest
from harness.leaderboard.boards import ROLES, Name, Row
from harness.leaderboard.record import results_folder
from harness.validation import explain

OPTIONS = "benchmark.toml"
FAMILIAR = "claude"  # of several labelers the one that people know from the literature


class BenchmarkOptions(BaseModel):
    """What <leaderboards>/results/<benchmark>/benchmark.toml may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: str | None = Field(None, description="RUN or RUN:SYSTEM, the row that the others are seen against")


def benchmark_options(leaderboards: Path, benchmark: str) -> BenchmarkOptions:
    """The options of a benchmark, the defaults if there is no file; DataError names what is wrong with it."""
    path = results_folder(leaderboards, benchmark) / OPTIONS
    try:
        return BenchmarkOptions.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return BenchmarkOptions()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{OPTIONS} in {str(path.parent)!r} cannot be read: {error}; mend it or take it out") from error
    except ValidationError as error:
        raise DataError(f"{OPTIONS} in {str(path.parent)!r}: {explain(error, BenchmarkOptions)}") from error


def chosen(name: Name, boards: Mapping[Name, Sequence[Row]], basis: str, wanted: str | None) -> Row | None:
    """The reference row of a board whose rows are ranked; ConfigError if the wanted one is not there.

    By default the best labeler named claude that was scored on the board's items, else the best labeler that was, else
    the best row. Of a wanted run without a system its best row on this board, else on the other.
    """
    every = [*boards[name], *(row for other in ROLES if other != name for row in _best_first(boards[other]))]
    if wanted is not None:
        return _wanted(every, wanted)
    compared = [row for row in every if basis and row.items == basis]
    labelers = [row for row in compared if row.score.role == "labeler"]
    familiar = [row for row in labelers if FAMILIAR in row.system.lower()]
    return next(iter([*familiar, *labelers, *compared]), None)


def _wanted(rows: Sequence[Row], wanted: str) -> Row:
    run, _, system = wanted.partition(":")
    of_run = [row for row in rows if run in (row.run, *row.also)]
    if not of_run:
        hint = nearest(run, {each for row in rows for each in (row.run, *row.also)})
        raise ConfigError(f"reference {wanted!r}: no run {run!r} with scores{hint}")
    exact = [row for row in of_run if system in ("", row.system, row.score.title)]
    found = exact or [row for row in of_run if system == row.score.system]
    if not found:
        hint = nearest(system, {row.system for row in of_run})
        raise ConfigError(f"reference {wanted!r}: run {run!r} has no system {system!r}{hint}")
    return found[0]


def _best_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.macro_f1, row.run, row.system))
