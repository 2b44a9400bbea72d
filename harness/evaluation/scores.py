"""The scores of a run as data: what the stage `score` writes, records keep and leaderboards show."""

from __future__ import annotations

import csv
import io
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float, float]
Policy = Literal["wrong", "excluded"]
POLICIES: tuple[Policy, ...] = ("wrong", "excluded")
Role = Literal["labeler", "network", "ensemble", "reference"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClassScore(_Data):
    """One class: metrics in [0, 1], the 95% interval of its F1, frames of the class and frames predicted as it."""

    name: str
    precision: float
    recall: float
    f1: float
    interval: Interval | None
    support: float
    predicted: float


class Spread(_Data):
    """Macro-F1 of several seeds: each one's in their order, sample standard deviation, lowest, highest."""

    seeds: list[int]
    macro_f1: list[float]
    deviation: float
    lowest: float
    highest: float


class Calibration(_Data):
    """What a system's probabilities are worth: bins of equal width over [0, 1] by the predicted class's probability,
    each (frames, sum of these probabilities, right ones); brier: sum over the frames of the squared distance of the
    probabilities from the truth; frames: annotated ones with probabilities. ECE and Brier score follow from these."""

    bins: list[tuple[int, float, int]]
    brier: float
    frames: int

    @property
    def error(self) -> float:
        """Expected calibration error: mean over the frames of |accuracy - mean confidence| of their bin (Naeini et al.
        2015, Guo et al. 2017)."""
        return sum(abs(right - confidence) for _, confidence, right in self.bins) / self.frames

    @property
    def brier_score(self) -> float:
        """Mean over the frames of the squared distance from the truth, in [0, 2] (Brier 1950)."""
        return self.brier / self.frames


class SystemScore(_Data):
    """One system on one target; metrics in [0, 1] (kappa and Matthews in [-1, 1]), None where nothing was measured.

    phase: which state of a network or ensemble ("pre-trained", "fine-tuned", "unsmoothed", "smoothed"), of a labeler
    "all faces" where the maximum over a frame's faces judges it, or "".
    frames, clips: scored ones; coverage: share of these frames with a prediction. confusion: rows are true classes,
    columns predicted ones; unanswered: per true class. counts: per clip of Scores.clips the (true class, predicted
    class or -1, frames) that occur, from which every score here can be computed again by evaluation.score's
    measured_again. outcomes: of a labeler's requests, by name; refusal_rate: share of them that were refused.
    by_policy: macro-F1 with unanswered frames wrong, and excluded. clip_*: of clips instead of frames, each clip by
    the class that most of its frames have (evaluation.clips). correctness: what became of every annotated frame, by
    clip and frame (evaluation.correctness), for tests on pairs. spread: set where metrics are means over several
    seeds; confusion, unanswered, counts and correctness are then the first seed's, calibration of all seeds' frames
    together, and intervals those of the mean.
    """

    system: str
    role: Role
    phase: str = ""
    macro_f1: float | None
    interval: Interval | None = None
    accuracy: float | None
    accuracy_interval: Interval | None = None
    unweighted_average_recall: float | None
    weighted_f1: float | None = None
    kappa: float | None = None
    matthews: float | None = None
    clip_macro_f1: float | None = None
    clip_accuracy: float | None = None
    by_policy: dict[Policy, float] = {}
    coverage: float | None
    refusal_rate: float | None = None
    frames: int
    clips: int
    changes_per_second: float | None = None
    change_share: float | None = None
    per_class: list[ClassScore] = []
    confusion: list[list[int]] = []
    unanswered: list[int] = []
    counts: list[list[tuple[int, int, int]]] = []
    outcomes: dict[str, int] = {}
    distribution: list[float] = []
    divergence: float | None = None
    calibration: Calibration | None = None
    correctness: str = ""
    spread: Spread | None = None

    @property
    def title(self) -> str:
        """The system's name with the state it was scored in."""
        return self.system + (f" ({self.phase})" if self.phase else "")


class TruthFacts(_Data):
    """The annotated frames: how many, in how many clips, of which classes, how often the label changes."""

    frames: int
    clips: int
    per_class: list[int]
    changes_per_second: float | None = None


class Settings(_Data):
    """How the scores were computed. reference: class shares in id order that divergences are from; empty: none.

    clusters: what is drawn with replacement for an interval; interval: how its ends are taken from the resamples
    (evaluation.intervals).
    """

    unanswered: Policy
    resamples: int = Field(ge=1, le=1_000_000)
    seed: int = Field(ge=0)
    level: float = Field(0.95, gt=0, lt=1)
    macro_f1: str = "mean F1 of all classes of the label space; a class in neither truth nor predictions counts 0"
    clusters: Literal["clip", "subject", "frame"] = "clip"
    interval: Literal["percentile", "bca", "studentised"] = "percentile"
    reference: list[float] = []


class Scores(_Data):
    """The scores of every system of a run. notes: what a reader must know, e.g. that there are few clips; seeds: where
    they are means over several.

    clips: names of the annotated clips; subjects: who is seen in each (empty: not known); items: of each a digest of
    its annotated frames and their classes, so that two runs can tell whether they were scored on the same.
    """

    label_space: str
    classes: list[str]
    truth: TruthFacts
    settings: Settings
    notes: list[str] = []
    clips: list[str] = []
    subjects: list[str] = []
    items: list[str] = []
    systems: list[SystemScore] = []
    seeds: list[int] = []

    @property
    def chance(self) -> float | None:
        """Macro-F1 of uniform random guessing on this truth."""
        return next((one.macro_f1 for one in self.systems if one.role == "reference"), None)


COLUMNS = (
    "macro_f1", "accuracy", "unweighted_average_recall", "weighted_f1", "kappa", "matthews", "clip_macro_f1",
    "clip_accuracy", "coverage", "refusal_rate", "frames", "clips", "changes_per_second", "divergence",
)  # fmt: skip


def as_csv(scores: Scores) -> str:
    """One line a system: its metrics, the F1 of each class, its share of the predicted frames; empty where none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = scores.classes
    heads = [f"{kind} {name}" for kind in ("f1", "share") for name in classes]
    policies = [f"macro_f1_unanswered_{policy}" for policy in POLICIES]
    ends = ["macro_f1_low", "macro_f1_high"]
    extra = [*policies, "calibration_error", "brier_score"]
    writer.writerow(["system", "role", "phase", *ends, *COLUMNS, *extra, *heads])
    for one in scores.systems:
        values = one.model_dump(include=set(COLUMNS))
        row = [*(one.interval or (None, None)), *(values[name] for name in COLUMNS)]
        row += [one.by_policy.get(policy) for policy in POLICIES]
        row += [one.calibration.error, one.calibration.brier_score] if one.calibration else [None, None]
        row += [score.f1 for score in one.per_class] or [None] * len(classes)
        row += one.distribution or [None] * len(classes)
        writer.writerow([one.system, one.role, one.phase, *map(_plain, row)])
    return text.getvalue()


def _plain(value: Any) -> Any:
    return "" if value is None else round(value, 6) if isinstance(value, float) else value
