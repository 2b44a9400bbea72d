"""`harness plan`: what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import experiment_arguments, store_option

if TYPE_CHECKING:
    from harness.cli import Session


@click.command()
@experiment_arguments
@store_option
@click.pass_obj
def plan(session: Session, config: str, overrides: tuple[str, ...], store_folder: Path) -> None:
    """Show the stages of CONFIG: what is in the store, and what would run."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harness.config import load
    from harness.contents import Contents
    from harness.plan import experiment_plan, pending
    from harness.store import Store

    experiment = load(config, overrides)
    store = Store(store_folder)
    with Contents(store.root / "contents.sqlite") as contents:
        laid = experiment_plan(experiment, session.registry(), contents.digest)
    todo = pending(laid, store)
    missing = {stage.fingerprint for stage in todo.missing}
    damaged = {stage.fingerprint for stage, _ in todo.damaged}
    cached = {stage.fingerprint: artifact for stage, artifact in todo.cached}
    table = Table("stage", "fingerprint", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    for stage in laid.ordered():
        name = stage.fingerprint
        if name in damaged:
            state = Text("damaged: will run again", style="red")
        elif name in missing:
            state = Text("will run", style="yellow")
        elif name in cached:
            manifest = cached[name].manifest
            state = Text(f"stored ({manifest.seconds:.1f} s, {manifest.size / 2**20:.1f} MB)", style="green")
        else:
            state = Text("not needed: what is made from it is stored", style="dim")
        table.add_row(Text(stage.title), Text(name[:12], style="dim"), state)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{len(missing)} of {len(laid.ordered())} stages would run; no request to any provider, no cost")
