"""`harness data list`, `harness data show NAME` and `harness data check NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.cli import Session
    from harness.components import Kind
    from harness.datasets.checks import Report

KIND: Kind = "datasets"


@click.group()
def data() -> None:
    """List the data sets, show one, check that one is whole."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List every data set: where it comes from, and whether it is ready."""
    from harness.cli.plugins import list_ as components

    ctx.invoke(components, kind=KIND, as_json=as_json)


@data.command()
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Show a data set: its options, its licence, where to get it and how it must lie on disk."""
    from harness.cli.data_report import print_about
    from harness.cli.plugins import show as component

    ctx.invoke(component, name=name, kind=KIND)
    session: Session = ctx.obj
    print_about(session.registry().get("datasets", name))


@data.command("check")
@click.argument("name")
@click.option("--root", help="Its folder; short for --set root=...")
@click.option(
    "--set", "overrides", multiple=True, metavar="OPTION=VALUE", help="Set an option of the data set. Repeatable."
)
@click.option("--deep", is_flag=True, help="Decode every file, count the frames of videos, look for identical files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.pass_context
def check_(
    ctx: click.Context, name: str, root: str | None, overrides: tuple[str, ...], deep: bool, as_json: bool
) -> None:
    """Check a data set: counts beside the published ones, missing and unreadable files, splits, image sizes.

    Opens the header of every file; --deep decodes them. Exit status: 0 fine, 1 something is wrong, 2 a wrong option.
    """
    import json

    from harness.cli.data_report import print_report
    from harness.datasets.checks import as_json as plain

    session: Session = ctx.obj
    options = _options(session, name, root, overrides)
    report, licence = _checked(session, name, options, deep=deep)
    if as_json:
        of = {"data_set": name, "licence": licence, "deep": deep}
        click.echo(json.dumps(plain(report, of), indent=2, ensure_ascii=False, default=str))
    else:
        print_report(report, name, licence, deep=deep)
    if not report.whole:
        ctx.exit(1)


def _options(session: Session, name: str, root: str | None, overrides: tuple[str, ...]) -> dict[str, Any]:
    """The options as written, checked before any file is opened."""
    from harness.overrides import apply_override

    written: dict[str, Any] = {} if root is None else {"root": root}
    for override in overrides:
        written = apply_override(written, override)
    session.registry().options(KIND, name, written)
    return written


def _checked(session: Session, name: str, options: dict[str, Any], *, deep: bool) -> tuple[Report, str]:
    """The report; a data set that cannot be read at all is a report of one problem."""
    from tempfile import TemporaryDirectory

    from harness.cli.data_report import Progress
    from harness.datasets.checks import Report, check
    from harness.errors import DataError

    licence = ""
    with TemporaryDirectory(prefix="harness-data-") as folder, Progress() as progress:
        try:
            dataset = session.registry().build(KIND, name, options, folder=Path(folder))
            licence = dataset.licence.name + (", faces may leave" if dataset.licence.faces_may_leave else "")
            dataset.prepare(lambda done, total: progress("generating", done, total))
            return check(dataset, progress, deep=deep), licence
        except DataError as error:
            return Report(0, "", (), (), None, (" ".join(str(error).split()),), ()), licence
