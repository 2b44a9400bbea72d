"""Every score of a record, computed again from the counts per clip that it holds, beside what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from harness.errors import DataError
from harness.evaluation.bootstrap import LEVEL
from harness.evaluation.correctness import NOT_ASKED, RIGHT, UNANSWERED, WRONG, unpacked
from harness.evaluation.scores import Calibration, Scores, Settings, SystemScore
from harness.evaluation.spread import over_seeds
from harness.leaderboard.measure import measured
from harness.leaderboard.record import Record

EXACT = 1e-9  # of numbers up to 1; larger ones may differ by this share
# Another version of numpy may draw other clips. An end of a percentile interval from R resamples has a standard error
# of sqrt(p (1 - p) / R) / density, for a normal distribution 0.68 widths of the interval / sqrt(R), and two such ends
# are sqrt(2) times as far apart: five such errors are allowed. The F1 of one class in few clips jumps from value to
# value: with another numpy its interval is not compared.
REDRAWN = 5 * 0.68 * sqrt(2)
FIXED = ("level", "macro_f1")  # settings that say what the code does


def wrong_numbers(record: Record) -> Iterator[str]:
    """What does not follow from the counts, one line each: where, what is filed, what should be."""
    exact = record.packages.get("numpy") == np.__version__
    if not record.by_seed:
        yield from _of_scores(record.scores, exact)
        if record.scores.seeds:
            yield f"scores.seeds: {len(record.scores.seeds)} are named, and by_seed has none"
        return
    for one in record.by_seed:
        yield from (f"seed {one.seed}: {text}" for text in _of_scores(one.scores, exact))
    try:
        means = over_seeds({one.seed: one.scores for one in record.by_seed})
    except (ValueError, ArithmeticError) as error:
        yield f"by_seed: no mean over these seeds can be computed ({error})"
        return
    stored, again = ({one.title: one for one in scores.systems} for scores in (record.scores, means))
    for name in sorted(stored.keys() ^ again.keys()):
        yield f"system {name!r}: is {'not ' if name in again else ''}in the means, and by_seed says otherwise"
    for name in (one for one in stored if one in again):
        yield from (f"system {name!r}: {text}" for text in _apart(stored[name], again[name], record.scores, exact))
    for name in ("label_space", "classes", "truth", "settings", "clips", "subjects", "items", "seeds"):
        if getattr(record.scores, name) != getattr(means, name):
            yield f"scores.{name}: is not what by_seed has"


def _of_scores(scores: Scores, exact: bool) -> Iterator[str]:
    yield from _facts(scores)
    for one in scores.systems:
        again = measured(one, scores)
        found = [*_apart(one, again, scores, exact)] if again else ["has scores without counts per clip"]
        found += [*_correctness(one, scores), *_calibration(one), *_ranges(one)]
        yield from (f"system {one.title!r}: {text}" for text in found)


def _apart(one: SystemScore, again: SystemScore | Mapping[str, Any], scores: Scores, exact: bool) -> Iterator[str]:
    names = SystemScore.model_fields if isinstance(again, SystemScore) else again
    for name in names:
        value = getattr(again, name) if isinstance(again, SystemScore) else again[name]
        resamples = None if exact else scores.settings.resamples
        yield from _differences(name, getattr(one, name), value, resamples)


def _differences(where: str, stored: Any, again: Any, resamples: int | None) -> Iterator[str]:
    if stored == again and type(stored) is type(again):
        return
    if isinstance(stored, BaseModel) and isinstance(again, BaseModel):
        for name in type(again).model_fields:
            yield from _differences(f"{where}.{name}", getattr(stored, name), getattr(again, name), resamples)
    elif isinstance(stored, Mapping) and isinstance(again, Mapping) and stored.keys() == again.keys():
        for name in again:
            yield from _differences(f"{where}.{name}", stored[name], again[name], resamples)
    elif where.endswith("interval") and stored and again:
        allowed = _allowed(where, again[1] - again[0], resamples) if resamples else 0.0
        if not all(_near(mine, yours, allowed) for mine, yours in zip(stored, again, strict=True)):
            yield _said(where, stored, again)
    elif isinstance(stored, list | tuple) and isinstance(again, list | tuple) and len(stored) == len(again):
        for number, (mine, yours) in enumerate(zip(stored, again, strict=True)):
            yield from _differences(f"{where}.{number}", mine, yours, resamples)
    elif not (_number(stored) and _number(again) and _near(stored, again)):
        yield _said(where, stored, again)


def _allowed(where: str, width: float, resamples: int) -> float:
    """How far an end of an interval may be from where other draws put it."""
    return 1.0 if where.startswith("per_class") else REDRAWN * width / sqrt(resamples)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _near(stored: float, again: float, allowed: float = 0.0) -> bool:
    return abs(stored - again) <= allowed + EXACT * max(1.0, abs(again))


def _said(where: str, stored: Any, again: Any) -> str:
    return f"{where} is filed as {_short(stored)}, and the counts give {_short(again)}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple) and all(_number(one) for one in value):
        return "[" + ", ".join(f"{one:.6g}" for one in value) + "]"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _facts(scores: Scores) -> Iterator[str]:
    truth = scores.truth
    if truth.frames != sum(truth.per_class):
        yield f"truth.frames is filed as {truth.frames}, and truth.per_class sums to {sum(truth.per_class)}"
    if truth.clips != len(scores.clips):
        yield f"truth.clips is filed as {truth.clips}, and {len(scores.clips)} clips are named"
    for name in FIXED:
        value, known = getattr(scores.settings, name), {"level": LEVEL}.get(name, Settings.model_fields[name].default)
        if value != known:
            yield f"settings.{name} is filed as {_short(value)}, and what is computed is {_short(known)}"
    for one in scores.systems:
        support = [0] * len(scores.classes)
        for triples in one.counts:
            for true, _, frames in triples:
                support[true] += frames
        more = any(mine > yours for mine, yours in zip(support, truth.per_class, strict=True))
        if more or (one.counts and one.frames == truth.frames and support != truth.per_class):
            yield f"system {one.title!r}: its counts hold {support} frames of the classes, the truth {truth.per_class}"


def _correctness(one: SystemScore, scores: Scores) -> Iterator[str]:
    """Right, wrong and unanswered frames, of each clip where its frames are known, must be those of the counts."""
    if not one.correctness or not one.counts:
        return
    try:
        codes = unpacked(one.correctness)
    except DataError as error:
        yield str(error)
        return
    if len(codes) != scores.truth.frames:
        yield f"correctness has {len(codes)} frames, the truth {scores.truth.frames}"
        return
    ends = _ends(scores)
    wanted = np.array([_outcomes(triples) for triples in one.counts], np.int64).reshape(-1, 3)
    if ends is None:  # nobody was asked about all frames: where one clip ends and the next begins is not known
        ends, wanted = np.array([len(codes)]), wanted.sum(axis=0, keepdims=True)
    for clip, part in enumerate(np.split(codes, ends[:-1])):
        found = np.bincount(part, minlength=NOT_ASKED + 1)[[WRONG, RIGHT, UNANSWERED]]
        if (found != wanted[clip]).any():
            yield f"correctness.{clip} has {found.tolist()} wrong, right and unanswered frames, counts {wanted[clip]}"


def _outcomes(triples: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    wrong = sum(frames for true, guess, frames in triples if guess >= 0 and guess != true)
    right = sum(frames for true, guess, frames in triples if guess == true)
    return wrong, right, sum(frames for _, guess, frames in triples if guess < 0)


def _ends(scores: Scores) -> NDArray[np.int64] | None:
    """(K,) where each clip's frames end among the annotated ones, from a system that was asked about all of them."""
    for one in scores.systems:
        if one.counts and one.frames == scores.truth.frames:
            return np.cumsum([sum(frames for *_, frames in triples) for triples in one.counts])
    return None


def _calibration(one: SystemScore) -> Iterator[str]:
    found: Calibration | None = one.calibration
    if found is None:
        return
    if sum(frames for frames, _, _ in found.bins) != found.frames:
        yield f"calibration.frames is filed as {found.frames}, and its bins hold {sum(row[0] for row in found.bins)}"
    for number, (frames, total, right) in enumerate(found.bins):
        low, high = (frames * edge / len(found.bins) for edge in (number, number + 1))
        if not (0 <= right <= frames and low - 1e-3 * frames <= total <= high + 1e-3 * frames):
            yield f"calibration.bins.{number} is filed as {[frames, total, right]}, which no probabilities give"
    if not -EXACT <= found.brier <= 2 * found.frames + EXACT:
        yield f"calibration.brier is filed as {_short(found.brier)}, which no probabilities give"
    right = sum(row[2] for row in found.bins)
    hits = sum(row[number] for number, row in enumerate(one.confusion))
    if right > hits or (found.frames == sum(map(sum, one.confusion)) and right != hits):
        yield f"calibration.bins hold {right} right frames, the counts {hits}"


def _ranges(one: SystemScore) -> Iterator[str]:
    """Numbers that counts do not decide: at least they are possible."""
    if one.distribution and (min(one.distribution) < 0 or abs(sum(one.distribution) - 1) > 1e-6):
        yield f"distribution sums to {_short(float(sum(one.distribution)))}, not to 1"
    if not 0 <= (one.change_share or 0) <= 1 or (one.changes_per_second or 0) < 0:
        yield "change_share and changes_per_second are no share and no rate"
    if any(many < 0 for many in one.outcomes.values()):
        yield "outcomes are no counts"
