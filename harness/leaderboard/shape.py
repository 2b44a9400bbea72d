"""Whether the parts of a run's scores fit each other: whoever computes with a record need not look again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.evaluation.scores import Scores, SystemScore


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
    for clip, triples in enumerate(one.counts):
        if not triples:
            continue
        # columns instead of triples: a thousand records hold some ten million
        trues, guesses, many = zip(*triples, strict=True)
        if min(trues) < 0 or min(guesses) < -1 or max(*trues, *guesses) >= classes or min(many) < 1:
            yield f"counts.{clip}: not (true class, predicted class or -1, frames) of {classes} classes"
        elif len(set(zip(trues, guesses, strict=True))) < len(triples):
            yield f"counts.{clip}: a pair of classes is there more than once"


def _length(name: str, found: Sequence[object], wanted: int, of: str, *, empty: bool = True) -> Iterator[str]:
    if len(found) != wanted and (found or not empty):
        yield f"{name}: {len(found)} for {wanted} {of}"
