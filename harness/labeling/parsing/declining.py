"""Refusals in words: a model that declines to judge people's emotions, as opposed to one that cannot see."""

from __future__ import annotations

import re

from harness.labeling.parsing.lexicon import REFUSALS

_NEAR, _AFTER = r"[^.!?\n]{0,60}?\b", r"[^.!?\n]{0,80}?\b"  # within a sentence


def _any(name: str) -> str:
    return rf"(?:{REFUSALS[name]})\b"


_DECLINES = re.compile(
    rf"\b{_any('judge')}{_AFTER}{_any('people')}{_AFTER}{_any('cannot')}|"
    rf"\b{_any('cannot')}(?:{_NEAR}{_any('judge')}{_AFTER}{_any('people')}|{_NEAR}{_any('help')})|\b{_any('outright')}"
)
_SORRY = re.compile(
    rf"\b{_any('sorry')}[^\n]{{0,40}}?\b{_any('cannot')}{_NEAR}{_any('judge')}{_AFTER}{_any('picture')}"
)
_SIGHT = re.compile(rf"\b{_any('sight')}")
_RULE = re.compile(rf"\b{_any('rule')}")


def declines(text: str) -> bool:
    """Whether a normalised reply declines to judge; not when it says that it cannot see, and nothing of a rule."""
    if _DECLINES.search(text) is None and _SORRY.search(text) is None:
        return False
    return _SIGHT.search(text) is None or _RULE.search(text) is not None
