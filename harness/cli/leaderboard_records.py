"""`harness leaderboard add` and `check`: records filed by whoever has a run, and believed by whoever reads them."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import leaderboards_option

MOST = 10  # problems that are printed; the rest is counted


@click.command()
@click.argument("run")
@click.option("--benchmark", help="Benchmark to file it under; default: the one its configuration names.")
@click.option("--name", help="Name to file it under; default: the run's.")
@click.option("--replace", is_flag=True, help="Replace the record that another run has under this name.")
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True,
    help="Where the runs are.",
)  # fmt: skip
@leaderboards_option
def add(
    run: str, benchmark: str | None, name: str | None, replace: bool, runs_folder: Path, leaderboards_folder: Path
) -> None:
    """File the record of RUN, a finished run's name or folder, and build the tables again.

    The record is checked as `harness leaderboard check` does; nothing is written if anything is wrong with it.
    """
    from harness.leaderboard.add import add as file_run

    added = file_run(run, runs_folder, leaderboards_folder, benchmark=benchmark, name=name, replace=replace)
    click.echo(f"{'replaced' if added.replaced else 'filed'} {added.path}")
    for path in added.tables:
        click.echo(f"built {path}")
    click.echo(
        f"next: look at it (harness leaderboard show {added.record.benchmark}), commit these files and open a pull "
        "request; docs/contributing-results.md says what reviewers look at"
    )


@click.command()
@leaderboards_option
@click.argument("benchmark", required=False)
def check(leaderboards_folder: Path, benchmark: str | None) -> None:
    """Compute every score of BENCHMARK's records again, and look for what does not belong in them.

    Of every benchmark if none is named. Exits with 2 if anything is wrong.
    """
    from harness.errors import DataError, one_line
    from harness.leaderboard.check import check as check_records
    from harness.leaderboard.check import strays
    from harness.leaderboard.provenance import cores
    from harness.leaderboard.rows import benchmarks

    names = [benchmark] if benchmark else benchmarks(leaderboards_folder)
    problems = [] if benchmark else list(map(str, strays(leaderboards_folder)))
    if not names and not problems:
        raise DataError(
            f"no record in '{leaderboards_folder}/results'; `harness leaderboard add RUN` files one, --leaderboards "
            "names a folder"
        )
    for name in names:
        found = check_records(leaderboards_folder, name, processes=cores())
        problems += [f"{name}/{one}" for one in found.problems]
        count = _many(len(found.problems), "problem")
        state = count if found.problems else "all follows from the counts, tables are current"
        click.echo(f"{name}: {_many(found.records, 'record')}, {_many(found.systems, 'system')}: {state}")
    for line in problems[:MOST]:
        click.echo(f"  {one_line(line)}", err=True)
    if problems:
        more = f", {MOST} of them shown" if len(problems) > MOST else ""
        count = _many(len(problems), "problem")
        raise DataError(f"{count} in '{leaderboards_folder}'{more}; mend the records or take them out")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
