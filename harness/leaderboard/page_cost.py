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

from harness.charts.style import ROLES, figure, settings
from harness.errors import MissingPackage
from harness.leaderboard.boards import Board, Row

INKS = {
    "light": {"ink": "#1c2230", "soft": "#5d6678", "line": "#dfe2e8", "front": "#1c2230"},
    "dark": {"ink": "#e8ebf1", "soft": "#9aa4b6", "line": "#2f3643", "front": "#e8ebf1"},
}
MANY = 300  # points from which on they are one picture inside the SVG


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
        light, dark = (_image(points, INKS[name]) for name in ("light", "dark"))
    except MissingPackage as error:
        return Chart("", "", str(error), len(points), front)
    return Chart(light, dark, "", len(points), front)


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


def _image(points: Sequence[Point], inks: dict[str, str]) -> str:
    """A data URI of the chart; the same points, the same bytes."""
    with settings():
        drawn = _drawn(points, inks)
        content = io.BytesIO()
        own = {"svg.hashsalt": "cer-harness", "svg.fonttype": "none", "font.family": "sans-serif"}
        with _package().rc_context(own):
            drawn.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def _package() -> Any:
    from harness.charts.style import matplotlib

    return matplotlib()


def _drawn(points: Sequence[Point], inks: dict[str, str]) -> Any:
    drawn = figure(7.2, 3.8)
    axis = drawn.subplots()
    _dots(axis, points)
    front = [point for point in points if point.number]
    axis.step([one.cost for one in front], [one.row.macro_f1 for one in front], where="post", color=inks["front"],
              linewidth=1, linestyle=(0, (4, 3)))  # fmt: skip
    for one in front:
        axis.plot(one.cost, one.row.macro_f1, "o", color=ROLES[one.row.score.role], markeredgecolor=inks["front"],
                  markersize=8, clip_on=False)  # fmt: skip
        axis.annotate(str(one.number), (one.cost, one.row.macro_f1), (0, 7), textcoords="offset points",
                      ha="center", color=inks["ink"], weight="bold")  # fmt: skip
    _costs(axis, [point.cost for point in points])
    axis.set_xlabel("cost of the run's labels (US$)", color=inks["ink"])
    axis.set_ylabel("macro-F1", color=inks["ink"])
    axis.tick_params(colors=inks["soft"])
    axis.grid(color=inks["line"], linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[:].set_color(inks["soft"])
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
