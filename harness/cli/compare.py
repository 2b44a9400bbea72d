"""`harness compare`: how systems of runs differ, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import leaderboards_option


@click.command()
@click.argument("runs", metavar="RUN RUN [RUN ...]", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write every number to FILE.csv or FILE.json."
)
@click.option(
    "--resamples", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True,
    help="Resamples of clips, and random swaps.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of resamples and swaps.")
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True,
    help="Where runs are looked for by name.",
)  # fmt: skip
@leaderboards_option
def compare(
    runs: tuple[str, ...], out: Path | None, resamples: int, seed: int, runs_folder: Path, leaderboards_folder: Path
) -> None:
    """Compare systems that were scored on the same clips; every one with the first.

    RUN is a run's folder, its name in runs/, or a record's file or name in leaderboards/. Its last word is compared,
    which is its smoothed ensemble, or its labeler; RUN:SYSTEM takes another: run:labeler, run:resnet18,
    run:resnet18:pre-trained. Intervals and tests take clips as what is drawn, never frames.
    """
    from rich.console import Console

    from harness.cli.comparing import print_comparison, written
    from harness.documents import write_atomically
    from harness.errors import ConfigError
    from harness.leaderboard.comparison import compared
    from harness.leaderboard.picked import pick

    if len(runs) < 2:
        raise ConfigError("one run alone cannot be compared; name two or more, or RUN:SYSTEM twice")
    if out is not None and out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out {str(out)!r}: the file's name must end in .csv or .json")
    found = compared([pick(one, runs_folder, leaderboards_folder) for one in runs], resamples=resamples, seed=seed)
    console = Console(highlight=False)
    print_comparison(console, found)
    if out is not None:
        write_atomically(out, written(found, out.suffix))
        console.print(f"written to {out}", markup=False, soft_wrap=True)
