"""Several trainings of the same systems with different seeds: means, and how far the seeds lie apart."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.evaluation.bootstrap import units
from harness.evaluation.calibration import pooled
from harness.evaluation.counts import Counts
from harness.evaluation.intervals import intervals
from harness.evaluation.score import METRICS
from harness.evaluation.scores import POLICIES, ClassScore, Interval, Scores, Spread, SystemScore

TRAINED = ("network", "ensemble")
MEANS = (
    "macro_f1", "accuracy", "unweighted_average_recall", "weighted_f1", "kappa", "matthews", "clip_macro_f1",
    "clip_accuracy", "coverage", "changes_per_second", "change_share", "divergence",
)  # fmt: skip


def over_seeds(by_seed: Mapping[int, Scores]) -> Scores:
    """The scores of every seed as one: means with a spread for what was trained, the first seed's for all else.

    An interval is that of the mean over the seeds: clips, drawn alike for all of them, and seeds are drawn with
    replacement (evaluation.resampling), and a note says so. Confusion, counts and correctness are the first seed's. A
    system that is not there with every seed is left out; an ensemble that smoothing did not change with some seeds
    counts as both smoothed and unsmoothed there.
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
    note = (
        f"scores of what was trained are means over {len(every)} seeds; their intervals draw "
        f"{first.settings.clusters}s and seeds with replacement"
    )
    return first.model_copy(update={"systems": systems, "seeds": list(by_seed), "notes": [*first.notes, note]})


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
    ends = _intervals(found, scores)
    means["interval"], means["accuracy_interval"] = ends.get("macro_f1"), ends.get("accuracy")
    policies = {policy: _mean([one.by_policy.get(policy) for one in found]) for policy in POLICIES}
    means["by_policy"] = {policy: value for policy, value in policies.items() if value is not None}
    calibrations = [one.calibration for one in found if one.calibration is not None]
    means["calibration"] = pooled(calibrations) if len(calibrations) == len(found) else None
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


def _intervals(found: Sequence[SystemScore], scores: Scores) -> dict[str | int, Interval]:
    """95% intervals of the means over seeds: of macro-F1, of accuracy, and of each class's F1 by its id."""
    settings, classes = scores.settings, len(scores.classes)
    if not all(one.counts for one in found):
        return {}
    counts = [Counts.from_triples(one.counts, classes) for one in found]
    drawn = [units(one, settings.unanswered, settings.clusters, scores.subjects) for one in counts]
    if len({one.sums.shape for one in drawn}) > 1 or min(len(one) for one in drawn) < 2:
        return {}
    ends = intervals(drawn, METRICS, settings.resamples, settings.seed, settings.interval)
    single = {name: (float(ends[name][0]), float(ends[name][1])) for name in ("macro_f1", "accuracy")}
    low, high = ends["f1"]
    return single | {number: (float(low[number]), float(high[number])) for number in range(classes)}


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
