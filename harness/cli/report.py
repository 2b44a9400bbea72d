"""How a run looks to a person: a live line for each stage under way on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harness.plan import Pending, Stage
from harness.store import Artifact

PLAIN_EVERY = 30.0  # seconds between two progress lines where there is no terminal


class Pace:
    """When a plain line is due, and how long a stage will take at the pace since the line before.

    The pace of the last lines alone counts: what comes from the store at the beginning says nothing about the rest.
    """

    def __init__(self, began: float | None = None) -> None:
        self._when = time.monotonic() if began is None else began
        self._done = 0.0
        self._total: float | None = None
        self._counting = True
        self.left = ""

    def due(self, done: float, total: float | None, now: float) -> bool:
        """Whether to print a line now: after so many seconds, or because what was counted is counted no more."""
        news = total is None and self._counting
        self._counting = total is not None
        if not news and now - self._when < PLAIN_EVERY:
            self._total = total
            return False
        gained, seconds = done - self._done, now - self._when
        going_on = total is not None and gained > 0 and total == self._total
        self.left = duration((total - done) * seconds / gained) if total is not None and going_on else ""
        self._when, self._done, self._total = now, done, total
        return True


def amounts(done: float, total: float | None) -> str:
    """ "120 of 1,000", or "120" where nobody knows of how many; "" for nothing."""
    if total is None:
        return f"{done:,.0f}" if done else ""
    return f"{done:,.0f} of {total:,.0f}"


def duration(seconds: float) -> str:
    """A guess at a time to come: "about 12 min left"; finer than that it is not known."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


@dataclass
class _UnderWay:
    """A stage that is being made: its line on the terminal, its place in the plan, since when, its pace."""

    task: TaskID
    number: str
    began: float
    pace: Pace = field(default_factory=Pace)


class ConsoleReporter:
    """Reports a run on a console; a context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[text]}"), console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._under_way: dict[Stage, _UnderWay] = {}
        self._shown: set[str] = set()

    def __enter__(self) -> ConsoleReporter:
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def begin(self, todo: Pending) -> None:
        for stage, reason in todo.damaged:
            self._line(f"[yellow]damaged[/]  {escape(stage.title)}: {escape(reason)}; it is made again")
        for _, artifact in todo.cached:
            self._notices(artifact)
        if not todo.missing:
            self._line(f"[green]nothing to do[/]: all {len(todo.cached)} results are in the store")
        elif todo.cached:
            self._line(f"{len(todo.cached)} results are in the store; {len(todo.missing)} stages to run")
        else:
            self._line(f"{len(todo.missing)} stages to run")

    def started(self, stage: Stage, number: int, total: int) -> None:
        began, place = time.monotonic(), f"{number:>2}/{total}"
        task = self._bar.add_task(escape(f"{place} {stage.title}"), total=None, text="")
        self._under_way[stage] = _UnderWay(task, place, began)

    def progress(self, stage: Stage, text: str, done: float, total: float | None) -> None:
        one = self._under_way[stage]
        self._bar.update(one.task, completed=int(done), total=None if total is None else int(total), text=escape(text))
        if not self.console.is_terminal and one.pace.due(done, total, time.monotonic()):
            parts = [amounts(done, total), text, one.pace.left]
            self._line(escape(f"{one.number} {stage.title}: {', '.join(part for part in parts if part)}"))

    def waiting(self, stage: Stage) -> None:
        self._line(f"[yellow]waiting[/]  another run computes {escape(stage.title)}")

    def finished(self, stage: Stage, artifact: Artifact, *, computed: bool) -> None:
        one = self._under_way.pop(stage)
        self._bar.remove_task(one.task)
        seconds = time.monotonic() - one.began
        peak = f"{artifact.manifest.peak_memory / 2**20:>6.0f} MB" if artifact.manifest.peak_memory else ""
        how = "" if computed else " [dim](made by another run)[/]"
        self._line(f"{one.number} {escape(stage.title):<36}{seconds:>7.1f} s {peak}{how}")
        self._notices(artifact)

    def _notices(self, artifact: Artifact) -> None:
        for notice in artifact.manifest.notices:
            if notice not in self._shown:
                self._shown.add(notice)
                self._line(f"   [yellow]note[/] {escape(notice)}")
