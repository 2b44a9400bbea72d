"""Every reply of the corpus comes to what it must; the reply itself is named where it does not."""

from __future__ import annotations

from collections import Counter

from harness.expressions import LabelSpace
from harness.labeling.parsing import Parsed, Parser

PARSERS: dict[str, Parser] = {}


def parser(space: LabelSpace) -> Parser:
    return PARSERS.setdefault(space.name, PARSERS.get(space.name) or Parser(space))


def shown(parsed: Parsed, space: LabelSpace) -> str:
    return space.names[parsed.label] if parsed.outcome == "label" else parsed.outcome


def test_every_reply_comes_to_what_it_must(corpus):
    wrong = []
    for example in corpus:
        parsed = parser(example.space).parse(example.text, truncated=example.truncated)
        if shown(parsed, example.space) != example.expected:
            wrong.append(
                f"[{example.kind}, {example.space.name}] {example.text!r}\n"
                f"    expected {example.expected}, got {shown(parsed, example.space)} ({parsed.reason})"
            )
    assert not wrong, f"{len(wrong)} of {len(corpus)} replies:\n" + "\n".join(wrong)


def test_only_a_label_carries_a_class_and_everything_else_says_why(corpus):
    for example in corpus:
        parsed = parser(example.space).parse(example.text, truncated=example.truncated)
        assert (parsed.outcome == "label") == (parsed.label >= 0), example.text
        assert parsed.reason, example.text


def test_no_reply_stands_in_the_corpus_twice(corpus):
    counts = Counter((example.space.name, example.text, example.truncated) for example in corpus)
    assert [text for (_, text, _), count in counts.items() if count > 1] == []


def test_the_corpus_is_large_and_has_every_outcome(corpus):
    assert len(corpus) >= 250
    expected = {example.expected for example in corpus}
    assert {"abstain", "refused_text", "unparsed", "truncated"} <= expected
    assert set(corpus[0].space.names) <= expected


def test_a_cut_reply_that_is_no_label_is_truncated_whatever_it_says(corpus):
    for example in corpus:
        parsed = parser(example.space).parse(example.text, truncated=True)
        assert parsed.outcome in {"label", "truncated"}, example.text


def test_being_cut_never_makes_another_label_of_a_reply(corpus):
    for example in corpus:
        whole = parser(example.space).parse(example.text)
        cut = parser(example.space).parse(example.text, truncated=True)
        if cut.outcome == "label" and whole.outcome == "label":
            assert cut.label == whole.label, example.text
