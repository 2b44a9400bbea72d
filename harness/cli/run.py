"""`harness run`: the main job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import experiment_arguments, leaderboards_option, offline_option, store_option

if TYPE_CHECKING:
    from harness.cli import Session


@click.command()
@experiment_arguments
@store_option
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True,
    help="Where each run's folder goes: predictions, charts, record.",
)  # fmt: skip
@leaderboards_option
@click.option("--executor", help="Executor to run the stages with; overrides the configuration.")
@click.option("--name", "run_name", help="Name of the run; default: the experiment's name and part of its fingerprint.")
@offline_option
@click.pass_obj
def run(
    session: Session, config: str, overrides: tuple[str, ...], store_folder: Path, runs_folder: Path,
    leaderboards_folder: Path, executor: str | None, run_name: str | None,
) -> None:  # fmt: skip
    """Run an experiment: CONFIG is a TOML file or a built-in name (default: demo).

    Stages that ran before are taken from the store. Writes runs/NAME/ and the leaderboard of its benchmark.
    """
    from rich.console import Console

    from harness.cli.report import ConsoleReporter
    from harness.cli.summary import print_summary
    from harness.config import load
    from harness.contents import Contents
    from harness.layout import experiment_plan
    from harness.run import execute
    from harness.runs import write_run
    from harness.store import Store

    started = time.monotonic()
    console = Console()
    registry = session.registry()
    experiment = load(config, [*overrides, *([f"executor={executor}"] if executor else [])])
    store = Store(store_folder)
    with Contents(store.root / "contents.sqlite") as contents:
        plan = experiment_plan(experiment, registry, contents.digest)
    build = registry.build("executors", experiment.executor.use, experiment.executor.options)
    with ConsoleReporter(console) as reporter, build as running:
        outcome = execute(plan, store, running, reporter, registry.settings)
    written = write_run(
        experiment, plan, outcome, name=run_name, overrides=overrides, runs=runs_folder,
        leaderboards=leaderboards_folder,
    )  # fmt: skip
    print_summary(console, written, seconds=time.monotonic() - started)
