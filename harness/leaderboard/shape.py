"""Whether the parts of a run's scores fit each other: whoever computes with a record need not look again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from harness.evaluation.counts import Counts, Triple
from harness.evaluation.scores import Scores, SystemScore

MOST = 2**31  # frames of a clip


def misfits(scores: Scores) -> Iterator[str]:
    """What does not fit, one line each: lists of another length than the classes or clips, ids beyond them."""
    classes, clips = len(scores.classes), len(scores.clips)
    if not classes:
        yield "classes: there is none"
    repeated = {name for name in scores.clips if scores.clips.count(name) > 1} if len(set(scores.clips)) < clips else ()
    yield from (f"clips: {name!r} is there more than once" for name in sorted(repeated))
    for name, found, wanted in (("subjects", scores.subjects, clips), ("items", scores.items, clips)):
        yield from _length(name, found, wanted, "clips")
    yield from _length("truth.per_class", scores.truth.per_class, classes, "classes", empty=False)
    yield from _length("settings.reference", scores.settings.reference, classes, "classes")
    keys = [(one.system, one.role, one.phase) for one in scores.systems]
    yield from (f"systems: {one.title!r} is there more than once" for one in _repeated(scores.systems, keys))
    for one in scores.systems:
        yield from (f"system {one.title!r}: {text}" for text in _system(one, scores.classes, clips))


def _repeated(systems: Sequence[SystemScore], keys: Sequence[tuple[str, str, str]]) -> Iterator[SystemScore]:
    return (one for number, one in enumerate(systems) if keys[number] in keys[:number])


def _system(one: SystemScore, names: Sequence[str], clips: int) -> Iterator[str]:
    classes = len(names)
    for name in ("per_class", "confusion", "unanswered", "distribution"):
        yield from _length(name, getattr(one, name), classes, "classes")
    yield from _length("counts", one.counts, clips, "clips")
    if any(len(row) != classes for row in one.confusion):
        yield f"confusion: a row has not {classes} numbers"
    if one.per_class and [row.name for row in one.per_class] != list(names):
        yield "per_class: the names are not the classes in their order"
    if any(one.counts) and counted(one.counts, len(one.counts), classes) is None:
        yield from _counts(one, classes)


def _counts(one: SystemScore, classes: int) -> Iterator[str]:
    for clip, triples in enumerate(one.counts):
        if any(
            not (0 <= true < classes and -1 <= guess < classes and 0 < many < MOST) for true, guess, many in triples
        ):
            yield f"counts.{clip}: not (true class, predicted class or -1, frames) of {classes} classes"
        elif len({(true, guess) for true, guess, _ in triples}) < len(triples):
            yield f"counts.{clip}: a pair of classes is there more than once"


def counted(triples: Sequence[Sequence[Triple]], clips: int, classes: int) -> Counts | None:
    """The counts that triples (Counts.triples) tell, some ten times faster than one by one: a thousand records hold
    millions. None if they are of another number of clips, beyond the classes, repeated, or without a frame."""
    lengths = [len(clip) for clip in triples]
    if not sum(lengths) or len(triples) != clips:
        return None
    try:
        flat = np.fromiter(chain.from_iterable(chain.from_iterable(triples)), np.int64, 3 * sum(lengths))
    except OverflowError:
        return None
    true, predicted, frames = flat.reshape(-1, 3).T
    ids = min(true.min(), predicted.min() + 1) >= 0 and max(true.max(), predicted.max()) < classes
    if not ids or frames.min() < 1 or frames.max() >= MOST:
        return None
    cell = (np.repeat(np.arange(clips), lengths) * classes + true) * (classes + 1) + predicted + 1
    if np.bincount(cell).max() > 1:
        return None
    whole = np.zeros((clips, classes, classes + 1), np.int64)
    whole.ravel()[cell] = frames
    return Counts(whole[:, :, 1:], whole[:, :, 0])


def _length(name: str, found: Sequence[object], wanted: int, of: str, *, empty: bool = True) -> Iterator[str]:
    if len(found) != wanted and (found or not empty):
        yield f"{name}: {len(found)} for {wanted} {of}"
