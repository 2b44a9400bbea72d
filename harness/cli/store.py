"""`harness store`: look after stored artifacts."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import store_option
from harness.cli.replies import replies


@click.group()
def store() -> None:
    """Look after stored artifacts and replies."""


store.add_command(replies)


@store.command("list")
@store_option
def list_(store_folder: Path) -> None:
    """List every artifact with its size, age and cost in time."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from harness.errors import StoreError
    from harness.labeling.archive import holdings
    from harness.store import Store

    found = Store(store_folder)
    table = Table("stage", "fingerprint", "created", box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("seconds", "MB", "peak MB"):
        table.add_column(title, justify="right")
    total = 0
    for stage, fingerprint in found.artifacts():
        try:
            artifact = found.find(stage, fingerprint)
        except StoreError:
            table.add_row(stage, fingerprint[:12], "[red]damaged[/]", "", "", "")
            continue
        if artifact is None:
            continue
        manifest = artifact.manifest
        total += manifest.size
        table.add_row(
            stage, fingerprint[:12], manifest.created, f"{manifest.seconds:.1f}", f"{manifest.size / 2**20:.1f}",
            f"{manifest.peak_memory / 2**20:.0f}",
        )  # fmt: skip
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{table.row_count} artifacts, {total / 2**20:.1f} MB, in {store_folder}")
    if kept := holdings(store_folder):
        count, size = sum(one.replies for one in kept), sum(one.size for one in kept)
        console.print(f"{count:,} replies of language models, {size / 2**20:.1f} MB (harness store replies list)")


@store.command()
@store_option
@click.option("--repair", is_flag=True, help="Remove damaged artifacts, so that the next run makes them again.")
@click.pass_context
def verify(ctx: click.Context, store_folder: Path, repair: bool) -> None:
    """Check every file of every artifact against its sha256. Exit status 1 if something is damaged."""
    from harness.errors import StoreError
    from harness.store import Store

    found = Store(store_folder)
    checked = damaged = 0
    for stage, fingerprint in list(found.artifacts()):
        checked += 1
        try:
            found.find(stage, fingerprint, deep=True)
        except StoreError as error:
            damaged += 1
            click.echo(f"{error}{'; removed' if repair else ''}")
            if repair:
                with found.lock(fingerprint):
                    found.invalidate(stage, fingerprint)
    click.echo(f"{checked} artifacts checked, {damaged} damaged")
    if damaged and not repair:
        ctx.exit(1)


@store.command()
@store_option
@click.option(
    "--older-than", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="DAYS",
    help="Remove what no run has used for so many days; 0 removes everything.",
)  # fmt: skip
def prune(store_folder: Path, older_than: float) -> None:
    """Remove artifacts that were not used lately, and what killed processes left behind."""
    from harness.store import Store

    removed, freed = Store(store_folder).prune(older_than)
    click.echo(f"removed {removed} artifacts, {freed / 2**20:.1f} MB")
