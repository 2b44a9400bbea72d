"""Charts of scores: every system with its interval, and one system's confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.charts.style import FAINT, INK, ROLES, figure
from harness.evaluation.scores import Scores, SystemScore


def systems_chart(scores: Scores) -> Any:
    """Macro-F1 of every system as a bar with its 95% interval; a dashed line where uniform guessing is.

    Of several seeds the bar is the mean, and a ring stands where each seed is.
    """
    shown = [one for one in scores.systems if one.role != "reference" and one.macro_f1 is not None]
    drawn = figure(8, 1.0 + 0.32 * max(len(shown), 1))
    axis = drawn.subplots()
    heights = _positions(shown)
    for height, one in zip(heights, shown, strict=True):
        first_half = one.phase in ("pre-trained", "unsmoothed")
        value = one.macro_f1 or 0.0
        axis.barh(height, value, height=0.8, color=ROLES[one.role], alpha=0.45 if first_half else 1, linewidth=0)
        low, high = one.interval or (value, value)
        if one.interval:
            axis.plot([low, high], [height, height], color=INK, linewidth=1.4, solid_capstyle="butt")
            axis.plot([low, high], [height, height], "|", color=INK, markersize=6)
        each = one.spread.macro_f1 if one.spread else []
        axis.plot(each, [height] * len(each), "o", color="white", markeredgecolor=INK, markersize=4, clip_on=False)
        high = max([high, *each])
        axis.annotate(f"{value:.3f}", (max(high, value), height), (5, 0), textcoords="offset points", va="center")
    axis.set_yticks(heights, [one.system + (f", {one.phase}" if one.phase else "") for one in shown])
    axis.tick_params(axis="y", length=0)
    axis.invert_yaxis()
    most = max([*(one.interval[1] if one.interval else one.macro_f1 or 0 for one in shown), scores.chance or 0, 0.1])
    axis.set_xlim(0, min(1.0, most) * 1.1)
    _mark_chance(axis, scores.chance)
    interval = ", 95% interval over clips" if any(one.interval for one in shown) else ""
    seeds = f", mean of {len(scores.seeds)} seeds (rings)" if scores.seeds else ""
    axis.set_xlabel(f"macro-F1 over {len(scores.classes)} classes{seeds}{interval}")
    return drawn


def _positions(shown: Sequence[SystemScore]) -> list[float]:
    """A gap between two systems, none between two states of one."""
    found: list[float] = []
    for before, one in zip([None, *shown], shown, strict=False):
        gap = 0.0 if before is None else 0.85 if before.system == one.system else 1.25
        found.append((found[-1] if found else 0.0) + gap)
    return found


def _mark_chance(axis: Any, chance: float | None) -> None:
    if chance is None:
        return
    axis.axvline(chance, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    top = axis.get_xaxis_transform()
    axis.annotate(
        f"guessing {chance:.3f}", (chance, 1), (0, 3), xycoords=top, textcoords="offset points", ha="center", color=INK
    )


def confusion_chart(score: SystemScore, classes: Sequence[str]) -> Any:
    """Rows are true classes, columns predicted ones and frames without a prediction; shade is the share of the row."""
    counts = np.array(score.confusion, np.int64).reshape(len(classes), len(classes))
    unanswered = np.array(score.unanswered, np.int64)
    columns = list(classes)
    if unanswered.any():
        counts, columns = np.column_stack([counts, unanswered]), [*columns, "none"]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    side = 0.62
    drawn = figure(2.6 + side * len(columns), 1.6 + side * len(classes))
    axis = drawn.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*counts.shape):
        _cell(axis, row, column, int(counts[row, column]), float(shares[row, column]))
    axis.set_xticks(
        range(len(columns)),
        [name.replace(" ", "\n", 1) for name in columns],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
    )
    axis.set_yticks(
        range(len(classes)), [f"{name} ({total:,})" for name, total in zip(classes, totals[:, 0], strict=True)]
    )
    axis.set(xlabel="predicted", ylabel="true (frames)")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    value = "" if score.macro_f1 is None else f": macro-F1 {score.macro_f1:.3f}"
    axis.set_title(score.system + (f", {score.phase}" if score.phase else "") + value)
    return drawn


def _cell(axis: Any, row: int, column: int, frames: int, share: float) -> None:
    colour = FAINT if not frames else "white" if share > 0.55 else INK
    axis.text(column, row, f"{share:.0%}" if frames else "0", ha="center", va="center", color=colour, fontsize=8)
