"""The parser: the shortest way first, from a reply that is just a name to one that argues for a page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.expressions import LabelSpace
from harness.labeling.parsing import structured
from harness.labeling.parsing.deciding import Parsed, decide
from harness.labeling.parsing.reading import read
from harness.labeling.parsing.text import EDGES, THINKING, THOUGHT, joined, normalise, tokenise, unwrap
from harness.labeling.parsing.vocabulary import ABSTAIN, vocabulary
from harness.labeling.parsing.weighing import weigh

PARSER_VERSION = 1  # raised with every change that may give a stored reply another outcome
LONGEST = 50_000  # characters; a model that repeats itself until it is stopped gives no answer
SHORT = 60  # characters within which a whole reply may be a name behind "Answer:"
_PREFIX = re.compile(
    r"(?:(?:the|my) )?(?:final |correct |best )?(?:answer|label|class|category|expression|emotion|option|choice)"
    r"(?: is| =|:)[\s:]*"
)
_CUT = frozenset(",/&+-")  # a cut reply that ends so was about to go on
_NAMED = "the reply is a name"


class Parser:
    """Replies about the classes of one label space; spellings: further ways to write a class, spelling -> class name.

    DataError for a spelling of a class that the space does not have, ConfigError for one of two classes.
    """

    def __init__(self, space: LabelSpace, spellings: Mapping[str, str] = {}) -> None:
        self.space = space
        self._vocabulary = vocabulary(space, spellings)
        self._plain = {key: self._outcome(meaning) for key, meaning in self._vocabulary.plain.items()}
        # Names that differ only in marks are told apart when they are written exactly.
        self._exact = {label.name: self._outcome(i) for i, label in enumerate(space.labels)}

    def parse(self, text: str, *, truncated: bool = False) -> Parsed:
        """The outcome of a reply; truncated: the token limit cut it. Never raises, never guesses."""
        core = text.strip(EDGES).casefold()
        found = self._plain.get(core)
        if found is not None and not truncated and found.reason:
            return found
        if text in self._exact and not truncated:
            return self._exact[text]
        if THINKING in text or THOUGHT in text:
            _, end, rest = text.rpartition(THOUGHT)
            if not end and truncated:
                return Parsed("truncated", reason="cut while thinking")
            text = rest if end else text.replace(THINKING, " ")
        if len(text) > LONGEST:
            return Parsed("truncated" if truncated else "unparsed", reason="longer than any answer")
        parsed = self._parse(text, truncated)
        if truncated and parsed.outcome != "label":
            return Parsed("truncated", reason="cut before a label was named")
        return parsed

    def _parse(self, text: str, truncated: bool) -> Parsed:
        normal = normalise(text)
        if len(normal) < SHORT and (short := self._short(normal)) is not None:
            if not truncated:
                return short
            if short.outcome == "label" and normal.rstrip()[-1:] not in _CUT and not self._extendable(normal):
                return short
        if "{" in normal:
            answer = self._structured(normal)
            if isinstance(answer, Parsed):
                return answer
            normal = answer
        normal = unwrap(normal)
        tokens = tokenise(normal)
        if not any(map(str.isalnum, tokens)):
            return Parsed("truncated", reason="cut before a word") if truncated else Parsed("unparsed", reason="empty")
        reading = read(tokens, self._vocabulary)
        weigh(reading, len(self.space))
        return decide(reading, normal, self._vocabulary, truncated=truncated)

    def _short(self, normal: str) -> Parsed | None:
        """A whole reply that is a name, with hyphens, marks or "Answer:" beside it."""
        found = self._plain.get(joined(normal))
        if found is None and (prefix := _PREFIX.match(normal)) is not None:
            found = self._plain.get(joined(normal[prefix.end() :]))
        return found if found is not None and found.reason else None

    def _extendable(self, normal: str) -> bool:
        return normal[-1:].isalnum() and joined(normal) in self._vocabulary.extendable

    def _structured(self, normal: str) -> Parsed | str:
        """The outcome of a reply that is one JSON object, or the reply with its objects put in words."""
        found = structured.objects(normal)
        parts, at = [], 0
        for start, end, value in found:
            outcome = self._object(value)
            if len(found) == 1 and not normal[:start].strip(" \t\r\n`'json") and not normal[end:].strip(" \t\r\n`'."):
                return outcome
            words = self.space.names[outcome.label] if outcome.outcome == "label" else normal[start:end]
            parts += [normal[at:start], f"\nfinal answer: {normalise(words)}.\n"]
            at = end
        return "".join([*parts, normal[at:]])

    def _object(self, value: structured.Pairs) -> Parsed:
        outcomes = [self._parse(answer, False) for answer in structured.answers(value)]
        labels = {outcome.label for outcome in outcomes if outcome.outcome == "label"}
        if len(labels) == 1:
            return Parsed("label", labels.pop(), "the answer of a JSON object")
        if not labels:
            others = [*outcomes, *(self._parse(aside, False) for aside in structured.asides(value))]
            for wanted in ("refused_text", "abstain"):
                if any(outcome.outcome == wanted for outcome in others):
                    return next(outcome for outcome in others if outcome.outcome == wanted)
        return Parsed("unparsed", reason="several labels without a choice" if labels else "no label in a JSON object")

    def _outcome(self, meaning: int) -> Parsed:
        if meaning >= 0:
            return Parsed("label", meaning, _NAMED)
        return Parsed("abstain", reason="the reply says none") if meaning == ABSTAIN else Parsed("unparsed")
