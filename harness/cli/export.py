"""`harness export`: decisions of a run as files that others want."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import store_option

PATH = click.Path(path_type=Path)
frames_option = click.option(
    "--frames", "frames_file", type=PATH, metavar="LIST",
    help="The challenge's list of frames (01/00001.jpg, ... a line): exactly these are written, in this order.",
)  # fmt: skip


@click.group()
def export() -> None:
    """Write the decisions of a run as a submission file, and check such files."""


@export.command()
@click.argument("run")
@click.option("--out", type=PATH, help="The file; default: abaw-SYSTEM.txt in the run's folder.")
@click.option(
    "--system", default="ensemble", show_default=True, metavar="NAME",
    help="Whose labels: ensemble (the run's decisions), labeler, or a network by its name.",
)  # fmt: skip
@frames_option
@click.option("--fill", is_flag=True, help="Frames without a prediction take that of the nearest frame.")
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True,
    help="Where runs are looked for by name.",
)  # fmt: skip
@store_option
def abaw(
    run: str, out: Path | None, system: str, frames_file: Path | None, fill: bool, runs_folder: Path,
    store_folder: Path,
) -> None:  # fmt: skip
    """Write the ABAW challenge's submission file for RUN: a folder, or a name below runs/.

    One line a frame, for every frame of the list. Where plain decoding gave one frame too few the last prediction is
    repeated, where it gave one too many the last is dropped; both are told.
    """
    from rich.console import Console

    from harness.cli.exporting import export_abaw
    from harness.finished import find_run

    export_abaw(
        Console(), find_run(run, runs_folder), system=system, frames_file=frames_file, fill=fill, out=out,
        store_folder=store_folder,
    )  # fmt: skip


@export.command()
@click.argument("file", type=PATH)
@frames_option
@click.pass_context
def check(context: click.Context, /, file: Path, frames_file: Path | None) -> None:
    """Check a submission FILE line by line. Exit status 1 if something is wrong with it."""
    from harness.cli.exporting import faults_of

    lines, text = faults_of(file, frames_file)
    for line in lines:
        click.echo(line)
    click.echo(text)
    if lines:
        context.exit(1)
