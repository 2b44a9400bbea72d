"""Finding the phrases of a lexicon and a label space in a tokenised reply."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

from harness.labeling.parsing.lexicon import BLENDS, MARKS, Cue
from harness.labeling.parsing.vocabulary import HALF, OUTSIDE, Entry, Node, Vocabulary

Event: TypeAlias = tuple[int, int, Entry]  # tokens start .. end and what they mean


def scan(tokens: list[str], phrases: dict[str, Node]) -> list[Event]:
    """The phrases of a tokenised reply, longest first from the left, without overlap."""
    find = phrases.get
    events: list[Event] = []
    at, count = 0, len(tokens)
    while at < count:
        node = find(tokens[at])
        if node is None:
            at += 1
            continue
        found, end, stop = None, at, at + 1
        while node is not None:
            end += 1
            for entry in node.entries:
                if _allowed(entry, tokens, at, end):
                    found, stop = entry, end
                    break
            node = node.following.get(tokens[end]) if end < count else None
        if found is not None:
            events.append((at, stop, found))
        at = stop
    return events


def _allowed(entry: Entry, tokens: list[str], start: int, end: int) -> bool:
    """Whether the marks that a phrase is bound to stand beside it."""
    if entry.after_mark and start and tokens[start - 1] not in MARKS:
        return False
    return not (entry.before_mark and end < len(tokens) and tokens[end] not in MARKS)


def blend(events: list[Event], tokens: list[str], vocabulary: Vocabulary) -> tuple[list[Event], set[int]]:
    """Make one mention of basic emotions that are blended ("sadness and anger"); also the starts of those inferred
    across a word between."""
    emotions = [at for at, event in enumerate(events) if event[2].cue is Cue.MENTION]
    replaced: dict[int, tuple[int, Event]] = {}
    inferred: set[int] = set()
    position = 0
    while position < len(emotions):
        run = _run(events, emotions[position:], tokens)
        position += len(run)
        event = _blended([events[at] for at in run], vocabulary)
        if event and (
            _lists(events, emotions, position - len(run), tokens) or _lists(events, emotions, position, tokens)
        ):
            event = event[0], event[1], Entry(Cue.MENTION, OUTSIDE)  # "sadness, fear and surprise": no pair of them
        if event is not None:
            replaced[run[0]] = (run[-1], event)
            if event[1] - event[0] > sum(events[at][1] - events[at][0] for at in run):
                inferred.add(event[0])
    if not replaced:
        return events, inferred
    found: list[Event] = []
    at = 0
    while at < len(events):
        last, event = replaced.get(at, (at, events[at]))
        found.append(event)
        at = last + 1
    return found, inferred


def _run(events: list[Event], emotions: list[int], tokens: list[str]) -> list[int]:
    """The first of some mentions, and those after it as long as basic emotions are blended with each other."""
    run = emotions[:1]
    for at in emotions[1:]:
        one, other = events[run[-1]], events[at]
        if not (one[2].basic and other[2].basic) or " ".join(tokens[one[1] : other[0]]) not in BLENDS:
            break
        run.append(at)
    return run


def _lists(events: list[Event], emotions: list[int], position: int, tokens: list[str]) -> bool:
    """Whether a comma is all that stands between a basic emotion and the one before it."""
    if not 0 < position < len(emotions):
        return False
    one, other = events[emotions[position - 1]], events[emotions[position]]
    return bool(one[2].basic and other[2].basic) and tokens[one[1] : other[0]] in ([","], [",", "and"])


def _blended(run: list[Event], vocabulary: Vocabulary) -> Event | None:
    """The compound that a run of basic emotions names, OUTSIDE for one that is no class, None for a mere list."""
    basics = frozenset(event[2].basic for event in run)
    if len(basics) < 2:
        return None
    start, end = run[0][0], run[-1][1]
    meaning = vocabulary.pairs.get(basics)
    if meaning is not None:
        return start, end, Entry(Cue.MENTION, meaning)
    side_by_side = all(one[1] == other[0] for one, other in pairwise(run))
    halves = all(event[2].meaning == HALF for event in run)
    return (start, end, Entry(Cue.MENTION, OUTSIDE)) if side_by_side or halves else None
