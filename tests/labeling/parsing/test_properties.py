"""What holds for any reply."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace
from harness.labeling.parsing import Parser

FEELINGS = LabelSpace("feelings", (Label("Glad"), Label("Sad"), Label("Cross")))
NESTED = LabelSpace("nested", (Label("Sad"), Label("Sadly Angry"), Label("Angry")))
SPACES = (ABAW_COMPOUND_7, RAF_DB_BASIC_7, FEELINGS, NESTED)
PARSERS = {space.name: Parser(space) for space in SPACES}
TWINS = {space.name: Parser(space) for space in SPACES}

spaces = st.sampled_from(SPACES)
quotes = st.sampled_from(["''", '""', "“”", "‘’", "„“", "‚‘", "»«", "«»", "「」", "『』", "《》", "``", "()", "[]"])
markdown = st.sampled_from(
    ["{}", "**{}**", "*{}*", "__{}__", "_{}_", "# {}", "### {}\n", "- {}", "> {}", "```\n{}\n```"]
)
cases = st.sampled_from([str.lower, str.upper, str.title, str.swapcase])
gaps = st.text(alphabet=" \t\n\u00a0", max_size=3)
WORDS = r"""
    Sadly Angry Happily Surprised Fear sadness and or not but I can't tell rather than answer : , . ? ! ** " ' { }
    label neutral none most likely possibly if the expression is identify emotions of people sorry <think> </think> ~~
    1. - — no yes either vs. “ ” \boxed{ } ``` json [ ] | &amp; <b> 不 是 Glad Cross
"""
words = st.sampled_from([*WORDS.split(), "\n", "\n\n"])
replies = st.one_of(st.text(), st.lists(words, max_size=30).map(" ".join))


def named(space: LabelSpace, number: int) -> str:
    return space.names[number % len(space)]


@given(spaces, replies, st.booleans())
@example(ABAW_COMPOUND_7, '{"a":' * 20_000, False)
@example(ABAW_COMPOUND_7, "{" * 20_000, True)
@example(ABAW_COMPOUND_7, '{"label": ' + "9" * 5000 + "}", False)
@example(ABAW_COMPOUND_7, '{"a": ' + "9" * 400 + ', "b": 0.1}', False)
@example(ABAW_COMPOUND_7, '{"a": NaN, "b": Infinity}', False)
@example(ABAW_COMPOUND_7, "\ud800 Sadly Angry", False)
@example(ABAW_COMPOUND_7, "İ" * 50 + "ß\x00", False)
def test_no_text_raises_and_only_a_label_has_a_class(space, text, truncated):
    parsed = PARSERS[space.name].parse(text, truncated=truncated)
    assert (parsed.outcome == "label") == (0 <= parsed.label < len(space))
    assert parsed.outcome in {"label", "abstain", "refused_text", "unparsed", "truncated"}
    assert parsed.outcome != "truncated" or truncated


@given(spaces, replies, st.booleans())
def test_the_same_text_always_comes_to_the_same(space, text, truncated):
    parsed = PARSERS[space.name].parse(text, truncated=truncated)
    assert parsed == TWINS[space.name].parse(text, truncated=truncated)
    assert parsed == PARSERS[space.name].parse(text, truncated=truncated)


@given(spaces, st.integers(0, 6), quotes, markdown, cases, gaps, gaps, st.sampled_from(["", ".", "!", "。", "…"]))
def test_case_quotes_markdown_and_space_do_not_change_a_plain_answer(
    space, number, quote, mark, case, before, after, stop
):
    name = named(space, number)
    quoted = f"{quote[0]}{case(name)}{quote[1]}"
    text = before + mark.replace("{}", quoted + stop) + after
    assert PARSERS[space.name].parse(text).label == space.id_of(name), text


@given(spaces, st.data())
def test_naming_every_class_without_a_choice_is_no_label(space, data):
    names = data.draw(st.permutations(space.names))
    join = data.draw(
        st.sampled_from([", ", "\n", "\n\n", " and ", " or ", " / ", "; ", ". ", " ", "\n- ", " | ", "' '"])
    )
    numbered = data.draw(st.booleans())
    items = [f"{i}. {name}" if numbered else name for i, name in enumerate(names, 1)]
    before = data.draw(st.sampled_from(["", "The options are ", "Answer: ", "I see ", "It could be ", "- "]))
    text = before + join.join(items)
    assert PARSERS[space.name].parse(text).outcome == "unparsed", text


@given(
    spaces,
    st.integers(0, 6),
    st.integers(1, 6),
    st.sampled_from(
        [
            "{a}, not {b}", "{a}, not {b}.", "Not {b}, rather {a}.", "Not {b} but {a}", "{a} rather than {b}",
            "{a} instead of {b}", "It's not {b}, it's {a}.", "{a}. It is not {b}.", "This isn't {b}. It is {a}.",
            "{a} (not {b})", "Answer: {a}\n\nIt doesn't look like {b}.", "**{a}**, as opposed to {b}",
            "The expression is {a}, not {b}.", "I don't think it is {b}. I would say {a}.", "{b}? No. {a}.",
            "{b} can be ruled out, so {a}.", "There is no sign of {b}; it looks like {a}.",
        ]
    ),
)  # fmt: skip
def test_a_negated_other_label_does_not_change_the_answer(space, number, step, sentence):
    answer, other = named(space, number), named(space, number + 1 + step % (len(space) - 1))
    text = sentence.format(a=answer, b=other)
    assert PARSERS[space.name].parse(text).label == space.id_of(answer), text


@given(spaces, st.integers(0, 6), st.sampled_from(["Not {}.", "It isn't {}.", "This is not {}", "neither {}", "no {}"]))
def test_a_label_that_is_only_negated_is_no_label(space, number, sentence):
    text = sentence.format(named(space, number))
    assert PARSERS[space.name].parse(text).outcome == "unparsed", text


@given(spaces, st.integers(0, 6), st.integers(1, 6), st.sampled_from(
    ["{} or {}", "either {} or {}", "{}/{}", "{} and {}", "{}, {}", "It could be {} or {}.", "between {} and {}",
     "Answer: {} or {}", "Most likely {} or {}.", '{{"label": ["{}", "{}"]}}', "{}\n{}"]))  # fmt: skip
def test_two_labels_without_a_choice_are_no_label(space, number, step, sentence):
    first, second = named(space, number), named(space, number + 1 + step % (len(space) - 1))
    text = sentence.format(first, second)
    assert PARSERS[space.name].parse(text).outcome == "unparsed", text


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_every_prefix_of_a_long_reply_is_its_label_or_truncated(space):
    name = space.names[-1]
    text = f"The face is calm at first sight. The expression is {name}.\n\nThe brows and the mouth show it."
    found = {PARSERS[space.name].parse(text[:end], truncated=True).label for end in range(len(text) + 1)}
    assert found == {-1, len(space) - 1}
