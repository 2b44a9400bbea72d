"""Probabilities of one clip against time, over strips that show truth, labels and decisions frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.charts.style import INK, NOTHING, class_colours, figure

MOST_POINTS = 2000  # more than a chart has pixels: longer clips are averaged to this


@dataclass(frozen=True)
class Series:
    """One clip. times (F,) seconds, NaN if not known; panels name -> (F, C) probabilities, NaN where there are none;
    strips name -> (F,) class ids, -1 for none."""

    clip: str
    times: NDArray[np.float64]
    panels: Mapping[str, NDArray[np.floating]]
    strips: Mapping[str, NDArray[np.integer]]


def timeline(series: Series, classes: Sequence[str], canvas: Any = None) -> Any:
    """The figure of one clip; colours as in class_colours, grey where nothing is known.

    canvas: the figure of another clip with the same panels, strips and classes, saved already, to draw on instead:
    laying out takes longer than drawing, and only the first one does it.
    """
    if canvas is None:
        drawn, axes = _laid_out(len(series.panels), len(series.strips))
        _legend(drawn, classes)
    else:
        drawn, axes = canvas, canvas.axes
        drawn.set_layout_engine("none")  # leaves everything where it was put
        for artist in [one for axis in axes for one in (*axis.patches, *axis.collections)]:
            artist.remove()
    _draw(axes, series, len(classes))
    return drawn


def _laid_out(panels: int, strips: int) -> tuple[Any, Any]:
    drawn = figure(10, 0.9 + 1.7 * panels + 0.28 * strips)
    heights = [1.7] * panels + ([0.28 * strips] if strips else [])
    return drawn, drawn.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]


def _draw(axes: Sequence[Any], series: Series, classes: int) -> None:
    known = bool(np.isfinite(series.times).all())
    x = series.times if known else np.arange(len(series.times), dtype=np.float64)
    edges = _edges(x)
    for axis, (name, probabilities) in zip(axes, series.panels.items(), strict=False):
        _area(axis, x, probabilities, classes)
        axis.set(ylim=(0, 1), yticks=[0, 0.5, 1], ylabel=f"{name}\nprobability", facecolor=NOTHING)
    if series.strips:
        _strips(axes[-1], edges, series.strips, classes)
    axes[0].set_title(series.clip)
    axes[-1].set(xlabel="time, seconds" if known else "frame", xlim=(edges[0], edges[-1]))


def _edges(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) middles -> (F + 1,) edges of the frames."""
    step = float(np.median(np.diff(x))) if len(x) > 1 else 1.0
    between = (x[1:] + x[:-1]) / 2
    return np.concatenate([[x[0] - step / 2], between, [x[-1] + step / 2]])


def _area(axis: Any, x: NDArray[np.float64], probabilities: NDArray[np.floating], classes: int) -> None:
    from matplotlib.patches import StepPatch

    x, rows = _thinned(x, probabilities.astype(np.float64))
    tops = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    edges = _edges(x)
    for class_id, colour in enumerate(class_colours(classes)):
        # a stair a frame: with straight lines a single frame between two gaps would have no area; added as an artist,
        # because axis.stairs spends half of the figure's time on finding limits that are known
        below: Any = tops[:, class_id]  # matplotlib's own types know of one number alone
        stairs = StepPatch(tops[:, class_id + 1], edges, baseline=below, fill=True, linewidth=0)
        stairs.set_color(colour)
        axis.add_artist(stairs)


def _thinned(x: NDArray[np.float64], rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    block = -(-len(x) // MOST_POINTS)
    if block == 1:
        return x, rows
    starts = np.arange(0, len(x), block)
    present = ~np.asarray(np.isnan(rows).any(axis=1), np.bool_)
    number = np.add.reduceat(present.astype(np.float64), starts)
    sums = np.add.reduceat(np.where(present[:, None], rows, 0), starts, axis=0)
    means = np.divide(sums, number[:, None], out=np.full_like(sums, np.nan), where=number[:, None] > 0)
    return np.add.reduceat(x, starts) / np.diff(np.append(starts, len(x))), means


def _strips(axis: Any, edges: NDArray[np.float64], strips: Mapping[str, NDArray[np.integer]], classes: int) -> None:
    from matplotlib.colors import ListedColormap

    colours = ListedColormap([NOTHING, *class_colours(classes)])
    cells = np.stack(list(strips.values())) + 1
    axis.pcolormesh(edges, np.arange(len(strips) + 1), cells, cmap=colours, vmin=-0.5, vmax=classes + 0.5)
    axis.hlines(np.arange(1, len(strips)), edges[0], edges[-1], color="white", linewidth=3)
    axis.set_yticks(np.arange(len(strips)) + 0.5, list(strips))
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(strips), 0)
    axis.spines[:].set_visible(False)


def _legend(drawn: Any, classes: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    # in the order of the areas, the topmost first
    colours = class_colours(len(classes))
    patches = [Patch(color=colour, label=name) for name, colour in zip(classes, colours, strict=True)][::-1]
    patches.append(Patch(facecolor=NOTHING, label="none"))
    drawn.legend(
        handles=patches, loc="outside right upper", frameon=False, handlelength=1, handleheight=1, labelcolor=INK
    )
