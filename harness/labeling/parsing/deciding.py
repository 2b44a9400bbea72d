"""From what a reply says of its labels to one outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.components import Outcome
from harness.labeling.parsing.declining import declines
from harness.labeling.parsing.lexicon import Cue
from harness.labeling.parsing.reading import CONCLUDED, DOUBTED, FINAL, PREFERRED, SAID, Group, Reading, joins
from harness.labeling.parsing.text import emphasised, joined
from harness.labeling.parsing.vocabulary import ABSTAIN, HALF, OUTSIDE, TIE, Vocabulary, spelled

_ITEM = re.compile(r"\s*(?:[-*•+]|\(?(?:\d+|[a-z])[.)])\s")


@dataclass(frozen=True)
class Parsed:
    """What a reply comes to. label: the class id if the outcome is "label", else -1; reason: why, in a few words."""

    outcome: Outcome
    label: int = -1
    reason: str = ""


def decide(reading: Reading, text: str, vocabulary: Vocabulary, *, truncated: bool) -> Parsed:
    """The outcome of a weighed reading of a normalised text."""
    meaning, chosen = _chosen(reading, text, vocabulary)
    firm = any(group.asserted or group.chosen >= PREFERRED for group in chosen)
    if truncated:
        if "{" in text:  # an object that was cut: other keys than the answer's may hold anything
            firm = any(group.chosen == FINAL for group in chosen)
        if meaning >= 0 and firm and _whole(chosen[-1], reading, text, vocabulary):
            return Parsed("label", meaning, "named before the reply was cut")
        return Parsed("truncated")
    settled = max((group.chosen for group in chosen), default=SAID) >= PREFERRED
    if not (firm and meaning >= 0) and not settled and declines(text):
        return Parsed("refused_text", reason="declines to judge")
    doubted = not chosen or all(group.tier == DOUBTED for group in chosen)
    if not settled and (doubted or meaning == TIE or not firm) and reading.has(Cue.UNSURE):
        return Parsed("abstain", reason="says that it cannot tell")
    if meaning >= 0:
        if not firm and all(_passing(group, vocabulary) for group in chosen):
            return Parsed("unparsed", reason="a word in passing")
        return Parsed("label", meaning, "named")
    if meaning == ABSTAIN:
        return Parsed("abstain", reason="names none of the classes")
    return Parsed("unparsed", reason=_why(meaning, chosen, reading))


def _chosen(reading: Reading, text: str, vocabulary: Vocabulary) -> tuple[int, list[Group]]:
    """What the reply settles on, TIE for nothing, and the groups that say so."""
    groups = [group for group in reading.groups if _stands(group)]
    if not groups:
        return TIE, []
    tier = max(group.tier for group in groups)
    top = [group for group in groups if group.tier == tier]
    if tier == SAID and not all(group.inferred for group in top):
        top = [group for group in top if not group.inferred]
    found = {_meaning(group) for group in top}
    if tier == FINAL:  # "Answer: A", and after it a line that says B
        found |= {_meaning(group) for group in groups if group.chosen == CONCLUDED and group.start > top[-1].start}
    if found == {ABSTAIN, vocabulary.neutral}:  # "no clear emotion, so Neutral"
        found = {vocabulary.neutral}
    if len(found) > 1:
        last = _corrected(reading)
        later = [group for group in top if group.start >= last] if last else []
        if later and tier > DOUBTED:
            top, found = later, {_meaning(group) for group in later}
    if len(found) > 1 and DOUBTED < tier < FINAL:
        bold = _bold(text, vocabulary)
        if len(bold) == 1 and bold <= found:
            found = bold
    return (found.pop() if len(found) == 1 else TIE), top


def _stands(group: Group) -> bool:
    return not group.denied and (not group.listed or group.chosen == FINAL) and set(group.meanings) != {HALF}


def _meaning(group: Group) -> int:
    meanings = set(group.meanings)
    return TIE if group.unclear or group.listed or len(meanings) > 1 else meanings.pop()


def _passing(group: Group, vocabulary: Vocabulary) -> bool:
    """Whether a name is one everyday word ("cross") that need not mean the class."""
    return group.end - group.start == 1 and group.meanings[0] in vocabulary.everyday


def _corrected(reading: Reading) -> int:
    """The token after the last "on second thought", or 0."""
    ends = (event[1] for clause in reading.clauses for event in clause.cues if event[2].cue is Cue.CORRECT)
    return max(ends, default=0)


def _bold(text: str, vocabulary: Vocabulary) -> set[int]:
    """The classes that stand in bold, each alone."""
    if "**" not in text and "__" not in text:
        return set()
    return spelled(vocabulary.plain.get(joined(passage), TIE) for passage in emphasised(text))


def _whole(group: Group, reading: Reading, text: str, vocabulary: Vocabulary) -> bool:
    """Whether a cut reply's label cannot have been the beginning of more: "Sad" of "Sadly Angry", "A or"."""
    name = " ".join(reading.tokens[group.start : group.end])
    if any(joined(line[item.end() :]).startswith(name) for line in text.split("\n") if (item := _ITEM.match(line))):
        return False  # the first of a list of options
    rest = reading.tokens[group.end :]
    if rest and rest[0] in {",", "/", "or", "and"} and len(rest) < 5:
        return False  # perhaps a list
    if rest:
        words = [token for token in rest if token not in {".", "!", "\n", ")", "]"}]
        return len(words) != len(rest) if not words else not all(joins(token, "") for token in words)
    return not text[-1:].isalnum() or joined(name) not in vocabulary.extendable


def _why(meaning: int, chosen: Iterable[Group], reading: Reading) -> str:
    if meaning == OUTSIDE:
        return "a class outside the label space"
    if chosen:
        return "several labels without a choice"
    for reason, holds in (
        ("options listed, none chosen", any(group.listed for group in reading.groups)),
        ("only a negated label", any(group.denied for group in reading.groups)),
        ("half a label", bool(reading.groups)),
    ):
        if holds:
            return reason
    return "no label"
