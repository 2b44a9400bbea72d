"""`harness plan`: what a run would do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import experiment_arguments, store_option

if TYPE_CHECKING:
    from harness.cli import Session
    from harness.labeling.estimate import Estimate
    from harness.labeling.providers import Asked
    from harness.plan import Plan
    from harness.plugins import Registry
    from harness.store import Artifact, Store


@click.command()
@experiment_arguments
@store_option
@click.pass_obj
def plan(session: Session, config: str, overrides: tuple[str, ...], store_folder: Path) -> None:
    """Show the stages of CONFIG: what is in the store, and what would run."""
    from harness.config import load
    from harness.contents import Contents
    from harness.layout import experiment_plan
    from harness.store import Store

    experiment = load(config, overrides)
    store = Store(store_folder)
    with Contents(store.root / "contents.sqlite") as contents:
        laid = experiment_plan(experiment, session.registry(), contents.digest)
    print_plan(laid, store, session.registry())


def print_plan(laid: Plan, store: Store, registry: Registry, anew: Collection[str] = ()) -> None:
    """Print a plan's stages and what is to be asked; anew: fingerprints of stages that run although they stand."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harness.plan import pending

    todo = pending(laid, store, anew)
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
    console.print(f"{len(missing)} of {len(laid.ordered())} stages would run")
    lines = list(_asking(laid, missing, cached, store.root, registry))
    for line in lines or ["no request to any provider, no cost"]:
        console.print(Text(line), soft_wrap=True)


def _asking(
    laid: Plan, missing: Collection[str], cached: Mapping[str, Artifact], root: Path, registry: Registry
) -> Iterator[str]:
    """What each language model would be asked, a line each."""
    for stage in laid.ordered():
        if "asked" not in stage.params or stage.fingerprint not in missing:
            continue
        from harness.expressions import LabelSpace
        from harness.labeling.estimate import estimate
        from harness.labeling.providers import asked

        faces = cached.get(stage.inputs["faces"].fingerprint)
        if faces is None:
            yield f"{stage.title}: requests and cost can be told when the faces are found; run faces first"
            continue
        one = asked(registry, stage.params["labeler"])
        assert one is not None
        space = LabelSpace.from_dict(stage.params["label_space"])
        yield f"{stage.title}: {_told(estimate(one, faces.folder, stage.params['sample'], space, root), one)}"


def _told(found: Estimate, one: Asked) -> str:
    from harness.labeling.meter import dollars

    tokens = "?" if found.input_tokens is None else f"{found.input_tokens:,}"
    minutes = f"{found.seconds / 60:.0f} min" if found.seconds >= 90 else f"{found.seconds:.0f} s"
    where = one.options.destination() or "this machine"
    more = ", more where the escalation ladder is climbed" if one.options.escalation else ""
    return (
        f"{found.requests:,} requests to {where} for {found.faces:,} faces ({found.stored:,} of {found.questions:,} "
        f"questions stored), about {tokens} tokens in and {found.output_tokens:,} out, {dollars(found.cost)}, "
        f"{minutes} at the configured limits{more}"
    )
