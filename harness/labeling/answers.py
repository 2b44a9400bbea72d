"""The answers of one labelling, as they come in: votes, replies and a summary, written as the artifact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.components import OUTCOMES
from harness.documents import readable_json, write_atomically
from harness.labeling.asking import Answer, Voter
from harness.labeling.crops import AskedFace, FacesToAsk
from harness.labeling.meter import Meter
from harness.labeling.replies import ReplyWriter, row_of
from harness.labeling.votes import write_vote_columns

SUMMARY = "asking.json"


class Answers:
    """One answer a face and voter; row = position of the face x number of voters + position of the voter."""

    def __init__(self, faces: FacesToAsk, voters: Sequence[Voter], classes: int, meter: Meter) -> None:
        rows = len(faces) * len(voters)
        self.faces = faces
        self.voters = voters
        self.classes = classes
        self.meter = meter
        self.outcomes = np.zeros(rows, np.int8)
        self.labels = np.full(rows, -1, np.int16)
        self.probabilities = np.zeros(rows, np.float32)
        self.rungs = np.zeros(rows, np.int16)
        self.reasons: dict[int, str] = {}
        self.hard = [True] * len(voters)
        self.last_failure = ""

    def keep(self, row: int, face: AskedFace, voter: Voter, answer: Answer, writer: ReplyWriter) -> None:
        """One answer has come."""
        self.meter.outcomes[answer.outcome] += 1
        if answer.unanswered:
            self.meter.unanswered[answer.unanswered.kind] += 1
            self.last_failure = answer.unanswered.message
        self.outcomes[row] = OUTCOMES.index(answer.outcome)
        self.labels[row] = answer.label
        self.probabilities[row] = answer.probability if answer.label >= 0 else 0.0
        self.rungs[row] = answer.rung
        if answer.reason and answer.outcome != "label":
            self.reasons[row] = answer.reason
        if answer.replies and answer.replies[-1].logprob is not None:
            self.hard[row % len(self.voters)] = False
        writer.add(row, row_of(face, voter, answer))

    def write(self, folder: Path, labeler: str, facts: dict[str, Any]) -> None:
        """votes.parquet, and asking.json with `facts` and the counts; replies.parquet is written as answers come."""
        names, count = [voter.name for voter in self.voters], len(self.voters)
        columns: dict[str, Any] = {
            "face": np.repeat(self.faces.face, count),
            "clip": [clip for clip in self.faces.clip for _ in range(count)],
            "frame": np.repeat(self.faces.frame, count),
            "voter": names * len(self.faces),
            "outcome": [OUTCOMES[code] for code in self.outcomes],
            "label": self.labels,
            "confidence": self.probabilities,
            "explanation": [self.reasons.get(row, "") for row in range(len(self.labels))],
        }
        write_vote_columns(folder, labeler, names, self.hard, columns, self._rows())
        write_atomically(folder / SUMMARY, readable_json({**facts, **self._counts()}))

    def _rows(self) -> Any:
        """(N, C) probabilities: what the label leaves is spread over the other classes; NaN without a label."""
        rows = np.full((len(self.labels), self.classes), np.nan, np.float32)
        given = np.flatnonzero(self.labels >= 0)
        rows[given] = ((1 - self.probabilities[given]) / (self.classes - 1))[:, None]
        rows[given, self.labels[given]] = self.probabilities[given]
        return rows

    def _counts(self) -> dict[str, Any]:
        meter = self.meter
        by_voter = self.outcomes.reshape(-1, len(self.voters))
        return {
            "models": {name: count for name, count in sorted(meter.models.items()) if name},
            "faces": len(self.faces),
            "replies": meter.requests + meter.cached,
            "tokens": {
                name: getattr(meter, f"{name}_tokens") for name in ("input", "output", "cache_read", "cache_write")
            },
            "cost": meter.cost,
            "rungs": {str(rung): int(found) for rung, found in enumerate(np.bincount(self.rungs)) if found},
            "outcomes": {
                voter.name: {
                    outcome: int(found)
                    for code, outcome in enumerate(OUTCOMES)
                    if (found := (by_voter[:, number] == code).sum())
                }
                for number, voter in enumerate(self.voters)
            },
            "unanswered": dict(meter.unanswered),
        }
