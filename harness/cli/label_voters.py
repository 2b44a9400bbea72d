"""What `harness labels voters` shows and writes: voters, their common errors, and which of them to ask."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from harness.cli.label_summary import compact
from harness.evaluation.bootstrap import Units
from harness.evaluation.intervals import intervals
from harness.evaluation.noise import error_correlation, transitions
from harness.evaluation.ratios import MACRO_F1
from harness.evaluation.voters import Subsets
from harness.labeling.review.ballots import Ballots

RESAMPLES = 2000


@dataclass(frozen=True)
class Choice:
    """What is known of the voters: of every subset, and of the subsets that are shown, by position, their interval."""

    ballots: Ballots
    subsets: Subsets
    ends: dict[int, tuple[float, float]]

    @classmethod
    def of(cls, ballots: Ballots, subsets: Subsets) -> Choice:
        """Intervals over clips of the best subset of each size and of the Pareto front; none of a single clip."""
        shown = sorted({*subsets.best_of_size(), *subsets.front()}) if len(ballots.clips) > 1 else []
        ends = {}
        for one in shown:
            sums = subsets.sums(one)
            drawn = Units(sums, np.ones(len(sums), np.int64))
            low, high = intervals([drawn], {"macro_f1": MACRO_F1}, RESAMPLES, 0, "studentised")["macro_f1"]
            ends[one] = float(low), float(high)
        return cls(ballots, subsets, ends)

    def names(self, subset: int) -> list[str]:
        """The voters of a subset."""
        return [name for name, votes in zip(self.ballots.voters, self.subsets.members[subset], strict=True) if votes]


def print_voters(console: Console, found: Choice, *, confusions: bool) -> None:
    """The tables, then what they come to in words."""
    _each(console, found)
    _correlation(console, found.ballots)
    if confusions:
        _confusions(console, found.ballots)
    _chosen(console, found)
    for line in said(found):
        console.print(line, markup=False)


def said(found: Choice) -> Iterator[str]:
    """Which voters to ask, in sentences, and what to know of it."""
    ballots, subsets = found.ballots, found.subsets
    asked = f"all {len(ballots.voters)} were asked about"
    yield f"{len(ballots.truth):,} annotated faces of {len(ballots.clips)} clips that {asked}"
    best = int(subsets.macro_f1.argmax())
    front = subsets.front()
    single = int(subsets.best_of_size()[0])
    yield (
        f"best: {', '.join(found.names(best))} (macro-F1 {subsets.macro_f1[best]:.3f}); the best one alone, "
        f"{found.names(single)[0]}, has {subsets.macro_f1[single]:.3f}"
    )
    if len(front) > 1:
        steps = [f"{', '.join(found.names(one))} ({_price(subsets.cost[one])})" for one in front]
        yield f"worth their cost, the cheapest first: {'; '.join(steps)}"
    if ballots.left_out:
        yield f"note: {ballots.left_out:,} annotated faces are left out, because not all were asked about them"
    if np.isnan(ballots.cost).any():
        yield "note: a price is not known, so that voters cost their number"
    if len(ballots.clips) < 2:
        yield "note: one clip has neither interval nor held-out score: it is one observation"
    if int(subsets.size.max()) < len(ballots.voters):
        yield f"note: subsets of up to {int(subsets.size.max())} voters; all have too many"
    yield "held out: each clip by the voters that are best on the others; what choosing from so many subsets is worth"


def _each(console: Console, found: Choice) -> None:
    ballots = found.ballots
    rows = []
    alone = {int(members.argmax()): one for one, members in enumerate(found.subsets.members) if members.sum() == 1}
    for number, name in enumerate(ballots.voters):
        given = ballots.labels[number] >= 0
        right = (ballots.labels[number] == ballots.truth).sum()
        rows.append(
            [
                f"{number + 1} {name}",
                f"{given.mean():.0%}",
                f"{right / given.sum():.0%}" if given.any() else "-",
                f"{found.subsets.macro_f1[alone[number]]:.3f}",
                _price(ballots.cost[number]),
            ]
        )
    console.print(compact(("voter", "labelled", "of them right", "macro-F1", "$/1,000 faces"), rows))


def _correlation(console: Console, ballots: Ballots) -> None:
    """Phi of the errors of every two voters."""
    phi = error_correlation(ballots.labels, ballots.truth)
    numbers = [str(number + 1) for number in range(len(ballots.voters))]
    rows = []
    for number, name in enumerate(ballots.voters):
        cells = [_phi(value) if place != number else "" for place, value in enumerate(phi[number].tolist())]
        rows.append([f"{number + 1} {name}", *cells])
    console.print(compact(("errors in common (phi)", *numbers), rows, whole=True))


def _confusions(console: Console, ballots: Ballots) -> None:
    """The noise transition matrix of every voter, in percent of the faces of a class."""
    names = ballots.space.names
    counts = transitions(ballots.labels, ballots.truth, len(names))
    columns = [str(number) for number in range(len(names))]
    for voter, table in zip(ballots.voters, counts, strict=True):
        rows = []
        for number, (name, row) in enumerate(zip(names, table.tolist(), strict=True)):
            total = sum(row)
            rows.append([f"{number} {name}", *(f"{one / total:.0%}" if one else "" for one in row), f"{total:,}"])
        console.print(compact((f"{voter}: annotated, by label", *columns, "none", "faces"), rows, whole=True))


def _chosen(console: Console, found: Choice) -> None:
    """The best subset of each size, and those of the Pareto front."""
    subsets, front = found.subsets, set(found.subsets.front())
    best = subsets.best_of_size()
    rows = []
    for one in sorted({*best, *front}, key=lambda place: (subsets.size[place], subsets.cost[place], place)):
        size = int(subsets.size[one])
        held = subsets.held_out(size) if one in best else np.nan
        rows.append(
            [
                " ".join(str(place + 1) for place in np.flatnonzero(subsets.members[one])),
                str(size),
                f"{subsets.macro_f1[one]:.3f}",
                _ends(found.ends.get(one)),
                f"{held:.3f}" if held == held else "",
                _price(subsets.cost[one]),
                "yes" if one in front else "",
            ]
        )
    heads = ("voters", "n", "macro-F1", "95%", "held out", "$/1,000", "front")
    console.print(compact(heads, rows))


def as_csv(found: Choice) -> str:
    """A row a subset: its voters, macro-F1, cost a face, whether it is the best of its size and on the front, and the
    interval of those."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["voters", "size", "macro_f1", "low", "high", "dollars_per_face", "best_of_size", "held_out", "front"]
    )
    subsets, front, best = found.subsets, set(found.subsets.front()), set(found.subsets.best_of_size())
    for one in range(len(subsets.members)):
        low, high = found.ends.get(one, ("", ""))
        held = subsets.held_out(int(subsets.size[one])) if one in best else np.nan
        cost = float(subsets.cost[one])
        cells = [float(subsets.macro_f1[one]), low, high, cost, one in best, held, one in front]
        writer.writerow([" + ".join(found.names(one)), int(subsets.size[one]), *map(_cell, cells)])
    return text.getvalue()


def _cell(value: float | str | bool) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.8g}"
    return str(value).lower()


def _ends(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f}-{ends[1]:.3f}"


def _phi(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _price(cost: float | NDArray[np.float64]) -> str:
    return "-" if np.isnan(cost) else f"{1000 * float(cost):,.2f}"
