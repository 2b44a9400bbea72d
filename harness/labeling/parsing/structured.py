"""Replies in JSON: which of an object's values is the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from harness.labeling.parsing.lexicon import ANSWER_KEYS, ASIDE_KEYS

_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: Pairs(pairs))
_WORDS = re.compile(r"[^\W\d_]+")
_ATTEMPTS = 4  # objects looked for in one reply
MOST_NESTED = 5


class Pairs(list[tuple[str, Any]]):
    """A JSON object with its repeated keys: the last one must not win unseen."""


def objects(text: str) -> list[tuple[int, int, Pairs]]:
    """The outermost JSON objects in a text, with where they start and end."""
    found = []
    at, attempts = text.find("{"), 0
    while at >= 0 and attempts < _ATTEMPTS:
        attempts += 1
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append((at, end, value))
        at = text.find("{", end)
    return found


def answers(value: Pairs) -> list[str]:
    """The texts that an object gives as its answer; of a table of scores, the class that outweighs all others."""
    if scored := _scored(value):
        return scored
    return list(_answers(value, 0))


def asides(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in an object, answers or not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < MOST_NESTED:
        for one in value:
            yield from asides(one[1] if isinstance(value, Pairs) else one, depth + 1)


def _answers(value: Pairs, depth: int) -> Iterator[str]:
    for key, inner in value:
        words = {word.casefold() for word in _WORDS.findall(key)}
        if words & ASIDE_KEYS or not (words & ANSWER_KEYS or isinstance(inner, Pairs)):
            continue
        for one in inner if type(inner) is list else [inner]:
            if isinstance(one, str):
                yield one
            elif isinstance(one, Pairs) and depth < MOST_NESTED:
                yield from _scored(one) or _answers(one, depth + 1)


def _scored(value: Pairs) -> list[str]:
    """["A"] for {"A": 0.7, "B": 0.2} or {"A": true, "B": false}; [] for anything else."""
    if len(value) < 2 or not all(isinstance(score, int | float) and 0 <= score <= 1e6 for _, score in value):
        return []
    name, best = max(value, key=lambda pair: pair[1])
    return [name] if 2 * best > sum(score for _, score in value) else []
