"""One system's predictions on the annotated frames -> its scores with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation import metrics
from harness.evaluation.bootstrap import Metric, units
from harness.evaluation.calibration import calibration
from harness.evaluation.clips import of_clips
from harness.evaluation.correctness import codes, packed
from harness.evaluation.counts import Counts, count
from harness.evaluation.divergence import divergence, shares
from harness.evaluation.flicker import flicker
from harness.evaluation.intervals import intervals
from harness.evaluation.ratios import ACCURACY, F1, MACRO_F1, Ratios
from harness.evaluation.scores import (
    POLICIES,
    Calibration,
    ClassScore,
    Interval,
    Policy,
    Role,
    Settings,
    SystemScore,
)

METRICS: Mapping[str, Ratios] = {"macro_f1": MACRO_F1, "f1": F1, "accuracy": ACCURACY}
SINGLE: Mapping[str, Metric] = {
    "macro_f1": metrics.macro_f1,
    "accuracy": metrics.accuracy,
    "unweighted_average_recall": metrics.unweighted_average_recall,
    "weighted_f1": metrics.weighted_f1,
    "kappa": metrics.kappa,
    "matthews": metrics.matthews,
}
REFUSED = ("refused_text", "refused_provider")


@dataclass(frozen=True)
class Target:
    """The frames to score on.

    clip, time: of the F decoded frames, in order; clips: names of the K annotated clips. The M annotated frames,
    by clips and frames: truth (M,) class ids, code (M,) position among `clips`, position (M,) among the decoded frames,
    -1 for an annotated frame that was not decoded, frame (M,) number in its clip, empty if not known.
    """

    classes: tuple[str, ...]
    clip: NDArray[Any]
    time: NDArray[np.float64]
    clips: tuple[str, ...]
    truth: NDArray[np.int64]
    code: NDArray[np.int64]
    position: NDArray[np.int64]
    frame: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def support(self) -> NDArray[np.int64]:
        """(C,) annotated frames of each class."""
        return np.bincount(self.truth, minlength=len(self.classes))

    def on_frames(self, values: NDArray[Any], absent: Any) -> NDArray[Any]:
        """(F,) values of decoded frames -> (M,) values of annotated frames, `absent` where it was not decoded."""
        if not len(values):
            return np.full(len(self.position), absent)
        return np.where(self.position >= 0, values[self.position], absent)


@dataclass(frozen=True)
class System:
    """labels (F,) class ids of the decoded frames, -1 none; asked (F,) False where the system was never asked;
    probabilities (F, C), rows of NaN where there are none."""

    name: str
    role: Role
    labels: NDArray[np.int64]
    phase: str = ""
    asked: NDArray[np.bool_] | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    probabilities: NDArray[np.float32] | None = None


def score_system(system: System, target: Target, settings: Settings, subjects: Sequence[str] = ()) -> SystemScore:
    """All scores of one system; frames that it was never asked about are left out. subjects: one a clip, or none."""
    asked = np.ones(len(system.labels), bool) if system.asked is None else system.asked
    was_asked, labels = target.on_frames(asked, True), target.on_frames(system.labels, -1)
    truth = np.where(was_asked, target.truth, -1)
    counts = count(target.code, truth, labels, len(target.clips), len(target.classes))
    motion = flicker(target.clip, target.time, system.labels)
    predicted = shares(system.labels, len(target.classes))
    measured = measured_again(counts, target.classes, settings, subjects)
    if not len(target.truth):
        measured["coverage"] = float((system.labels[asked] >= 0).mean()) if asked.any() else None
    return SystemScore(
        system=system.name,
        role=system.role,
        phase=system.phase,
        changes_per_second=motion.per_second,
        change_share=motion.share,
        counts=counts.triples(),
        outcomes=dict(system.outcomes),
        refusal_rate=refusal_rate(system.outcomes),
        distribution=predicted,
        divergence=_divergence(predicted, settings),
        calibration=_calibration(system, target, labels, truth),
        correctness=packed(codes(labels, target.truth, was_asked)) if len(truth) else "",
        **measured,
    )


def _calibration(system: System, target: Target, labels: NDArray[Any], truth: NDArray[Any]) -> Calibration | None:
    if system.probabilities is None or not len(system.labels):
        return None
    decoded = target.position >= 0
    rows = system.probabilities[target.position[decoded]]
    try:
        return calibration(rows, labels[decoded], truth[decoded])
    except DataError as error:
        raise DataError(f"{system.name}{f' ({system.phase})' if system.phase else ''}: {error}") from error


def refusal_rate(outcomes: Mapping[str, int]) -> float | None:
    """Share of a labeler's requests that it or its provider refused; None without requests."""
    asked = sum(outcomes.values())
    return sum(outcomes.get(name, 0) for name in REFUSED) / asked if asked else None


def _divergence(predicted: Sequence[float], settings: Settings) -> float | None:
    return divergence(predicted, settings.reference) if predicted and settings.reference else None


def measured_again(
    counts: Counts, classes: Sequence[str], settings: Settings, subjects: Sequence[str] = ()
) -> dict[str, Any]:
    """All fields of a SystemScore that its counts decide, intervals among them: what the stage wrote, and what anyone
    can compute again from a record.

    counts: of the K clips of Scores.clips; classes: names in id order; subjects: one a clip, or none.
    """
    present = counts.present()
    sums = present.sums(settings.unanswered).sum(axis=0)
    clips = of_clips(present).sums(settings.unanswered).sum(axis=0)
    ends = _ends(counts, settings, subjects) if sums[1].sum() else {}
    return {
        **{name: _value(metric, sums) for name, metric in SINGLE.items()},
        "clip_macro_f1": _value(metrics.macro_f1, clips),
        "clip_accuracy": _value(metrics.accuracy, clips),
        "interval": _interval(ends.get("macro_f1")),
        "accuracy_interval": _interval(ends.get("accuracy")),
        "by_policy": _by_policy(counts),
        "coverage": counts.coverage,
        "frames": counts.frames,
        "clips": len(present.confusion),
        "per_class": _per_class(sums, classes, ends.get("f1")) if sums[1].sum() else [],
        "confusion": counts.confusion.sum(axis=0).tolist(),
        "unanswered": counts.unanswered.sum(axis=0).tolist(),
    }


def _value(metric: Metric, sums: NDArray[Any]) -> float | None:
    """None where no frame counts, or the metric is not defined."""
    value = float(metric(sums)) if sums[1].sum() else nan
    return None if isnan(value) else value


def _by_policy(counts: Counts) -> dict[Policy, float]:
    """Macro-F1 under each policy; without "excluded" where no frame is answered, empty where none is scored."""
    sums = {policy: counts.sums(policy).sum(axis=0) for policy in POLICIES}
    return {policy: float(metrics.macro_f1(one)) for policy, one in sums.items() if one[1].sum()}


def _ends(counts: Counts, settings: Settings, subjects: Sequence[str]) -> Mapping[str, tuple[Any, Any]]:
    drawn = units(counts, settings.unanswered, settings.clusters, subjects)
    # of one unit every resample is that one: an interval would be a point and say that all is certain
    return intervals([drawn], METRICS, settings.resamples, settings.seed, settings.interval) if len(drawn) > 1 else {}


def _per_class(sums: NDArray[Any], classes: Sequence[str], ends: Any) -> list[ClassScore]:
    columns = [metrics.precision(sums), metrics.recall(sums), metrics.f1(sums), sums[1], sums[2]]
    names = ("precision", "recall", "f1", "support", "predicted")
    return [
        ClassScore(
            name=label,
            interval=_interval((ends[0][number], ends[1][number])) if ends is not None else None,
            **{name: float(column[number]) for name, column in zip(names, columns, strict=True)},
        )
        for number, label in enumerate(classes)
    ]


def chance_score(target: Target, settings: Settings) -> SystemScore:
    """Uniform random guessing, in the limit of many frames (metrics.chance): the row that others are seen against."""
    uniform = [1 / len(target.classes)] * len(target.classes)
    return SystemScore(
        system="chance (uniform guessing)",
        role="reference",
        clips=len(target.clips),
        distribution=uniform,
        divergence=_divergence(uniform, settings),
        **chance_again(target.support, target.classes),
    )


def chance_again(per_class: Sequence[int] | NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """The fields of the row of chance that the annotated frames of each class (TruthFacts.per_class) decide."""
    sums = metrics.chance(np.asarray(per_class, np.float64))
    values = {name: _value(metric, sums) for name, metric in SINGLE.items()}
    return {
        **values,
        "by_policy": dict.fromkeys(POLICIES, values["macro_f1"]),
        "coverage": 1.0,
        "frames": int(np.sum(per_class)),
        "per_class": _per_class(sums, classes, None),
    }


def _interval(ends: Any) -> Interval | None:
    return None if ends is None else (float(ends[0]), float(ends[1]))
