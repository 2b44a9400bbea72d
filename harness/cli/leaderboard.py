"""`harness leaderboard`: tables from the records of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.leaderboard_records import add, check

if TYPE_CHECKING:
    from harness.leaderboard.boards import Name

FOLDER = click.option(
    "--leaderboards",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder with results/<benchmark>/<run>.json and the tables made of them.",
)
REFERENCE = click.option(
    "--reference",
    metavar="RUN[:SYSTEM]",
    help='The row that the others are seen against. To keep it, write reference = "RUN:SYSTEM" into '
    "results/BENCHMARK/benchmark.toml. By default the best labeler named claude, else the best labeler.",
)
BENCHMARK = click.argument("benchmark", required=False)


@click.group()
def leaderboard() -> None:
    """Build, show, check and add to leaderboards made of run records."""


@leaderboard.command()
@FOLDER
@REFERENCE
@BENCHMARK
def build(leaderboards: Path, reference: str | None, benchmark: str | None) -> None:
    """Write BENCHMARK.md, .csv, .json, .tex and .html from its records; of every benchmark if none is named."""
    from harness.leaderboard.build import build as build_tables

    for name in _named(leaderboards, benchmark, reference):
        for path in build_tables(leaderboards, name, reference):
            click.echo(str(path))


@leaderboard.command()
@FOLDER
@REFERENCE
@click.option("--board", type=click.Choice(["labelers", "systems"]), help="One of the two boards; both by default.")
@BENCHMARK
def show(leaderboards: Path, reference: str | None, board: Name | None, benchmark: str | None) -> None:
    """Show the ranked labelers and systems of BENCHMARK; of every benchmark if none is named."""
    from rich.console import Console

    from harness.leaderboard.build import read_leaderboard
    from harness.leaderboard.terminal import tables

    console = Console()
    for name in _named(leaderboards, benchmark, reference):
        found = read_leaderboard(leaderboards, name, reference)
        for table in tables(found, [board] if board else []):
            console.print(table)
            console.print()


def _named(leaderboards: Path, benchmark: str | None, reference: str | None = None) -> list[str]:
    from harness.errors import DataError
    from harness.leaderboard.rows import benchmarks

    names = [benchmark] if benchmark else benchmarks(leaderboards)
    if not names:
        raise DataError(
            f"no record in '{leaderboards}/results'; `harness run` files one, --leaderboards names a folder"
        )
    if reference is not None and len(names) > 1:
        raise click.UsageError(f"--reference {reference}: say of which benchmark ({', '.join(names)})")
    return names


leaderboard.add_command(add)
leaderboard.add_command(check)
