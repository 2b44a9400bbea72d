"""`harness store replies`: look after what language models answered."""

from __future__ import annotations

import time
from pathlib import Path

import click

from harness.cli.options import store_option


@click.group()
def replies() -> None:
    """List, export, import and prune the stored replies of language models."""


@replies.command("list")
@store_option
def list_(store_folder: Path) -> None:
    """List the stored replies by labeler and model: how many, from when to when, how large."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harness.labeling.archive import holdings

    table = Table("labeler", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold")
    for title in ("replies", "first", "last", "KB"):
        table.add_column(title, justify="right", no_wrap=True)
    found = holdings(store_folder)
    for one in found:
        table.add_row(
            Text(one.labeler), Text(one.model), f"{one.replies:,}", _moment(one.first), _moment(one.last),
            f"{one.size / 1024:,.1f}",
        )  # fmt: skip
    console = Console(highlight=False)
    if found:
        console.print(table)
    console.print(f"{sum(one.replies for one in found):,} replies in {store_folder}", soft_wrap=True)


@replies.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_option
def export_(file: Path, store_folder: Path) -> None:
    """Write every reply to FILE, one JSON object a line. It holds no face and no key of a provider."""
    from harness.documents import write_atomically
    from harness.labeling.archive import lines

    found = list(lines(store_folder))
    write_atomically(file, "".join(found))
    click.echo(f"{len(found):,} replies written to {file}")


@replies.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_option
def import_(file: Path, store_folder: Path) -> None:
    """Add the replies of FILE, which `export` wrote. Replies that are known stay; one bad line, and none is added."""
    from harness.labeling.archive import take_in
    from harness.store import Store

    added, known = take_in(Store(store_folder).root, file)
    click.echo(f"{added:,} replies added, {known:,} were known")


@replies.command()
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    required=True,
    metavar="DAYS",
    help="Drop replies that came so many days ago or earlier; 0 drops all.",
)
@click.option("--labeler", help="Only those of this labeler.")
@click.option("--model", help="Only those of this model, as it was asked for.")
@store_option
def prune(older_than: float, labeler: str | None, model: str | None, store_folder: Path) -> None:
    """Drop old replies. What is dropped has to be asked for, and paid for, again: export it first."""
    from harness.labeling import archive

    dropped = archive.prune(store_folder, older_than, labeler, model)
    click.echo(f"dropped {dropped:,} replies")


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
