"""What the counts of a record decide, for filling in what earlier records lack and for finding what was edited."""

from __future__ import annotations

from typing import Any

from harness.evaluation.counts import Counts
from harness.evaluation.divergence import divergence
from harness.evaluation.score import chance_again, measured_again, refusal_rate
from harness.evaluation.scores import Scores, SystemScore


def measured(one: SystemScore, scores: Scores) -> dict[str, Any] | None:
    """The fields of a system's score of one seed that its counts, outcomes and predicted classes decide.

    None where it was scored on frames but has no counts.
    """
    reference = scores.settings.reference
    found: dict[str, Any] = {
        "divergence": divergence(one.distribution, reference) if one.distribution and reference else None,
        "refusal_rate": refusal_rate(one.outcomes),
        "spread": None,
    }
    if one.role == "reference":
        uniform = [1 / len(scores.classes)] * len(scores.classes)
        known = chance_again(scores.truth.per_class, scores.classes)
        return found | known | {"clips": len(scores.clips), "distribution": uniform}
    if not one.counts and one.frames:
        return None
    counts = Counts.from_triples(one.counts or [[]] * len(scores.clips), len(scores.classes))
    found |= measured_again(counts, scores.classes, scores.settings, scores.subjects)
    if not scores.truth.frames:
        del found["coverage"]  # it is of all decoded frames then
    return found
