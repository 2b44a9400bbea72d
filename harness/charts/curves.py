"""Learning curves of several networks: training loss and validation macro-F1 against epochs, one column a phase."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.charts.style import INK, class_colours, figure
from harness.errors import DataError

Curve = Mapping[str, list[float]]
ROWS = (("train_loss", "training loss"), ("validation_macro_f1", "validation macro-F1"))


def read_history(path: Path) -> dict[str, list[float]]:
    """history.csv of a train artifact: column -> values, NaN where empty or not validated. DataError if it is none."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        # A phase of 0 epochs has no training loss; with too few subjects to hold any out there is no validation.
        measured = ("train_loss", "validation_macro_f1", "validation_loss")
        if rows and not rows[0].keys() & set(measured):
            raise ValueError(f"none of the columns {', '.join(measured)}")
        epochs = [float(row["epoch"] or "nan") for row in rows]
        return {"epoch": epochs, **{name: [float(row.get(name) or "nan") for row in rows] for name in measured}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name}: not a training history: {error}") from error


def learning_curves(phases: Mapping[str, Mapping[str, Curve]]) -> Any:
    """phases: title -> network -> columns epoch, train_loss, validation_macro_f1, validation_loss.

    A dot marks the best epoch, of equal macro-F1 the one of lower loss, as training chooses it.
    """
    names = list(dict.fromkeys(name for networks in phases.values() for name in networks))
    colours = dict(zip(names, class_colours(len(names)), strict=True))
    drawn = figure(1.6 + 3.6 * len(phases), 5)
    axes = drawn.subplots(len(ROWS), len(phases), squeeze=False, sharex="col", sharey="row")
    for column, (title, networks) in enumerate(phases.items()):
        for row, (key, label) in enumerate(ROWS):
            axis = axes[row, column]
            for name, curve in networks.items():
                _draw(axis, curve, key, colours[name])
            if column == 0:
                axis.set_ylabel(label)
        axes[0, column].set_title(title)
        axes[-1, column].set_xlabel("epoch")
        axes[-1, column].xaxis.get_major_locator().set_params(integer=True)
    _legend(drawn, colours)
    return drawn


def _draw(axis: Any, curve: Curve, key: str, colour: str) -> None:
    axis.plot(curve["epoch"], curve[key], color=colour, linewidth=1.6, marker=".", markersize=3)
    losses = curve.get("validation_loss", [math.nan] * len(curve["epoch"]))
    rows = zip(
        curve[key], (-loss if math.isfinite(loss) else -math.inf for loss in losses), curve["epoch"], strict=True
    )
    known = [row for row in rows if math.isfinite(row[0])]
    if key == "validation_macro_f1" and known:
        value, _, epoch = max(known, key=lambda row: row[:2])
        axis.plot(epoch, value, "o", color=colour, markersize=6, markeredgecolor=INK)


def _legend(drawn: Any, colours: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2, label=name) for name, colour in colours.items()]
    handles.append(
        Line2D([], [], color="none", marker="o", markerfacecolor="white", markeredgecolor=INK, label="best epoch")
    )
    drawn.legend(handles=handles, loc="outside right upper", frameon=False)
