"""Cost against score, drawn by matplotlib when the page is built: SVG as an image, once for light and once for dark.

matplotlib is what the project's other charts are drawn with; its SVG needs no script and no network, so that it fits
the page's policy. Libraries that draw in the browser do not: 1 MB and more, or code made from text.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.charts.style import ROLES, figure, matplotlib, settings
from harness.errors import MissingPackage
from harness.leaderboard.boards import Board, Row

INKS = {"ink": "#1c2230", "soft": "#5d6678", "line": "#dfe2e8"}
DARK = {"#1c2230": "#e8ebf1", "#5d6678": "#9aa4b6", "#dfe2e8": "#2f3643"}  # each ink where the ground is dark
MANY = 100  # points of a role from which on they are one picture inside the SVG, of so many pixels an inch
COARSE = 100


@dataclass(frozen=True)
class Point:
    """A row with its cost in US dollars; number: its place on the Pareto front, from 1, or None behind it."""

    row: Row
    cost: float
    number: int | None = None


@dataclass(frozen=True)
class Chart:
    """What the page shows of one board: its images as data URIs ("" without matplotlib, and why), and the front."""

    light: str
    dark: str
    missing: str
    points: int
    front: tuple[Point, ...]


def cost_chart(board: Board) -> Chart | None:
    """Cost against macro-F1 of the rows whose cost is known; None where nobody was paid."""
    points = priced(board.rows)
    if not any(point.cost for point in points):
        return None
    front = tuple(point for point in points if point.number)
    try:
        light = _drawing(points)
    except MissingPackage as error:
        return Chart("", "", str(error), len(points), front)
    return Chart(_address(light), _address(_darkened(light)), "", len(points), front)


def priced(rows: Sequence[Row]) -> list[Point]:
    """The rows with a cost, cheapest first; a run that asked nobody for money cost nothing. On the Pareto front is what
    beats all that costs as much or less."""
    known = [(0.0 if not row.record.asked else row.cost, row) for row in rows]
    ordered = sorted(
        ((cost, row) for cost, row in known if cost is not None), key=lambda one: (one[0], -one[1].macro_f1)
    )
    points, best, number = [], -1.0, 0
    for cost, row in ordered:
        ahead = row.macro_f1 > best
        best, number = max(best, row.macro_f1), number + ahead
        points.append(Point(row, cost, number if ahead else None))
    return points


def _drawing(points: Sequence[Point]) -> str:
    """The chart as SVG; the same points, the same text."""
    with settings():
        content = io.BytesIO()
        own = {"svg.hashsalt": "cer-harness", "svg.fonttype": "none", "font.family": "sans-serif"}
        with matplotlib().rc_context(own):
            drawn = _drawn(points)
            drawn.savefig(content, format="svg", dpi=COARSE, transparent=True, metadata={"Date": None, "Creator": None})
    return content.getvalue().decode()


def _darkened(drawing: str) -> str:
    # to draw anew takes as long again
    for light, dark in DARK.items():
        drawing = drawing.replace(light, dark)
    return drawing


def _address(drawing: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode('ascii')}"


def _drawn(points: Sequence[Point]) -> Any:
    drawn = figure(7.2, 3.8)
    axis = drawn.subplots()
    _dots(axis, points)
    front = [point for point in points if point.number]
    axis.step([one.cost for one in front], [one.row.macro_f1 for one in front], where="post", color=INKS["ink"],
              linewidth=1, linestyle=(0, (4, 3)))  # fmt: skip
    for one in front:
        axis.plot(one.cost, one.row.macro_f1, "o", color=ROLES[one.row.score.role], markeredgecolor=INKS["ink"],
                  markersize=8, clip_on=False)  # fmt: skip
        axis.annotate(str(one.number), (one.cost, one.row.macro_f1), (0, 7), textcoords="offset points",
                      ha="center", color=INKS["ink"], weight="bold")  # fmt: skip
    _costs(axis, [point.cost for point in points])
    axis.set_xlabel("cost of the run's labels (US$)", color=INKS["ink"])
    axis.set_ylabel("macro-F1", color=INKS["ink"])
    axis.tick_params(colors=INKS["soft"])
    axis.grid(color=INKS["line"], linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[:].set_color(INKS["soft"])
    axis.margins(y=0.12)
    return drawn


def _dots(axis: Any, points: Sequence[Point]) -> None:
    for role, colour in ROLES.items():
        some = [one for one in points if one.row.score.role == role and not one.number]
        costs, scores = [one.cost for one in some], [one.row.macro_f1 for one in some]
        axis.plot(costs, scores, "o", color=colour, markersize=5, alpha=0.75, linewidth=0, rasterized=len(some) > MANY)


def _costs(axis: Any, costs: Sequence[float]) -> None:
    """A logarithmic axis; what was free stands apart, at its beginning."""
    paid = [cost for cost in costs if cost > 0]
    least, most = min(paid), max(paid)
    if len(paid) < len(costs):
        axis.set_xscale("symlog", linthresh=least / 2, linscale=0.3)
        axis.set_xlim(-least / 8, most * 1.5)
    elif most / least > 20:
        axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda value, _: "free" if value == 0 else f"{value:.3g}" if value > 0 else "")
    axis.xaxis.set_minor_formatter(lambda _value, _: "")
