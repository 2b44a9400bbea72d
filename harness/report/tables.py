"""The numbers of a run as rows of text: scores, classes, stages, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.evaluation.scores import Calibration, Scores, SystemScore
from harness.leaderboard.record import AskingRecord, StageRecord

HEATS = 10  # shades of a heat map, beside none
PHASES = {"pre-trained": 0, "unsmoothed": 0}
Value = Callable[[SystemScore], float | None]


@dataclass(frozen=True)
class Cell:
    """A number as text, and its shade from 0 to HEATS."""

    text: str
    heat: int = 0


@dataclass(frozen=True)
class Bar:
    """Positions in percent of a common scale: the value, and the ends of its interval if there are any."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ScoreRow:
    """One system: name, role, whether it is the earlier of its two states, macro-F1 as text and bar, other values."""

    title: str
    role: str
    earlier: bool
    macro_f1: str
    interval: str
    bar: Bar | None
    values: Sequence[str]


@dataclass(frozen=True)
class ScoreTable:
    """Heads of the values that any system has; the percent at which guessing stands."""

    heads: Sequence[str]
    rows: Sequence[ScoreRow]
    chance: float | None


def decimal(value: float | None, digits: int = 3) -> str:
    """ "0.123", or a dash for what was not measured."""
    return "\u2013" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """ "12.3%", or a dash."""
    return "\u2013" if value is None else f"{value:.1%}"


def _calibrated(one: SystemScore) -> Calibration | None:
    return one.calibration if one.calibration is not None and one.calibration.frames else None


COLUMNS: Sequence[tuple[str, Value, Callable[[float | None], str]]] = (
    ("accuracy", lambda one: one.accuracy, decimal),
    ("UAR", lambda one: one.unweighted_average_recall, decimal),
    ("weighted F1", lambda one: one.weighted_f1, decimal),
    ("kappa", lambda one: one.kappa, decimal),
    ("Matthews", lambda one: one.matthews, decimal),
    ("clip macro-F1", lambda one: one.clip_macro_f1, decimal),
    ("coverage", lambda one: one.coverage, percent),
    ("refused", lambda one: one.refusal_rate, percent),
    ("changes/s", lambda one: one.changes_per_second, lambda value: decimal(value, 2)),
    ("calibration error", lambda one: found.error if (found := _calibrated(one)) else None, decimal),
    ("Brier", lambda one: found.brier_score if (found := _calibrated(one)) else None, decimal),
    ("divergence", lambda one: one.divergence, decimal),
)


def score_table(scores: Scores) -> ScoreTable:
    """Every system with its interval; columns that nobody has a value for are left out."""
    columns = [column for column in COLUMNS if any(column[1](one) is not None for one in scores.systems)]
    ends = [end for one in scores.systems for end in (one.macro_f1, *(one.interval or ())) if end is not None]
    scale = 100 / max([*ends, 0.1])

    def bar(one: SystemScore) -> Bar | None:
        if one.macro_f1 is None:
            return None
        low, high = one.interval or (None, None)
        return Bar(*(None if end is None else round(end * scale, 2) for end in (one.macro_f1, low, high)))  # type: ignore[arg-type]

    rows = [
        ScoreRow(
            one.title,
            one.role,
            one.phase in PHASES,
            decimal(one.macro_f1) + (f" \u00b1 {one.spread.deviation:.3f}" if one.spread else ""),
            f"{one.interval[0]:.3f} to {one.interval[1]:.3f}" if one.interval else "\u2013",
            bar(one),
            [shown(value(one)) for _, value, shown in columns],
        )
        for one in scores.systems
    ]
    chance = scores.chance
    return ScoreTable([head for head, _, _ in columns], rows, None if chance is None else round(chance * scale, 2))


def class_table(scores: Scores) -> list[tuple[str, list[Cell]]]:
    """(system, F1 of each class) of every system with scores."""
    return [
        (one.title, [Cell(decimal(score.f1, 2), heat(score.f1)) for score in one.per_class])
        for one in scores.systems
        if one.per_class
    ]


def share_row(counts: Sequence[float]) -> list[Cell]:
    """The shares of counts as cells; dashes where there is nothing to share."""
    total = sum(counts)
    return [Cell(f"{one / total:.0%}", heat(one / total)) if total else Cell("\u2013") for one in counts]


def heat(value: float) -> int:
    """The shade of a value in [0, 1]: 0 for nothing alone."""
    return 0 if value <= 0 else min(HEATS, int(value * HEATS) + 1)


@dataclass(frozen=True)
class StageRow:
    """A stage, or all of a kind: percent of the longest one, and texts."""

    title: str
    percent: float
    seconds: str
    memory: str
    energy: str
    cached: bool
    count: int = 1


def kinds_of_stages(stages: Sequence[StageRecord]) -> list[StageRow]:
    """All stages of a kind as one: their time together, the largest memory; in the order in which kinds come first."""
    by_kind: dict[str, list[StageRecord]] = {}
    for one in stages:
        by_kind.setdefault(one.kind, []).append(one)
    summed = [
        StageRecord(
            kind=kind,
            title=kind,
            fingerprint="",
            seconds=sum(one.seconds for one in found),
            peak_memory=max(one.peak_memory for one in found),
            cached=all(one.cached for one in found),
        )
        for kind, found in by_kind.items()
    ]
    return [replace(row, count=len(by_kind[row.title])) for row in stage_rows(summed)]


def stage_rows(stages: Sequence[StageRecord]) -> list[StageRow]:
    """Every stage in the order of the record."""
    longest = max((one.seconds for one in stages), default=0.0) or 1.0
    return [
        StageRow(
            one.title,
            round(100 * one.seconds / longest, 1),
            seconds_text(one.seconds),
            f"{one.peak_memory / 2**20:,.0f} MiB" if one.peak_memory else "\u2013",
            "" if one.energy is None else f"{one.energy / 3600:,.2f} Wh",
            one.cached,
        )
        for one in stages
    ]


def seconds_text(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def asked_row(one: AskingRecord) -> list[str]:
    """What a vision-language labeler was asked: texts in the order of ASKED."""
    answered = ", ".join(f"{name} ({count:,})" for name, count in one.models.items())
    tokens = ", ".join(f"{name} {count:,}" for name, count in one.tokens.items())
    cost = "not known" if one.cost is None else f"{one.cost:,.4f}"
    return [
        one.labeler, answered or one.model, one.prompts, f"{one.faces:,}", f"{one.replies:,}", tokens or "\u2013", cost,
    ]  # fmt: skip


ASKED = ("labeler", "model as answered (replies)", "prompts", "faces", "replies", "tokens", "cost, US dollars")


def matrices(scores: Scores) -> list[dict[str, Any]]:
    """The confusion of every system that has one, for the page's script."""
    return [
        {"title": one.title, "counts": one.confusion, "none": one.unanswered}
        for one in scores.systems
        if any(map(sum, one.confusion)) or any(one.unanswered)
    ]


@dataclass(frozen=True)
class Reliability:
    """A system's calibration: (mean probability, share right, share of the frames) of each bin."""

    title: str
    error: str
    brier: str
    frames: int
    bins: Sequence[tuple[float, float, float]]


def reliabilities(scores: Scores) -> list[Reliability]:
    """Every system with probabilities on annotated frames."""
    return [
        Reliability(
            one.title,
            decimal(one.calibration.error),
            decimal(one.calibration.brier_score),
            one.calibration.frames,
            [(total / frames, right / frames, frames / one.calibration.frames) for frames, total, right in bins],
        )
        for one in scores.systems
        if one.calibration is not None and one.calibration.frames
        for bins in [[each for each in one.calibration.bins if each[0]]]
    ]
