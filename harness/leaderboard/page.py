"""A leaderboard as one HTML file: what is better than what, by how much, at what cost, and how sure that is.

The page asks the network for nothing. Names of runs, systems and classes reach it as data and become text there.
"""

from __future__ import annotations

from pathlib import Path

from harness.leaderboard.boards import Board, Leaderboard
from harness.leaderboard.page_cost import cost_chart
from harness.leaderboard.page_data import pack
from harness.pages import beside, rendered

TEMPLATE = Path(__file__).parent / "web" / "page.html"
SCRIPTS = ("data.js", "statistics.js", "table.js", "chosen.js", "compare.js", "page.js")
MOST = 970_000  # bytes of a page that is to stay under 1 MB


def as_html(board: Leaderboard, *, most: int = MOST) -> str:
    """The page of a benchmark; the same leaderboard, the same text.

    most: bytes that it should not exceed; details of networks and unsmoothed ensembles are left out for that, best rows
    last, and the page says of which. Summaries of all rows, and details of labelers and of each run's last ensemble,
    stay whatever their size.
    """
    template, style, script = beside(TEMPLATE, SCRIPTS)
    charts = {one.name: cost_chart(one) for one in board.boards}
    images = sum(len(one.light) + len(one.dark) for one in charts.values() if one)
    packed = pack(board, most - images - len(template) - len(style) - len(script) - 2_000)
    records = board.records.values()
    return rendered(
        template,
        style,
        script,
        board=board,
        boards=[one for one in board.boards if one.rows] or board.boards,
        charts=charts,
        packed=packed,
        runs=len(records),
        newest=max((one.created for one in records), default=None),
        frames=_span(board, "frames"),
        clips=_span(board, "clips"),
        clusters=_clusters(board.boards),
    )


def _span(board: Leaderboard, field: str) -> str:
    """ "56" or "12 to 56", with thousands set apart."""
    values = {getattr(row.score, field) for row in board.rows}
    ends = sorted({min(values), max(values)}) if values else [0]
    return " to ".join(f"{one:,}" for one in ends)


def _clusters(boards: tuple[Board, ...]) -> str:
    return next((one.clusters[0] for one in boards if one.clusters[1]), "clip")
