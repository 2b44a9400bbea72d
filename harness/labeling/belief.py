"""How far a face's label is believed: the agreement of its voters, or the label's probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.labeling.combine import Combined

Rule = Literal["probability", "agreement"]
AUTOMATIC: dict[Rule, float] = {"agreement": 1.0, "probability": 0.5}  # agreement: "both prompts agree", as the paper's


@dataclass(frozen=True)
class Belief:
    """confidence (N,) float32 in [0, 1] of each face's label, 0 without one; confident (N,): a label that reaches the
    threshold. rule: what the confidence is; automatic: the threshold was not given."""

    rule: Rule
    threshold: float
    automatic: bool
    confidence: NDArray[np.float32]
    confident: NDArray[np.bool_]


def belief(votes: Combined, confidence: Literal["auto", "probability", "agreement"], threshold: float | None) -> Belief:
    """Which labels are believed.

    agreement    of the voters asked of a face, the share whose own label is the decision; who refused, or could not be
                 understood, was asked and does not agree
    probability  the aggregator's probability of the label
    auto         agreement if there are several voters and all are hard, else probability
    threshold    None: 1 for agreement, 0.5 for probability
    """
    rule: Rule = confidence if confidence != "auto" else _automatic(votes)
    values = _agreement(votes) if rule == "agreement" else _probability(votes)
    least = AUTOMATIC[rule] if threshold is None else float(threshold)
    # compared as float32 on both sides, so that a confidence of 0.35 reaches a threshold of 0.35
    return Belief(rule, least, threshold is None, values, votes.labelled & (values >= np.float32(least)))


def _automatic(votes: Combined) -> Rule:
    return "agreement" if votes.hard and len(votes.labels) > 1 else "probability"


def _agreement(votes: Combined) -> NDArray[np.float32]:
    return (votes.agreeing / votes.asked).astype(np.float32)


def _probability(votes: Combined) -> NDArray[np.float32]:
    labelled = votes.labelled
    rows = np.arange(len(labelled))
    chosen = votes.probabilities[rows, np.where(labelled, votes.frame["label"].to_numpy(), 0)]
    return np.where(labelled, chosen, 0).astype(np.float32)
