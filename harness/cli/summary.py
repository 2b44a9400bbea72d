"""What `harness run` says at its end: each system's score beside chance, and where everything lies."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.evaluation.scores import SystemScore
from harness.runs import WrittenRun

SCORED = ("macro-F1", "95% interval", "accuracy")
UNSCORED = ("changes/s",)  # where there is room for it


def print_summary(console: Console, run: WrittenRun, seconds: float) -> None:
    """Print a finished run's scores and files. seconds: the whole command."""
    console.print()
    if not run.record:
        console.print(
            "[yellow]no score[/]: the target has no annotation of a class; predictions and charts are written"
        )
    if run.record or run.scores.settings.reference:
        console.print(_table(run), highlight=False)
    for note in (*run.scores.notes, *run.notes):
        console.print(Text.assemble(("note ", "yellow"), note), soft_wrap=True)
    scores = ["scores.csv", *(["seeds.csv"] if run.scores.seeds else [])]
    scores += ["history.csv"] if (run.folder / "history.csv").is_file() else []
    tables = ", ".join(path.suffix[1:] for path in run.tables)
    lines = [
        ("run", f"{run.folder}/ (predictions.csv, labels.csv, {', '.join(scores)}, charts/)"),
        *([("record", str(run.record))] if run.record else []),
        *([("leaderboard", f"{run.tables[0].with_suffix('')} ({tables})")] if run.record and run.tables else []),
        (
            "time",
            f"{seconds:.1f} s; {run.computed} stages computed" + ("" if run.computed else ": nothing had to be done"),
        ),
    ]
    for title, text in lines:
        console.print(Text.assemble((f"{title:<12}", "bold"), text), soft_wrap=True, highlight=False)


def _table(run: WrittenRun) -> Table:
    scores = run.scores
    far = bool(scores.settings.reference)
    title = f"{run.name}: {scores.truth.frames} annotated frames of {scores.truth.clips} clips"
    if not run.record:
        title = f"{run.name}: no annotated frame"
    if scores.seeds:
        title += f"; means ± deviation over {len(scores.seeds)} seeds"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("system")
    columns = (*(SCORED if run.record else UNSCORED), "coverage", *(["KL"] if far else []))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    best = max((one.macro_f1 or 0 for one in scores.systems if one.role != "reference"), default=0)
    for one in scores.systems:
        style = "dim" if one.role == "reference" else "bold" if run.record and one.macro_f1 == best else ""
        cells = _scored(one) if run.record else [_number(one.changes_per_second, 1)]
        cells.append("" if one.role == "reference" else _share(one))
        cells += [_number(one.divergence, 3)] if far else []
        table.add_row(Text(one.title), *cells, style=style)
    return table


def _scored(one: SystemScore) -> list[str]:
    ends = "" if one.interval is None else f"{one.interval[0]:.3f} - {one.interval[1]:.3f}"
    apart = "" if one.spread is None else f" ± {one.spread.deviation:.3f}"
    return [_number(one.macro_f1, 3) + apart, ends, _number(one.accuracy, 3)]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(one: SystemScore) -> str:
    return "" if one.coverage is None else f"{one.coverage:.0%}"
