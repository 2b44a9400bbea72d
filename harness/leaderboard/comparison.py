"""Systems of runs against a first one, from their records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.evaluation.correctness import unpacked
from harness.evaluation.holm import holm
from harness.evaluation.items import unlike
from harness.evaluation.mcnemar import McNemar, mcnemar
from harness.evaluation.pairs import Difference, compare
from harness.leaderboard.evidence import Basis, Evidence
from harness.leaderboard.picked import Picked

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rival:
    """A system and its differences, itself minus the reference, by metric; mcnemar None where what became of each frame
    is not known, where scores are means over seeds, and where the records have the clips in another order.

    adjusted: by metric, p after Holm's correction over all rivals and, of a metric a class, over all classes; p is that
    of the permutation test, or of the interval (Student's t) where there is none.
    """

    picked: Picked
    differences: dict[str, Difference]
    mcnemar: McNemar | None
    adjusted: dict[str, Floats]


@dataclass(frozen=True)
class Comparison:
    """clusters: what is drawn and swapped ("clip", "subject"), units how many, frames how many are scored."""

    reference: Picked
    rivals: tuple[Rival, ...]
    classes: tuple[str, ...]
    clusters: str
    units: int
    frames: int


def compared(picks: Sequence[Picked], *, resamples: int = 10_000, seed: int = 0) -> Comparison:
    """Compare systems with the first one; DataError if they were not scored on the same items, or on one clip only."""
    reference, evidence = picks[0], Evidence()
    sums, basis = _sums(evidence, reference)
    rivals = []
    for picked in picks[1:]:
        own, other = _sums(evidence, picked)
        _require_alike(reference, basis, picked, other)
        if sums.shape[1] < 2:
            raise DataError(
                f"{reference.title!r} and {picked.title!r} were scored on one {basis.clusters}: that is one "
                "observation, however many frames it has, and no difference can be tested on it"
            )
        found = compare(own, sums, resamples=resamples, seed=seed)
        rivals.append((picked, found, _mcnemar(reference, picked)))
    adjusted = _adjusted([found for _, found, _ in rivals])
    return Comparison(
        reference=reference,
        rivals=tuple(Rival(*one, values) for one, values in zip(rivals, adjusted, strict=True)),
        classes=tuple(reference.record.scores.classes),
        clusters=basis.clusters,
        units=sums.shape[1],
        frames=reference.score.frames,
    )


def p_value(difference: Difference) -> Floats:
    """The p to go by: of the permutation test, or of the interval where systems cannot be swapped."""
    return np.where(np.isnan(difference.permutation), difference.student, difference.permutation)


def _adjusted(found: Sequence[dict[str, Difference]]) -> list[dict[str, Floats]]:
    families = {name: holm(np.stack([p_value(one[name]) for one in found])) for name in found[0]}
    return [{name: np.asarray(family[place]) for name, family in families.items()} for place in range(len(found))]


def _sums(evidence: Evidence, picked: Picked) -> tuple[NDArray[np.int64], Basis]:
    found = evidence.of(picked.record, picked.score)
    if found is None:
        raise DataError(
            f"{picked.title!r}: its record holds no counts per clip that its score follows from; run it again"
        )
    return found[0], evidence.bases[found[1]]


def _require_alike(reference: Picked, basis: Basis, picked: Picked, other: Basis) -> None:
    titles = f"{reference.title!r} and {picked.title!r}"
    spaces = [(one.record.scores.label_space, one.record.scores.classes) for one in (reference, picked)]
    if spaces[0] != spaces[1]:
        raise DataError(f"{titles} are of other classes ({spaces[0][0]}, {spaces[1][0]}): nothing can be compared")
    found = unlike(basis.items, other.items)
    if found:
        parts = [
            (len(found.first_only), "only of the first"),
            (len(found.second_only), "only of the second"),
            (len(found.changed), "of both with other frames or annotations"),
        ]
        clips = ", ".join(f"{number} {what}" for number, what in parts if number)
        raise DataError(
            f"{titles} were scored on other items: at least {found.least_frames:,} of {found.frames:,} frames differ "
            f"(clips: {clips}); compare systems of the same data that were asked about the same frames"
        )
    if basis.data != other.data:
        raise DataError(f"{titles} have records that do not say which frames were annotated, and their data differ")
    for what, one, two in (
        ("unanswered", basis.unanswered, other.unanswered),
        ("clusters", basis.clusters, other.clusters),
    ):
        if one != two:
            raise DataError(f"{titles} have evaluation.{what} = {one!r} and {two!r}; score them alike to compare them")
    if basis.subjects != other.subjects:
        raise DataError(f"{titles} see other subjects in the same clips; score them with the same list of subjects")


def _mcnemar(reference: Picked, picked: Picked) -> McNemar | None:
    scores = reference.score, picked.score
    if any(one.spread is not None or not one.correctness for one in scores):
        return None
    if reference.record.scores.clips != picked.record.scores.clips:  # frames are told by their place alone
        return None
    first, second = unpacked(picked.score.correctness), unpacked(reference.score.correctness)
    return mcnemar(first, second, reference.record.scores.settings.unanswered)
