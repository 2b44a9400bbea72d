"""`harness plugins list` and `harness plugins show NAME`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli import Session
    from harness.plugins import Component, Registry

# Written out, not imported: `harness plugins --help` shows them without loading pydantic. A test compares them.
KINDS = ("datasets", "face_detectors", "labelers", "backbones", "losses", "aggregators", "executors")
kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only this kind of component.")


@click.group()
def plugins() -> None:
    """List the installed components; show one's options."""


@plugins.command("list")
@kind_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.pass_context
def list_(ctx: click.Context, kind: Any, as_json: bool) -> None:
    """List every component: where it comes from, and whether it is ready or what it is missing.

    Plugins that failed are named below, and the exit status is then 1.
    """
    session: Session = ctx.obj
    registry = session.registry()
    if as_json:
        _print_json(registry, registry.components(kind))
    else:
        _print_list(registry, registry.components(kind))
    if registry.failures:
        ctx.exit(1)


@plugins.command()
@click.argument("name")
@kind_option
@click.pass_obj
def show(session: Session, name: str, kind: Any) -> None:
    """Show a component: its options with types and defaults, its distribution, how to install what it needs."""
    from rich.console import Console

    from harness.components import SINGULAR
    from harness.errors import UnknownComponent, nearest

    registry = session.registry()
    known = registry.components(kind)
    found = [one for one in known if one.spec.name == name]
    if not found:
        what = SINGULAR[kind] if kind else "component"
        names = {one.spec.name for one in known}
        raise UnknownComponent(f"{what} {name!r} is not known{nearest(name, names)}{registry.absences()}")
    console = Console(highlight=False)
    for position, component in enumerate(found):
        if position:
            console.print()
        _print_component(console, registry, component)


def _print_json(registry: Registry, components: Sequence[Component]) -> None:
    import dataclasses
    import json

    rows = [
        {
            "kind": one.kind,
            "name": one.spec.name,
            "summary": one.spec.summary,
            "distribution": one.origin.distribution,
            "version": one.origin.version,
            "requires": list(one.spec.requires),
            "missing": registry.missing(one),
            "ambiguous": _is_ambiguous(registry, one),
            "ready": _state(registry, one) == "ready",
            "install": one.spec.install,
        }
        for one in components
    ]
    failures = [dataclasses.asdict(one) for one in registry.failures]
    click.echo(json.dumps({"components": rows, "failures": failures}, indent=2, ensure_ascii=False))


def _print_list(registry: Registry, components: Sequence[Component]) -> None:
    from rich import box
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("summary", ratio=1)
    table.add_column("distribution", overflow="fold")
    table.add_column("state", overflow="fold")
    kind = None
    for one in components:
        if one.kind != kind:
            if kind is not None:
                table.add_row()
            kind = one.kind
            table.add_row(Text(kind.replace("_", " "), style="bold"))
        state = _state(registry, one)
        table.add_row(
            Text(f"  {one.spec.name}", style="cyan"),
            Text(one.spec.summary),
            Text(one.origin.distribution),
            Text(state, style="green" if state == "ready" else "yellow"),
        )
    console.print(table if components else Text("no component is announced"))
    console.print()
    for failure in registry.failures:
        console.print(Padding(Text(f"failed: {failure}", style="red"), (0, 0, 1, 0), expand=False))
    if components:
        console.print(Text("`harness plugins show NAME` tells a component's options and what to install for it."))


def _print_component(console: Console, registry: Registry, component: Component) -> None:
    from rich.text import Text

    from harness.components import SINGULAR

    spec = component.spec
    console.print(Text.assemble((spec.name, "bold cyan"), f"  {SINGULAR[component.kind]}"))
    console.print(Text(spec.summary))
    console.print()
    for key, value in _facts(registry, component):
        console.print(Text.assemble((f"{key:<13}", "bold"), value))
    console.print()
    _print_options(console, component)


def _facts(registry: Registry, component: Component) -> Iterator[tuple[str, str]]:
    spec = component.spec
    yield "distribution", str(component.origin)
    yield "state", _state(registry, component)
    if spec.requires:
        yield "requires", ", ".join(spec.requires)
    if spec.install:
        yield "install", spec.install
    if spec.needs_truth:
        yield "reads", "the target's annotations: for simulations only"
    yield "target", spec.target


def _print_options(console: Console, component: Component) -> None:
    """One option a paragraph: readable at any width, and `name = default` can be copied into an experiment file."""
    from rich.padding import Padding
    from rich.text import Text

    from harness.cli.schema import rows

    options = list(rows(component.spec.options))
    console.print(Text("options" if options else "It has no options.", style="bold" if options else ""))
    for row in options:
        default = f" = {row.default}" if row.default else ""
        absent = "" if default else " (must be given)" if row.required else " (not set)"
        line = Text.assemble((row.name, "cyan"), default, (absent, "yellow"), (f"   # {row.type}", "dim"))
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
        if row.description:
            console.print(Padding(Text(row.description), (0, 0, 0, 6), expand=False))


def _state(registry: Registry, component: Component) -> str:
    if _is_ambiguous(registry, component):
        return "announced twice"
    missing = registry.missing(component)
    return f"needs {', '.join(missing)}" if missing else "ready"


def _is_ambiguous(registry: Registry, component: Component) -> bool:
    return sum(one.spec.name == component.spec.name for one in registry.components(component.kind)) > 1
