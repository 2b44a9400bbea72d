"""What a reader of scores must know beside the numbers: few clips, absent classes, frames that were not decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import listed
from harness.evaluation.score import Target
from harness.evaluation.scores import Settings, SystemScore

# clusters: fewer than FEW are rough by any method, fewer than ENOUGH by all but the studentised one; of a class in
# fewer than RARE of them many a resample has none (benchmarks/test_coverage.py)
FEW, ENOUGH, RARE = 10, 30, 4


def closeness(systems: Sequence[SystemScore], settings: Settings) -> str:
    """What can be said of systems without annotations: whose predicted classes are the nearest to the reference's."""
    if not settings.reference:
        return "set evaluation.reference_distribution to rank systems by their predicted classes without annotations"
    ranked = sorted((one for one in systems if one.divergence is not None), key=lambda one: one.divergence or 0.0)
    named = [f"{one.title} {one.divergence:.3f}" for one in ranked]
    return f"KL divergence of the predicted classes from the reference, the nearest first: {listed(named)}"


def notes(target: Target, settings: Settings, subjects: Sequence[str] = ()) -> list[str]:
    """What a reader of the scores must know about the truth and the intervals they rest on."""
    if not len(target.truth):
        return ["no frame is annotated with a class of the label space: nothing was scored"]
    found = _of_intervals(target, settings, subjects)
    absent = [name for name, frames in zip(target.classes, target.support, strict=True) if not frames]
    if absent:
        found.append(f"no annotated frame is {' or '.join(absent)}: macro-F1 counts such a class as 0")
    undecoded = int((target.position < 0).sum())
    if undecoded:
        found.append(f"{undecoded} annotated frames were not decoded; they count as unanswered")
    return found


def _of_intervals(target: Target, settings: Settings, subjects: Sequence[str]) -> list[str]:
    if settings.clusters == "frame":
        return [
            "intervals draw single frames, as if those of a clip were independent: they are far too narrow; "
            "set evaluation.clusters = 'clip'"
        ]
    unit, clusters = "clip", np.arange(len(target.clips))
    found = []
    if settings.clusters == "subject":
        if subjects:
            unit, clusters = "subject", np.unique(np.asarray(subjects), return_inverse=True)[1]
        else:
            found.append("no subject is known: intervals draw clips as if each were of a subject of its own")
    several = int(clusters.max()) + 1
    if several == 1:
        return [*found, f"one annotated {unit}: the scores have no interval"]
    if several < FEW:
        return [*found, f"{several} annotated {unit}s: intervals from so few are rough"]
    if several < ENOUGH and settings.interval != "studentised":
        found.append(
            f"{several} annotated {unit}s: {settings.interval} intervals of so few are too narrow; "
            "set evaluation.interval = 'studentised'"
        )
    rare = list(_rare(target, clusters))
    if rare:
        found.append(f"seen in few annotated {unit}s: {listed(rare)}; intervals of macro-F1 are rough")
    return found


def _rare(target: Target, clusters: NDArray[np.integer]) -> Iterator[str]:
    """Classes that occur in fewer than RARE clusters, and in how many."""
    for class_id, name in enumerate(target.classes):
        showing = len(np.unique(clusters[target.code[target.truth == class_id]]))
        if 0 < showing < RARE:
            yield f"{name} ({showing})"
