"""What `harness compare` shows and writes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.documents import readable_json
from harness.errors import one_line
from harness.evaluation.pairs import Difference
from harness.leaderboard.comparison import Comparison, Rival
from harness.leaderboard.entries import cell

ALPHA = 0.05
NAMES = {"macro_f1": "macro-F1", "accuracy": "accuracy", "unweighted_average_recall": "UAR"}
FEW = 20  # clips, below which bootstrapped p are known to be too small (docs/statistics.md)
TESTS = ("p\nboot.", "p\nswap")


def print_comparison(console: Console, found: Comparison) -> None:
    """One rival: a table of metrics; several: a table of rivals. Then what it comes to, in words."""
    console.print(_metrics(found, found.rivals[0]) if len(found.rivals) == 1 else _rivals(found))
    for line in [*map(_mcnemar, found.rivals[:1] if len(found.rivals) == 1 else ()), *said(found)]:
        console.print(line, markup=False)


def said(found: Comparison) -> Iterator[str]:
    """The comparison in sentences, and what to know of it."""
    for rival in found.rivals:
        yield _sentence(found, rival)
    family = "all systems" if len(found.rivals) > 1 else "the classes"
    yield (
        f"p swap: systems swapped {found.clusters} by {found.clusters}; p boot.: {found.clusters}s drawn anew; Holm: p "
        f"swap, corrected for {family}; least: the difference that so many {found.clusters}s show 4 times out of 5."
    )
    if found.units < FEW:
        yield f"note: {found.units} {found.clusters}s are few: p boot. is too small, go by p swap or p Holm."
    if any(one.picked.score.spread or found.reference.score.spread for one in found.rivals):
        yield "note: means over seeds; the seeds are drawn anew as well, of which a few tell little."
    if any(np.isnan(one.differences["macro_f1"].permutation) for one in found.rivals):
        yield "note: systems with unlike numbers of seeds cannot be swapped; Holm has the p of their interval."


def _sentence(found: Comparison, rival: Rival) -> str:
    one = rival.differences["macro_f1"]
    what = f"{rival.picked.title!r} and {found.reference.title!r}"
    on = f"on the same {found.frames:,} frames of {found.units} {found.clusters}s"
    if one.difference == 0 and one.error == 0:
        return f"{what} do the same {on}: no difference in macro-F1."
    p = float(rival.adjusted["macro_f1"])
    if p > ALPHA:
        return (
            f"{what} cannot be told apart {on} (macro-F1 {one.difference:+.3f}, p {_is(p)}); a difference of "
            f"{float(one.detectable):.3f} or more would have been found 4 times out of 5."
        )
    better = "more" if one.difference > 0 else "less"
    return (
        f"{rival.picked.title!r} has {abs(one.difference):.3f} {better} macro-F1 than {found.reference.title!r} {on} "
        f"(95% interval from {float(one.low):+.3f} to {float(one.high):+.3f}, p {_is(p)}): more than chance explains."
    )


def _mcnemar(rival: Rival) -> str:
    one = rival.mcnemar
    if one is None:
        return (
            "McNemar: not to be had; it needs records of one seed each that say what became of every frame, clips in "
            "one order."
        )
    return (
        f"McNemar: of {one.frames:,} frames A alone has {one.first_only:,} right, B alone {one.second_only:,}, "
        f"p {_is(one.p)}; it takes frames for independent, so that its p is too small."
    )


def _metrics(found: Comparison, rival: Rival) -> Table:
    titles = one_line(rival.picked.title), one_line(found.reference.title)
    table = _table(Text.assemble(("A  ", "bold"), titles[0], ("\nB  ", "bold"), titles[1]))
    _columns(table, "metric", "A", "B", "A - B", "95% interval", *TESTS, "p\nHolm", "least")
    for name, one, adjusted in _lines(found, rival):
        table.add_row(name, _share(one.first), _share(one.second), *_cells(one), _p(adjusted), _share(one.detectable))
    return table


def _rivals(found: Comparison) -> Table:
    score = found.reference.score.macro_f1
    table = _table(Text(f"macro-F1 against {one_line(found.reference.title)} ({score:.3f})"))
    _columns(table, "system", "macro\nF1", "differ.", "95% interval", *TESTS, "p\nMcN.", "p\nHolm", "least")
    for rival in found.rivals:
        one = rival.differences["macro_f1"]
        of_frames = _p(rival.mcnemar.p) if rival.mcnemar else "-"
        table.add_row(
            Text(one_line(rival.picked.title)), _share(one.first), *_cells(one), of_frames,
            _p(rival.adjusted["macro_f1"]), _share(one.detectable),
        )  # fmt: skip
    return table


def _lines(found: Comparison, rival: Rival) -> Iterator[tuple[Text, Difference, Any]]:
    """Name, difference and adjusted p of every metric, and of each class."""
    for name, title in NAMES.items():
        yield Text(title), rival.differences[name], rival.adjusted[name]
    for number, label in enumerate(found.classes):
        yield Text(one_line(f"F1 {label}")), _of_class(rival.differences["f1"], number), rival.adjusted["f1"][number]


def _of_class(whole: Difference, number: int) -> Difference:
    values = {name: one[number] for name, one in vars(whole).items() if name != "exact"}
    return Difference(**values, exact=whole.exact)


def _table(title: Text) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)


def _columns(table: Table, first: str, *others: str) -> None:
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)


def _cells(one: Difference) -> list[str]:
    return [f"{float(one.difference):+.3f}", _ends(one), _p(one.bootstrap), _p(one.permutation)]


def _ends(one: Difference) -> str:
    return f"{float(one.low):+.3f}, {float(one.high):+.3f}"


def _share(value: Any) -> str:
    return f"{float(value):.3f}"


def _p(value: Any) -> str:
    number = float(value)
    return "-" if np.isnan(number) else "<.001" if number < 0.001 else f"{number:.3f}"


def _is(value: Any) -> str:
    text = _p(value)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"


HEAD = (
    "run", "system", "phase", "reference_run", "reference_system", "reference_phase", "metric", "value",
    "reference_value", "difference", "low", "high", "drawn_low", "drawn_high",
    "p_student", "p_bootstrap", "p_permutation", "permutation_exact", "p_holm",
    "standard_error", "detectable", "p_mcnemar", "mcnemar_only", "mcnemar_reference_only", "clusters", "units",
    "frames",
)  # fmt: skip


def written(found: Comparison, suffix: str) -> str:
    """Every number, a row a rival and metric: as CSV, or as JSON for the suffix ".json"."""
    rows = [dict(zip(HEAD, row, strict=True)) for rival in found.rivals for row in _rows(found, rival)]
    if suffix == ".json":
        return readable_json(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _rows(found: Comparison, rival: Rival) -> Iterator[Sequence[Any]]:
    sides = [
        value
        for one in (rival.picked, found.reference)
        for value in (one.record.run, one.score.system, one.score.phase)
    ]
    names = [*NAMES, *(f"f1 {label}" for label in found.classes)]
    for name, (_, one, adjusted) in zip(names, _lines(found, rival), strict=True):
        on_frames: list[Any] = [None] * 3
        if rival.mcnemar is not None and name == "accuracy":
            on_frames = [rival.mcnemar.p, rival.mcnemar.first_only, rival.mcnemar.second_only]
        numbers = [
            one.first,
            one.second,
            one.difference,
            one.low,
            one.high,
            one.drawn_low,
            one.drawn_high,
            one.student,
            one.bootstrap,
            one.permutation,
        ]
        ends = [adjusted, one.error, one.detectable]
        yield [
            *sides, name, *map(_plain, numbers), one.exact, *map(_plain, ends), *on_frames, found.clusters, found.units,
            found.frames,
        ]  # fmt: skip


def _plain(value: Any) -> float | None:
    number = float(value)
    return None if np.isnan(number) else round(number, 9)
