"""What a reader of scores must know beside the numbers: few clips, absent classes, frames that were not decoded."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import listed
from harness.evaluation.score import Target
from harness.evaluation.scores import Settings, SystemScore

FEW_CLIPS = 10


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
