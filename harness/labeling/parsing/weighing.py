"""What the words around a label say of it: chosen, said, doubted, denied, or merely listed."""

from __future__ import annotations

from itertools import groupby

from harness.labeling.parsing.lexicon import FILLERS, MARKS, Cue
from harness.labeling.parsing.reading import CONCLUDED, FINAL, PREFERRED, SAID, Clause, Group, Reading, enumerator
from harness.labeling.parsing.scanning import Event
from harness.labeling.parsing.vocabulary import spelled

_TIERS = {Cue.PREFER: PREFERRED, Cue.CONCLUDE: CONCLUDED, Cue.FINAL: FINAL}
_CONTRASTS = frozenset({"but", "rather", "instead", "yet", "sondern", "aber", "mais", "sino", "pero"})
_SPEAKS = _CONTRASTS | {"not", "as", "over", "with", "though", "although", "because", "since", ">"}
_OPTIONS = frozenset({"options", "choices", "categories", "candidates", "possibilities", "classes", "labels"})
_REFERRING = frozenset({"which", "where"})


def weigh(reading: Reading, classes: int) -> None:
    """Set the flags of every group of a reading, in a label space of so many classes."""
    enough = min(3, classes)
    for group in reading.groups:
        group.listed = len(spelled(group.meanings)) >= enough
    previous: Clause | None = None
    for at, clause in enumerate(reading.clauses):
        _deny(clause, previous, reading)
        for event in clause.cues:
            _apply(event, clause, at, reading)
        for group in clause.groups[:1]:
            group.asserted |= _opens(group, reading) or (not clause.cues and _bare(group, reading))
        previous = clause
    for group in reading.groups:
        if group.inferred:  # "the definition of A is a blend of a and b"
            group.denied |= any(
                other.denied and other.sentence == group.sentence and other.meanings == group.meanings
                for other in reading.groups
            )
    _alone(reading, enough)
    _questions(reading)


def _bare(group: Group, reading: Reading) -> bool:
    """Whether a group fills its clause: "I don't judge people, but Sadly Angry." """
    before = reading.tokens[group.start - 1] if group.start else "\n"
    after = reading.tokens[group.end] if group.end < len(reading.tokens) else "."
    return (before in _CONTRASTS or before in MARKS or before == ":") and MARKS.get(after) is Cue.STOP


def _opens(group: Group, reading: Reading) -> bool:
    """Whether a group opens its sentence and the words after it speak about it: "Cross rather than sad"."""
    after = reading.tokens[group.end] if group.end < len(reading.tokens) else "."
    start = reading.sentences[group.sentence][0]
    return (after in MARKS or after in _SPEAKS) and all(map(enumerator, reading.tokens[start : group.start]))


def _near(event: Event, clause: Clause) -> tuple[Group | None, Group | None]:
    """The groups of a clause just before and just after a cue."""
    before = after = None
    for group in clause.groups:
        if group.end <= event[0]:
            before = group
        elif after is None:
            after = group
    return before, after


def _tight(start: int, group: Group, reading: Reading) -> bool:
    """Whether nothing but fillers stands between a token and a group after it."""
    return all(token in FILLERS for token in reading.tokens[start : group.start])


def _deny(clause: Clause, previous: Clause | None, reading: Reading) -> None:
    """Negations: what directly follows is denied, else what precedes, else what follows later in the clause."""
    if clause.opener in {"or", "oder", "ou"} and previous and previous.sentence == clause.sentence:
        denied = previous.groups and previous.groups[-1].denied
        if denied and clause.groups:  # "not A or anything like B"
            clause.groups[0].denied = True
    for event in clause.cues:
        cue = event[2].cue
        if cue not in {Cue.NEGATE, Cue.NEGATE_NEXT, Cue.UNSURE}:
            continue
        before, after = _near(event, clause)
        if after and _tight(event[1], after, reading):
            after.denied = True
        elif cue is Cue.NEGATE_NEXT:
            if before and _closes(event, reading):
                before.denied = True  # "A: no"
        elif before:
            before.denied = True
            if after and "as" not in reading.tokens[event[1] : after.start]:
                after.unclear = True
        elif after:
            after.denied = True


def _closes(event: Event, reading: Reading) -> bool:
    return event[1] >= len(reading.tokens) or reading.tokens[event[1]] in ".\n;,!|"


def _apply(event: Event, clause: Clause, at: int, reading: Reading) -> None:
    start, end, entry = event
    cue = entry.cue
    before, after = _near(event, clause)
    tight = after is not None and _tight(end, after, reading)
    if cue in _TIERS:
        _choose(event, clause, at, reading)
    elif cue is Cue.PREFER_NEXT:
        if after and tight and not after.denied:
            after.chosen = max(after.chosen, PREFERRED)
    elif cue is Cue.ASSERT:
        if group := after or before:
            group.asserted = True
    elif cue is Cue.HEDGE:
        if group := (after if tight or not before else before):
            group.doubted = True
    elif cue is Cue.HEDGE_BEFORE:
        if after:
            after.doubted = True
    elif cue is Cue.HEDGE_AFTER or cue is Cue.NEGATE_BEFORE:
        if group := before or _earlier(clause, start, reading):
            group.doubted, group.denied = True, group.denied or cue is Cue.NEGATE_BEFORE
    elif cue is Cue.TORN:
        for group in reading.groups:
            group.unclear |= (group.end <= start or group is after) and group.chosen < CONCLUDED
    elif cue is Cue.LISTING:
        if after and tight:
            are = {"are", "is", "include", "includes"}.intersection(reading.tokens[end : after.start])
            after.listed |= len(spelled(after.meanings)) > 1 or (bool(are) and reading.tokens[end - 1] in _OPTIONS)
    elif cue is Cue.SUPPOSE:
        for group in reading.groups:
            if group.start >= end and group.sentence == clause.sentence and group.chosen < CONCLUDED:
                group.denied = True


def _earlier(clause: Clause, start: int, reading: Reading) -> Group | None:
    """The last group before a token, in the same sentence."""
    found = [group for group in reading.groups if group.end <= start and group.sentence == clause.sentence]
    return found[-1] if found else None


def _choose(event: Event, clause: Clause, at: int, reading: Reading) -> None:
    """A preference: for what directly follows, else what precedes, else what follows later in the sentence."""
    start, end, entry = event
    tier = _TIERS[entry.cue]
    before, after = _near(event, clause)
    if after is not None and after.denied:
        after = None
    if after and _tight(end, after, reading):
        group: Group | None = after
    elif entry.cue is Cue.FINAL:
        group = _following(clause, end, at, reading)
    elif before and entry.cue is Cue.PREFER:
        group = before
    else:
        group = after or _following(clause, end, at, reading)
        if entry.cue is Cue.PREFER and (group is None or clause.opener in _REFERRING):
            group = _earlier(clause, start, reading) or group
    if group and not group.denied:
        group.chosen = max(group.chosen, tier)


def _following(clause: Clause, end: int, at: int, reading: Reading) -> Group | None:
    """The next group of the sentence that is not denied; of the next sentence where this one is but a heading."""
    for later in reading.clauses[at:]:
        if later.sentence != clause.sentence:
            break
        for group in later.groups:
            if group.start >= end and not group.denied:
                return group
    if any(group.sentence == clause.sentence for group in reading.groups):
        return None
    heading = all(token in FILLERS or enumerator(token) for token in reading.tokens[end : _sentence(clause, reading)])
    if not heading:
        return None
    for group in reading.groups:
        if group.start >= end:
            return group if _lone(group, reading) else None
    return None


def _sentence(clause: Clause, reading: Reading) -> int:
    return reading.sentences[clause.sentence][1]


def _lone(group: Group, reading: Reading) -> bool:
    """Whether a group is all that its sentence says."""
    start, end = reading.sentences[group.sentence]
    tokens = reading.tokens
    return all(map(enumerator, tokens[start : group.start])) and all(map(enumerator, tokens[group.end : end]))


def _heads(group: Group, reading: Reading) -> bool:
    """Whether a group is the head of what follows: "Sadly Angry: the brows are lowered"."""
    start, _ = reading.sentences[group.sentence]
    after = reading.tokens[group.end] if group.end < len(reading.tokens) else ""
    return after in {":", "—", "-", "("} and all(map(enumerator, reading.tokens[start : group.start]))


def _alone(reading: Reading, enough: int) -> None:
    """Labels that stand alone, or head a line, are answers, unless several do in a row: then they are a list."""
    lone = [group for group in reading.groups if not group.listed and _lone(group, reading)]
    heads = [group for group in reading.groups if group not in lone and not group.listed and _heads(group, reading)]
    listed = len({group.meanings[0] for group in heads}) > 1
    for row in _rows(sorted([*lone, *heads], key=lambda group: group.start)):
        leads = _leads(row[0], reading) if len(row) > 1 else []
        row[:0] = leads
        count = len({meaning for group in row for meaning in spelled(group.meanings)})
        for group in row:
            if count >= enough or (listed and group in heads):
                group.listed = group.chosen < PREFERRED or group in leads
            elif count <= 1:
                group.asserted = True
                group.chosen = max(group.chosen, CONCLUDED)


def _leads(first: Group, reading: Reading) -> list[Group]:
    """The group that ends the sentence before a row of labels: "The options are A", and then B and C on their lines."""
    return [
        group for group in reading.groups
        if group.sentence == first.sentence - 1 and group.end == reading.sentences[group.sentence][1]
    ]  # fmt: skip


def _rows(groups: list[Group]) -> list[list[Group]]:
    """Runs of groups in sentences that follow each other without an empty line between."""
    numbered = groupby(enumerate(groups), key=lambda pair: pair[1].sentence - pair[0])
    return [[group for _, group in run] for _, run in numbered]


def _questions(reading: Reading) -> None:
    """Labels of a question are doubted; those that "No." follows are denied."""
    for group in reading.groups:
        end = reading.sentences[group.sentence][1]
        if end < len(reading.tokens) and reading.tokens[end] == "?":
            group.doubted, group.chosen = True, SAID
    for clause in reading.clauses:
        for start, _, entry in clause.cues:
            if entry.cue is Cue.DENY:
                before = [group for group in reading.groups if group.end <= start]
                if before and before[-1].sentence >= clause.sentence - 1:
                    before[-1].denied = True
