"""Where a reply mentions labels, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.labeling.parsing.lexicon import JOINERS, MARKS, Cue
from harness.labeling.parsing.scanning import Event, blend, scan
from harness.labeling.parsing.vocabulary import HALF, Vocabulary

DOUBTED, SAID, PREFERRED, CONCLUDED, FINAL = range(5)
_STARTS_CLAUSE = frozenset({Cue.CONCLUDE, Cue.SUPPOSE, Cue.DENY})
_DIVIDES = frozenset({Cue.BREAK, Cue.OR, Cue.STOP})


@dataclass(slots=True, eq=False)
class Group:
    """Labels named in one breath ("A or B"), tokens start .. end; meanings as in `vocabulary`, in order.

    Flags are what the words around say: see `weighing`.
    """

    start: int
    end: int
    meanings: list[int]
    sentence: int
    inferred: bool  # put together from two basic emotions with a word between
    denied: bool = False
    doubted: bool = False
    unclear: bool = False
    listed: bool = False
    asserted: bool = False
    chosen: int = SAID

    @property
    def tier(self) -> int:
        """DOUBTED .. FINAL: how much the words around prefer it."""
        return DOUBTED if self.doubted and self.chosen == SAID else self.chosen


@dataclass(slots=True, eq=False)
class Clause:
    """What stands between two dividing words or marks; opener: the one before it."""

    sentence: int
    opener: str
    groups: list[Group] = field(default_factory=list)
    cues: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """A reply's tokens, its clauses and groups in order, and where each sentence starts and ends."""

    tokens: list[str]
    clauses: list[Clause]
    groups: list[Group]
    sentences: list[tuple[int, int]]

    def has(self, cue: Cue) -> bool:
        """Whether a phrase of a kind occurs."""
        return any(event[2].cue is cue for clause in self.clauses for event in clause.cues)


def read(tokens: list[str], vocabulary: Vocabulary) -> Reading:
    """Find the labels of a tokenised reply and the clauses they stand in."""
    events, inferred = blend(scan(tokens, vocabulary.phrases), tokens, vocabulary)
    reading = Reading(tokens, [Clause(0, "")], [], [])
    divided: Event | None = None  # the last division, not made yet: it may be a comma of "A, B or C"
    sentence_start = 0
    for event in events:
        start, end, entry = event
        if entry.cue in _DIVIDES:
            if divided is None or entry.cue is not Cue.BREAK:
                divided = event
            if entry.cue is Cue.STOP and not _lists(tokens, start):
                reading.sentences.append((sentence_start, start))
                sentence_start = end
            continue
        clause = reading.clauses[-1]
        if entry.cue is Cue.MENTION and _continues(clause, start, entry.meaning, tokens):
            group = clause.groups[-1]
            group.end = end
            group.meanings.append(entry.meaning)
            divided = None
            continue
        if divided is not None or entry.cue in _STARTS_CLAUSE:
            opener = tokens[divided[0]] if divided else tokens[start]
            clause = Clause(len(reading.sentences), opener)
            reading.clauses.append(clause)
            divided = None
        if entry.cue is Cue.MENTION:
            group = Group(start, end, [entry.meaning], len(reading.sentences), start in inferred)
            clause.groups.append(group)
            reading.groups.append(group)
        elif entry.cue is not Cue.SKIP:
            clause.cues.append(event)
    reading.sentences.append((sentence_start, len(tokens)))
    return reading


def _lists(tokens: list[str], at: int) -> bool:
    """Whether a stop belongs to a number ("2. Happy") rather than to a sentence."""
    return tokens[at] == "." and at > 0 and tokens[at - 1].isdigit()


def _continues(clause: Clause, start: int, meaning: int, tokens: list[str]) -> bool:
    """Whether a mention goes on with the list that the clause ended in."""
    if not clause.groups or (clause.cues and clause.cues[-1][0] > clause.groups[-1].start):
        return False
    group = clause.groups[-1]
    between = tokens[group.end : start]
    if between[-3:] == ["as", "well", "as"]:
        between[-3:] = ["and"]
    if len(between) > 5 or not all(joins(token, between[i - 1] if i else "") for i, token in enumerate(between)):
        return False
    # "Sadly Angry, sadness around the eyes": half a label after a comma explains, it does not compete.
    half = meaning == HALF or group.meanings[-1] == HALF
    return not half or group.inferred or not between or bool({"or", "and", "/", "&", "+"} & set(between))


def joins(word: str, before: str) -> bool:
    """Whether a token may stand between two labels of one list: a comma, "or", a number."""
    if word in JOINERS or word.isdigit() or (len(word) == 1 and word.isascii() and word.isalpha()):
        return True
    return (word in "." and (before.isdigit() or len(before) == 1)) or (word in "\n" and before in JOINERS)


def enumerator(word: str) -> bool:
    """Whether a token may stand beside a label that is alone: a mark, a number, a lone letter."""
    return (
        word in MARKS or word in {":", "="} or word.isdigit() or (len(word) == 1 and word.isascii() and word.isalpha())
    )
