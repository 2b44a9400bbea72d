"""`harness leaderboard`: tables from the records of runs."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.option(
    "--leaderboards",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder with results/<benchmark>/<run>.json and the tables made of them.",
)
BENCHMARK = click.argument("benchmark", required=False)


@click.group()
def leaderboard() -> None:
    """Build and show leaderboards from run records."""


@leaderboard.command()
@FOLDER
@BENCHMARK
def build(leaderboards: Path, benchmark: str | None) -> None:
    """Write BENCHMARK.md, .csv and .json from its records; of every benchmark if none is named."""
    from harness.leaderboard.build import build as build_tables

    for name in _named(leaderboards, benchmark):
        for path in build_tables(leaderboards, name):
            click.echo(str(path))


@leaderboard.command()
@FOLDER
@BENCHMARK
def show(leaderboards: Path, benchmark: str | None) -> None:
    """Show the ranked systems of BENCHMARK; of every benchmark if none is named."""
    from rich.console import Console

    from harness.leaderboard.terminal import table

    console = Console()
    for name in _named(leaderboards, benchmark):
        console.print(table(leaderboards, name))


def _named(leaderboards: Path, benchmark: str | None) -> list[str]:
    from harness.errors import DataError
    from harness.leaderboard.rows import benchmarks

    names = [benchmark] if benchmark else benchmarks(leaderboards)
    if not names:
        raise DataError(
            f"no record in '{leaderboards}/results'; `harness run` files one, --leaderboards names a folder"
        )
    return names
