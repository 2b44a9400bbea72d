"""What a row of a leaderboard rests on: sums per clip made from the counts in its record, and what it was scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.evaluation import metrics
from harness.evaluation.bootstrap import Clusters, units
from harness.evaluation.counts import Counts
from harness.evaluation.items import Items
from harness.evaluation.scores import Scores, SystemScore
from harness.leaderboard.record import Record
from harness.leaderboard.shape import counted

CLOSE = 1e-6  # a score and what its counts give may differ by rounding


@dataclass(frozen=True)
class Basis:
    """What rows must share to be compared: items, how unanswered frames count, what is resampled, the data (its
    fingerprint where records do not say which frames were annotated), and, where subjects are resampled, for each clip
    by name the number of the first one with the same subject."""

    items: Items
    unanswered: str
    clusters: str
    data: str
    subjects: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Equal for what can be compared, whatever the order of the clips."""
        together = "".join(f"-{one}" for one in self.subjects)
        return f"{self.items.fingerprint}-{self.unanswered}-{self.clusters}-{self.data}{together}"


@dataclass
class Evidence:
    """Makes sums of counts; remembers every basis that it met, by digest."""

    bases: dict[str, Basis] = field(default_factory=dict)
    _digests: dict[tuple[object, ...], str] = field(default_factory=dict)

    def of(self, record: Record, one: SystemScore) -> tuple[NDArray[np.int64], str] | None:
        """(sums (S, K, 3, C), digest of the basis) of a system; None if there are no counts that its score follows
        from, or if its seeds were scored on different items."""
        several = _each_seed(record, one) if one.spread else [(record.scores, one)]
        found = [self._of(record, scores, score) for scores, score in several]
        known = [each for each in found if each is not None]
        if not known or len(known) < len(found) or len({digest for _, digest in known}) > 1:
            return None
        sums = np.stack([each for each, _ in known])
        value = float(metrics.macro_f1(sums.sum(axis=1)).mean())
        return (sums, known[0][1]) if abs(value - (one.macro_f1 or 0.0)) < CLOSE else None

    def _of(self, record: Record, scores: Scores, one: SystemScore) -> tuple[NDArray[np.int64], str] | None:
        counts = counted(one.counts, len(scores.clips), len(scores.classes))
        if counts is None:
            return None
        order = np.argsort(np.asarray(scores.clips))  # the clips of every row in one order
        counts = Counts(counts.confusion[order], counts.unanswered[order])
        # frames are no clusters: a table compares by clips what was resampled by frames
        clusters: Clusters = "subject" if scores.settings.clusters == "subject" and scores.subjects else "clip"
        subjects = [scores.subjects[place] for place in order] if clusters == "subject" else []
        drawn = units(counts, scores.settings.unanswered, clusters, subjects)
        together = tuple(subjects.index(one) for one in subjects)
        return drawn.sums, self._digest(record, scores, counts, order.tolist(), (clusters, together))

    def _digest(
        self, record: Record, scores: Scores, counts: Counts, order: Sequence[int], drawn: tuple[str, tuple[int, ...]]
    ) -> str:
        data = "" if scores.items else " ".join(sorted(one.fingerprint for one in record.data if one.role == "target"))
        frames = counts.confusion.sum(axis=2) + counts.unanswered
        policy = scores.settings.unanswered
        same = (tuple(scores.clips), tuple(scores.items), frames.tobytes(), policy, *drawn, data)
        if same not in self._digests:
            digests = [scores.items[place] for place in order] if scores.items else []
            items = Items.of(counts, [scores.clips[place] for place in order], digests)
            basis = Basis(items, policy, drawn[0], data, drawn[1])
            self._digests[same] = basis.digest
            self.bases.setdefault(basis.digest, basis)
        return self._digests[same]


def _each_seed(record: Record, one: SystemScore) -> list[tuple[Scores, SystemScore]]:
    """The scores of a system with each of its seeds; an ensemble that smoothing left as it was is smoothed too."""
    found = []
    for each in record.by_seed:
        same = {
            other.phase: other for other in each.scores.systems if (other.system, other.role) == (one.system, one.role)
        }
        score = same.get(one.phase) or (same.get("") if one.role == "ensemble" else None)
        if score is not None:
            found.append((each.scores, score))
    return found if one.spread and len(found) == len(one.spread.seeds) else []
