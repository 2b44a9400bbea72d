"""All that a parser of one label space recognises, compiled: whole replies, and phrases inside longer ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from harness.errors import ConfigError
from harness.expressions import Label, LabelSpace
from harness.labeling.parsing import lexicon
from harness.labeling.parsing.lexicon import Cue
from harness.labeling.parsing.text import joined, normalise, tokenise

# What a mention stands for when it is no class of the space.
ABSTAIN, HALF, OUTSIDE, TIE = -2, -3, -4, -5


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means. after_mark, before_mark: it means that only beside a mark."""

    cue: Cue
    meaning: int = TIE
    basic: str = ""
    after_mark: bool = False
    before_mark: bool = False

    @property
    def bound(self) -> bool:
        """Whether a mark has to stand beside the phrase."""
        return self.after_mark or self.before_mark


@dataclass(slots=True)
class Node:
    """The phrases that go on alike: what they mean if they end here, and their next words."""

    entries: list[Entry]
    following: dict[str, Node]


@dataclass(frozen=True)
class Vocabulary:
    """What one label space recognises.

    plain       a whole reply, stripped -> class id, ABSTAIN, or TIE for what two classes share
    phrases     what may stand inside a reply
    pairs       two basic emotions -> class id
    extendable  spellings that are the beginning of another class's
    neutral     the class of a face without an emotion, or ABSTAIN where the space has none
    everyday    classes whose names need not mean an emotion
    """

    plain: dict[str, int]
    phrases: dict[str, Node]
    pairs: dict[frozenset[str], int]
    extendable: frozenset[str]
    neutral: int
    everyday: frozenset[int]


def vocabulary(space: LabelSpace, spellings: Mapping[str, str]) -> Vocabulary:
    """Compile a label space; ConfigError or DataError for an extra spelling of no class, or of two."""
    named = dict(_spelled(space))
    for spelling, name in spellings.items():
        key, class_id = joined(normalise(spelling)), space.id_of(name)
        if not key:
            raise ConfigError(f"spelling {spelling!r} of class {name!r} has no letter or digit")
        if named.setdefault(key, class_id) != class_id:
            raise ConfigError(
                f"spelling {spelling!r} cannot stand for {name!r}: it is one of {space.names[named[key]]!r} already"
            )
    plain = named.copy()
    for key, class_id in _formed(space):
        if plain.setdefault(key, class_id) != class_id and key not in named:
            plain[key] = TIE  # two classes share the form: it says neither
    for phrase in lexicon.phrases(lexicon.ABSTENTIONS_ALONE):
        plain.setdefault(joined(phrase), ABSTAIN)
    classes = {key: meaning for key, meaning in plain.items() if meaning >= 0}
    mentions = dict(_emotions(space)) | dict(_mentions(classes, space))
    taken = {words for words, entry in mentions.items() if entry.meaning >= 0}
    phrases = [(words, entry) for words, entry in _lexicon() if not _hides(words, entry, taken)]
    pairs = {frozenset(label.basics): i for i, label in enumerate(space.labels) if len(set(label.basics)) == 2}
    # Two classes of one pair, such as "Sadly Angry" and "Angrily Sad": the words decide, the blend cannot.
    counts = [frozenset(label.basics) for label in space.labels]
    return Vocabulary(
        plain=plain,
        phrases=_tree([*mentions.items(), *phrases]),
        pairs={pair: class_id for pair, class_id in pairs.items() if counts.count(pair) == 1},
        extendable=frozenset(
            short for short, one in classes.items() for long, other in classes.items()
            if one != other and long.startswith(short)
        ),
        neutral=plain["neutral"],
        everyday=frozenset(i for i, label in enumerate(space.labels) if not label.basics and not _emotional(label)),
    )  # fmt: skip


def _emotional(label: Label) -> bool:
    return any(joined(normalise(label.name)) in words for words in lexicon.EMOTIONS.values())


def _spelled(space: LabelSpace) -> Iterator[tuple[str, int]]:
    """Names and aliases as keys; one that two classes would share is TIE, so that neither is taken for the other."""
    found: dict[str, int] = {}
    for class_id, label in enumerate(space.labels):
        for spelling in (label.name, *label.aliases):
            key = joined(normalise(spelling))
            found[key] = class_id if found.get(key, class_id) == class_id else TIE
    yield from ((key, class_id) for key, class_id in found.items() if key)


def _formed(space: LabelSpace) -> Iterator[tuple[str, int]]:
    """Other forms of the names: together ("happilysurprised"), nouns and adjectives of basic classes, blends of two."""
    for class_id, label in enumerate(space.labels):
        for spelling in (label.name, *label.aliases):
            yield joined(normalise(spelling)).replace(" ", ""), class_id
        if len(label.basics) == 1:
            yield from ((word, class_id) for word in _words(label.basics[0])[:2])
        elif len(set(label.basics)) == 2:
            yield from ((form, class_id) for form in _blends(label))


def _blends(label: Label) -> Iterator[str]:
    for one, other in (label.basics, label.basics[::-1]):
        yield from (f"{a} {b}" for a in _words(one) for b in _words(other))


def _words(basic: str) -> list[str]:
    return lexicon.EMOTIONS.get(normalise(basic)) or [joined(normalise(basic))]


def _emotions(space: LabelSpace) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Words of basic emotions: halves of compounds where they are no class themselves."""
    basics = {basic for label in space.labels for basic in label.basics} | lexicon.EMOTIONS.keys()
    for basic in sorted(basics - {"neutral"}):
        for word in _words(basic):
            yield tuple(tokenise(word)), Entry(Cue.MENTION, HALF, basic)
    for word in lexicon.OTHER_COMPOUNDS:
        yield (word,), Entry(Cue.MENTION, OUTSIDE)
    yield ("neutral",), Entry(Cue.MENTION, ABSTAIN)


def _mentions(classes: Mapping[str, int], space: LabelSpace) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for key, class_id in classes.items():
        words = tuple(tokenise(key))
        basics = space.labels[class_id].basics
        # A lone letter or number is too common a word to be found inside a sentence.
        if any((len(word) > 1 and word.isalpha()) or word > "\u3000" for word in words):
            yield words, Entry(Cue.MENTION, class_id, basics[0] if len(basics) == 1 else "")


def _hides(words: tuple[str, ...], entry: Entry, taken: set[tuple[str, ...]]) -> bool:
    """Whether a phrase of the lexicon would swallow a class: "neutral expression" where Neutral is one."""
    if entry.meaning >= 0 or entry.cue is not Cue.MENTION:
        return False
    return any(words[i:j] in taken for i in range(len(words)) for j in range(i + 1, len(words) + 1))


@cache
def _lexicon() -> tuple[tuple[tuple[str, ...], Entry], ...]:
    found = [
        (tuple(phrase.strip("^ $").split()), Entry(cue, TIE, "", phrase.startswith("^"), phrase.endswith("$")))
        for cue, patterns in lexicon.PATTERNS.items() for phrase in lexicon.phrases(patterns)
    ]  # fmt: skip
    found += [(tuple(phrase.split()), Entry(Cue.MENTION, ABSTAIN)) for phrase in lexicon.phrases(lexicon.ABSTENTIONS)]
    return (*found, *(((mark,), Entry(cue)) for mark, cue in lexicon.MARKS.items()))


def _tree(meanings: Iterable[tuple[tuple[str, ...], Entry]]) -> dict[str, Node]:
    """Phrases by first word. Of several meanings a class goes first, then one that is bound to a mark."""
    root = Node([], {})
    for words, entry in meanings:
        node = root
        for word in words:
            node = node.following.setdefault(word, Node([], {}))
        if entry not in node.entries:
            node.entries.append(entry)
            node.entries.sort(key=lambda one: (one.meaning < 0, not one.bound))
    return root.following


def spelled(classes: Iterable[int]) -> set[int]:
    """The real classes among meanings."""
    return {meaning for meaning in classes if meaning >= 0}
