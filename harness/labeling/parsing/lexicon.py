"""The phrasing of answers, read from `lexicon.toml`: what each phrase does to the labels near it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from enum import IntEnum, auto
from importlib.resources import files


class Cue(IntEnum):
    """What a phrase does; explained, with the phrases, in `lexicon.toml`."""

    MENTION = auto()  # names a class, half of one, one outside the space, or an abstention
    FINAL = auto()
    CONCLUDE = auto()
    PREFER = auto()
    PREFER_NEXT = auto()
    ASSERT = auto()
    HEDGE = auto()
    HEDGE_BEFORE = auto()
    HEDGE_AFTER = auto()
    NEGATE = auto()
    NEGATE_NEXT = auto()
    NEGATE_BEFORE = auto()
    TORN = auto()
    UNSURE = auto()
    LISTING = auto()
    SUPPOSE = auto()
    CORRECT = auto()
    SKIP = auto()
    DENY = auto()
    BREAK = auto()
    OR = auto()
    STOP = auto()  # divides sentences


_DATA = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8"))
PATTERNS: dict[Cue, str] = {Cue[name.upper()]: patterns for name, patterns in _DATA["cues"].items()}
ABSTENTIONS: str = _DATA["abstentions"]["anywhere"]
ABSTENTIONS_ALONE: str = _DATA["abstentions"]["alone"]
FILLERS: frozenset[str] = frozenset(_DATA["words"]["fillers"].split())
JOINERS: frozenset[str] = frozenset(_DATA["words"]["joiners"].split())
EMOTIONS: dict[str, list[str]] = _DATA["emotions"]
BLENDS: frozenset[str] = frozenset(["", *_DATA["compounds"]["between"]])
OTHER_COMPOUNDS: list[str] = _DATA["compounds"]["others"]
ANSWER_KEYS: frozenset[str] = frozenset(_DATA["json"]["answers"].split())
ASIDE_KEYS: frozenset[str] = frozenset(_DATA["json"]["asides"].split())
REFUSALS: dict[str, str] = {name: "".join(pattern.splitlines()) for name, pattern in _DATA["refusals"].items()}
MARKS: dict[str, Cue] = {
    **dict.fromkeys([*",—()[]|", "-", "--"], Cue.BREAK),
    **dict.fromkeys(".!?;\n", Cue.STOP),
}


def phrases(patterns: str) -> Iterator[str]:
    """Every phrase of the patterns of a text, words with one space between."""
    depth, line = 0, ""
    for character in f"{patterns}\n":
        depth += (character == "(") - (character == ")")
        if character == "\n" and not depth:
            yield from (" ".join(phrase.split()) for phrase in _choices(line)[0] if phrase.strip())
            line = ""
        else:
            line += character


def _choices(pattern: str, at: int = 0) -> tuple[list[str], int]:
    """The phrases of a pattern from `at` to an unmatched `)` or its end, and where that is."""
    done: list[str] = []
    current = [""]
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "(":
            inner, at = _choices(pattern, at + 1)
            current = [before + choice for before in current for choice in inner]
        elif pattern[at] == "|":
            done, current = done + current, [""]
        else:
            current = [before + pattern[at] for before in current]
        at += 1
    return done + current, at
