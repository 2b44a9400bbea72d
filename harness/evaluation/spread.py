"""Several trainings of the same systems with different seeds: means, and how far the seeds lie apart."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.bootstrap import LEVEL, Floats, resampled
from harness.evaluation.counts import Counts
from harness.evaluation.score import METRICS
from harness.evaluation.scores import ClassScore, Interval, Scores, Settings, Spread, SystemScore

TRAINED = ("network", "ensemble")
MEANS = (
    "macro_f1", "accuracy", "unweighted_average_recall", "coverage", "changes_per_second", "change_share", "divergence",
)  # fmt: skip


def over_seeds(by_seed: Mapping[int, Scores]) -> Scores:
    """The scores of every seed as one: means with a spread for what was trained, the first seed's for all else.

    An interval is that of the mean over the seeds at hand, clips drawn alike for all of them. Confusion and counts are
    the first seed's. A system that is not there with every seed is left out; an ensemble that smoothing did not change
    with some seeds counts as both smoothed and unsmoothed there.
    """
    every = list(by_seed.values())
    first = every[0]
    if len(every) == 1:
        return first
    systems: list[SystemScore] = []
    for name, role, phase in _keys(every):
        found = [one for scores in every if (one := _find(scores, name, role, phase)) is not None]
        if role not in TRAINED:
            systems.append(found[0])
        elif len(found) == len(every):
            systems.append(_averaged(found, list(by_seed), phase, first))
    return first.model_copy(update={"systems": systems, "seeds": list(by_seed)})


def _keys(every: Sequence[Scores]) -> list[tuple[str, str, str]]:
    """System, role and phase of all systems: in the order of the seed that has most of them."""
    longest = max(every, key=lambda scores: len(scores.systems))
    return [(one.system, one.role, one.phase) for one in longest.systems]


def _find(scores: Scores, name: str, role: str, phase: str) -> SystemScore | None:
    same = {one.phase: one for one in scores.systems if (one.system, one.role) == (name, role)}
    return same.get(phase) or (same.get("") if role == "ensemble" else None)


def _averaged(found: Sequence[SystemScore], seeds: Sequence[int], phase: str, scores: Scores) -> SystemScore:
    means: dict[str, Any] = {name: _mean([getattr(one, name) for one in found]) for name in MEANS}
    shares = [one.distribution for one in found if one.distribution]
    means["distribution"] = np.mean(shares, axis=0).tolist() if len(shares) == len(found) else []
    ends = _intervals(found, len(scores.classes), scores.settings)
    means["interval"], means["accuracy_interval"] = ends.get("macro_f1"), ends.get("accuracy")
    rows = zip(*(one.per_class for one in found), strict=True)
    means["per_class"] = [_class_mean(row, ends.get(number)) for number, row in enumerate(rows)]
    values = [one.macro_f1 for one in found if one.macro_f1 is not None]
    if len(values) == len(found):
        means["spread"] = Spread(
            seeds=list(seeds),
            macro_f1=values,
            deviation=statistics.stdev(values),
            lowest=min(values),
            highest=max(values),
        )
    return found[0].model_copy(update={**means, "phase": phase})


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) else None


def _class_mean(row: Sequence[ClassScore], interval: Interval | None) -> ClassScore:
    names = ("precision", "recall", "f1", "support", "predicted")
    means = {name: statistics.fmean(getattr(one, name) for one in row) for name in names}
    return row[0].model_copy(update={**means, "interval": interval})


def _intervals(found: Sequence[SystemScore], classes: int, settings: Settings) -> dict[str | int, Interval]:
    """95% intervals of the means over seeds: of macro-F1, of accuracy, and of each class's F1 by its id."""
    sums = [Counts.from_triples(one.counts, classes).present().sums(settings.unanswered) for one in found if one.counts]
    if len(sums) < len(found) or len({one.shape for one in sums}) > 1 or len(sums[0]) < 2:
        return {}
    values: dict[str, list[Floats]] = {name: [] for name in METRICS}
    for chunks in _alike(sums, settings):
        for name, metric in METRICS.items():
            values[name].append(np.mean([metric(chunk) for chunk in chunks], axis=0))
    ends = (100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2)
    low, high = zip(*(np.percentile(np.concatenate(values[name]), ends, axis=0) for name in METRICS), strict=True)
    at = dict(zip(METRICS, zip(low, high, strict=True), strict=True))
    single = {name: (float(at[name][0]), float(at[name][1])) for name in ("macro_f1", "accuracy")}
    return single | {number: (float(at["f1"][0][number]), float(at["f1"][1][number])) for number in range(classes)}


def _alike(sums: Sequence[NDArray[np.int64]], settings: Settings) -> Iterator[tuple[Floats, ...]]:
    """Chunks of resamples of every seed's sums; the same clips are drawn for all of them."""
    return zip(*(resampled(one, settings.resamples, settings.seed) for one in sums), strict=True)


def as_csv(scores: Scores) -> str:
    """One line a trained system: mean macro-F1 over the seeds, its interval and spread, then each seed's macro-F1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["system", "role", "phase", "macro_f1", "low", "high", "deviation", "lowest", "highest"]
    writer.writerow([*head, *(f"seed {seed}" for seed in scores.seeds)])
    for one in scores.systems:
        if one.spread is not None:
            ends = one.interval or ("", "")
            spread = [one.spread.deviation, one.spread.lowest, one.spread.highest, *one.spread.macro_f1]
            numbers = [one.macro_f1, *ends, *spread]
            plain = [round(value, 6) if isinstance(value, float) else value for value in numbers]
            writer.writerow([one.system, one.role, one.phase, *plain])
    return text.getvalue()
