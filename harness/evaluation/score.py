"""One system's predictions on the annotated frames -> its scores with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import listed
from harness.evaluation import metrics
from harness.evaluation.bootstrap import intervals
from harness.evaluation.counts import Counts, count
from harness.evaluation.divergence import divergence, shares
from harness.evaluation.flicker import flicker
from harness.evaluation.scores import ClassScore, Interval, Role, Settings, SystemScore

FEW_CLIPS = 10
METRICS = {"macro_f1": metrics.macro_f1, "f1": metrics.f1, "accuracy": metrics.accuracy}


@dataclass(frozen=True)
class Target:
    """The frames to score on.

    clip, time: of the F decoded frames, in order; clips: names of the K annotated clips. The M annotated frames:
    truth (M,) class ids, code (M,) position among `clips`, position (M,) among the decoded frames, -1 for an annotated
    frame that was not decoded.
    """

    classes: tuple[str, ...]
    clip: NDArray[Any]
    time: NDArray[np.float64]
    clips: tuple[str, ...]
    truth: NDArray[np.int64]
    code: NDArray[np.int64]
    position: NDArray[np.int64]

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
    """labels (F,) class ids of the decoded frames, -1 none; asked (F,) False where the system was never asked."""

    name: str
    role: Role
    labels: NDArray[np.int64]
    phase: str = ""
    asked: NDArray[np.bool_] | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)


def score_system(system: System, target: Target, settings: Settings) -> SystemScore:
    """All scores of one system; frames that it was never asked about are left out."""
    asked = np.ones(len(system.labels), bool) if system.asked is None else system.asked
    truth = np.where(target.on_frames(asked, True), target.truth, -1)
    counts = count(target.code, truth, target.on_frames(system.labels, -1), len(target.clips), len(target.classes))
    present = counts.present()
    motion = flicker(target.clip, target.time, system.labels)
    decoded = float((system.labels[asked] >= 0).mean()) if asked.any() else None
    predicted = shares(system.labels, len(target.classes))
    return SystemScore(
        system=system.name,
        role=system.role,
        phase=system.phase,
        coverage=counts.coverage if len(target.truth) else decoded,
        frames=counts.frames,
        clips=len(present.confusion),
        changes_per_second=motion.per_second,
        change_share=motion.share,
        confusion=counts.confusion.sum(axis=0).tolist(),
        unanswered=counts.unanswered.sum(axis=0).tolist(),
        counts=counts.triples(),
        outcomes=dict(system.outcomes),
        distribution=predicted,
        divergence=_divergence(predicted, settings),
        **_measured(present, target.classes, settings),
    )


def _divergence(predicted: Sequence[float], settings: Settings) -> float | None:
    return divergence(predicted, settings.reference) if predicted and settings.reference else None


def _measured(counts: Counts, classes: Sequence[str], settings: Settings) -> dict[str, Any]:
    per_clip = counts.sums(settings.unanswered)
    sums = per_clip.sum(axis=0)
    if not sums[1].sum():
        return {"macro_f1": None, "accuracy": None, "unweighted_average_recall": None}
    # of one clip every resample is that clip: an interval would be a point and say that all is certain
    ends = intervals(per_clip, METRICS, settings.resamples, settings.seed) if len(per_clip) > 1 else {}
    return {
        "macro_f1": float(metrics.macro_f1(sums)),
        "interval": _interval(ends.get("macro_f1")),
        "accuracy": float(metrics.accuracy(sums)),
        "accuracy_interval": _interval(ends.get("accuracy")),
        "unweighted_average_recall": float(metrics.unweighted_average_recall(sums)),
        "per_class": _per_class(sums, classes, ends.get("f1")),
    }


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
    sums = metrics.chance(target.support.astype(np.float64))
    uniform = [1 / len(target.classes)] * len(target.classes)
    return SystemScore(
        system="chance (uniform guessing)",
        role="reference",
        macro_f1=float(metrics.macro_f1(sums)),
        accuracy=float(metrics.accuracy(sums)),
        unweighted_average_recall=float(metrics.unweighted_average_recall(sums)),
        coverage=1.0,
        frames=len(target.truth),
        clips=len(target.clips),
        per_class=_per_class(sums, target.classes, None),
        distribution=uniform,
        divergence=_divergence(uniform, settings),
    )


def _interval(ends: Any) -> Interval | None:
    return None if ends is None else (float(ends[0]), float(ends[1]))


def closeness(systems: Sequence[SystemScore], settings: Settings) -> str:
    """What can be said of systems without annotations: whose predicted classes are the nearest to the reference's."""
    if not settings.reference:
        return "set evaluation.reference_distribution to rank systems by their predicted classes without annotations"
    ranked = sorted((one for one in systems if one.divergence is not None), key=lambda one: one.divergence or 0.0)
    named = [f"{one.title} {one.divergence:.3f}" for one in ranked]
    return f"KL divergence of the predicted classes from the reference, the nearest first: {listed(named)}"


def notes(target: Target) -> list[str]:
    """What a reader of the scores must know about the truth they rest on."""
    found = []
    if not len(target.truth):
        return ["no frame is annotated with a class of the label space: nothing was scored"]
    if len(target.clips) == 1:
        found.append("one annotated clip: the scores have no interval")
    elif len(target.clips) < FEW_CLIPS:
        found.append(f"{len(target.clips)} annotated clips: intervals from so few are rough")
    absent = [name for name, frames in zip(target.classes, target.support, strict=True) if not frames]
    if absent:
        found.append(f"no annotated frame is {' or '.join(absent)}: macro-F1 counts such a class as 0")
    undecoded = int((target.position < 0).sum())
    if undecoded:
        found.append(f"{undecoded} annotated frames were not decoded; they count as unanswered")
    return found
