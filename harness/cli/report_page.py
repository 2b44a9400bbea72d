"""`harness report`: a finished run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import store_option


@click.command()
@click.argument("run")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The page; default: report.html in the run's folder.",
)  # fmt: skip
@click.option(
    "--thumbnails/--no-thumbnails", default=None,
    help="Faces beside the worst confusions, or not; without either, where the data's licence lets faces leave. What "
    "it forbids cannot be asked for.",
)  # fmt: skip
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True,
    help="Where runs are looked for by name.",
)  # fmt: skip
@store_option
def report(run: str, out: Path | None, thumbnails: bool | None, runs_folder: Path, store_folder: Path) -> None:
    """Write a page about RUN, a folder or a name below runs/: what it was, scores, curves, labels, a timeline of every
    clip, and its worst confusions. One file that needs no network.
    """
    from harness.documents import write_atomically
    from harness.finished import find_run
    from harness.report.page import report as made

    found = find_run(run, runs_folder)
    page = made(found, store_folder, thumbnails)
    path = write_atomically(out or found.folder / "report.html", page.html)
    faces = f", {page.thumbnails} faces" if page.thumbnails else ", no faces"
    click.echo(f"page        {path} ({path.stat().st_size / 1000:,.0f} kB{faces})")
    for line in page.missing:
        click.echo(f"missing     {line}")
