"""How `harness data` prints a data set and what a check found."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.datasets.wording import many

if TYPE_CHECKING:
    from rich.progress import TaskID

    from harness.datasets.checks import Count, Report, Sizes
    from harness.plugins import Component

_BAR = 24


class Progress:
    """A line on the terminal that tells how far a check is; silent where there is none."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def __call__(self, text: str, done: int, total: int) -> None:
        if text not in self._tasks:
            self._tasks[text] = self._bars.add_task(text, total=total)
        self._bars.update(self._tasks[text], completed=done, total=total)


def print_about(component: Component) -> None:
    """What the data set's own class says: licence, source, layout. Nothing if its packages are missing."""
    console = Console(highlight=False)
    module, _, attribute = component.spec.target.partition(":")
    try:
        target: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError):  # `harness plugins list` tells what is wrong with it
        return
    licence = getattr(target, "licence", None)
    console.print()
    if licence is not None:
        leave = "faces may be sent" if licence.faces_may_leave else "no face is sent anywhere unless you say so"
        console.print(Text.assemble(("licence      ", "bold"), f"{licence.name}; {leave}"))
        console.print()
    for paragraph in (inspect.getdoc(target) or "").split("\n\n"):
        console.print(Text(" ".join(paragraph.split())))


def print_report(report: Report, name: str, licence: str, *, deep: bool) -> None:
    """Tables of counts and sizes, then remarks, problems and the verdict."""
    console = Console(highlight=False)
    looked = f"{many(report.files, 'file')}, {'decoded' if deep else 'headers read'}" if report.files else "no files"
    console.print(Text.assemble((name, "bold cyan"), f"  {looked}"))
    if licence:
        console.print(Text(f"licence: {licence}"))
    console.print()
    if report.totals:
        console.print(_counts(report))
        console.print()
    if report.sizes is not None:
        _print_sizes(console, report.sizes)
        console.print()
    for remark in report.remarks:
        console.print(Text(f"note   {remark}"), soft_wrap=True)
    for problem in report.problems:
        console.print(Text(f"wrong  {problem}", style="red"), soft_wrap=True)
    verdict = "OK" if report.whole else f"{len(report.problems)} wrong"
    console.print(Text(verdict, style="bold green" if report.whole else "bold red"))


def _counts(report: Report) -> Table:
    """A row a class, and for each part the number found beside the published one, where any is published."""
    parts = [one.part for one in report.totals]
    beside = {one.part for one in (*report.counts, *report.totals) if one.published is not None}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(f"{report.unit} of")
    for part in parts:
        table.add_column(part or "all", justify="right")
        if part in beside:
            table.add_column("published", justify="right")
            table.add_column("")
    found = {(one.part, one.label): one for one in report.counts}
    for label in dict.fromkeys(one.label for one in report.counts):
        cells = [cell for part in parts for cell in _cells(found.get((part, label)), part in beside)]
        table.add_row(Text(label or "none of the classes"), *cells)
    table.add_section()
    table.add_row("in all", *(cell for one in report.totals for cell in _cells(one, one.part in beside)))
    return table


def _cells(count: Count | None, beside: bool) -> Iterator[Text]:
    yield Text("0" if count is None else str(count.found))
    if beside and (count is None or count.published is None):
        yield from (Text("-"), Text(""))
    elif beside and count is not None:
        yield Text(str(count.published))
        yield Text("differs", style="red") if count.differs else Text("OK", style="green")


def _print_sizes(console: Console, sizes: Sizes) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("pixels", "min", "median", "max"):
        table.add_column(heading, justify="left" if heading == "pixels" else "right")
    for side, values in (("width", sizes.width), ("height", sizes.height)):
        table.add_row(side, *(f"{value:g}" for value in values))
    console.print(table)
    console.print()
    most = max(number for _, _, number in sizes.commonest)
    for width, height, number in sizes.commonest:
        bar = "█" * max(1, round(_BAR * number / most))
        console.print(Text(f"{f'{width} x {height}':>13}  {bar:<{_BAR}} {number}"))
    if sizes.kinds > len(sizes.commonest):
        console.print(Text(f"{'':>13}  and {sizes.kinds - len(sizes.commonest)} other sizes"))
