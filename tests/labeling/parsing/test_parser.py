"""What a parser is built from, and what it says of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.errors import ConfigError, DataError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace
from harness.labeling.parsing import PARSER_VERSION, Parsed, Parser


def space(*labels: Label | str) -> LabelSpace:
    return LabelSpace("own", tuple(one if isinstance(one, Label) else Label(one) for one in labels))


def test_the_version_is_a_number_that_can_be_compared():
    assert isinstance(PARSER_VERSION, int)
    assert PARSER_VERSION >= 1


def test_extra_spellings_name_a_class_alone_and_in_a_sentence():
    parser = Parser(RAF_DB_BASIC_7, {"joyful": "Happiness", "Pissed-Off": "Anger"})
    assert parser.parse("Joyful!").label == RAF_DB_BASIC_7.id_of("Happiness")
    assert parser.parse("He looks pissed off, not joyful.").label == RAF_DB_BASIC_7.id_of("Anger")
    assert Parser(RAF_DB_BASIC_7).parse("Joyful!").outcome == "unparsed"


def test_a_spelling_of_a_class_that_is_not_there_names_the_nearest():
    with pytest.raises(DataError, match=r"label 'Angre' is not in label space 'raf-db-basic-7'.*'Anger'"):
        Parser(RAF_DB_BASIC_7, {"cross": "Angre"})


def test_a_spelling_that_is_another_class_already_is_refused():
    with pytest.raises(ConfigError, match=r"spelling 'sad' cannot stand for 'Anger': it is one of 'Sadness' already"):
        Parser(RAF_DB_BASIC_7, {"sad": "Anger"})


def test_a_spelling_of_marks_alone_is_refused():
    with pytest.raises(ConfigError, match=r"spelling '!!' of class 'Anger' has no letter or digit"):
        Parser(RAF_DB_BASIC_7, {"!!": "Anger"})


def test_names_that_differ_in_marks_alone_are_told_apart_only_when_written_exactly():
    parser = Parser(space("Joy", "Joy!", "Grief"))
    assert parser.parse("Joy").label == 0
    assert parser.parse("Joy!").label == 1
    assert parser.parse("joy").outcome == "unparsed"
    assert parser.parse("It is joy.").outcome == "unparsed"
    assert parser.parse("It is grief.").label == 2


def test_two_classes_of_the_same_two_emotions_are_named_by_their_words_only():
    parser = Parser(
        space(Label("Sadly Angry", (), ("sadness", "anger")), Label("Angrily Sad", (), ("anger", "sadness")))
    )
    assert parser.parse("Sadly angry.").label == 0
    assert parser.parse("The face looks angrily sad.").label == 1
    assert parser.parse("a mix of sadness and anger").outcome == "unparsed"


def test_compounds_beside_their_basic_classes_are_told_apart():
    parser = Parser(space(*RAF_DB_BASIC_7.labels, *ABAW_COMPOUND_7.labels))
    assert parser.space.names[parser.parse("Surprise").label] == "Surprise"
    assert parser.space.names[parser.parse("fearful surprise").label] == "Fearfully Surprised"
    assert parser.space.names[parser.parse("a mix of sadness and anger").label] == "Sadly Angry"
    assert parser.space.names[parser.parse("not sad, but angry").label] == "Anger"
    assert parser.parse("sad or angry").outcome == "unparsed"


def test_a_class_named_none_or_neutral_is_a_class_and_no_abstention():
    parser = Parser(space("None", "Neutral", "Other"))
    assert [parser.parse(text).label for text in ("none", "Neutral.", "other", "It is neutral.")] == [0, 1, 2, 1]
    assert parser.parse("cannot tell").outcome == "abstain"


def test_single_letters_and_numbers_are_classes_only_when_they_are_the_answer():
    parser = Parser(space("A", "B", "1"))
    assert parser.parse("a").label == 0
    assert parser.parse("Answer: B").label == 1
    assert parser.parse('{"label": "1"}').label == 2
    assert parser.parse("This is a face with 1 nose.").outcome == "unparsed"


def test_an_emoji_is_a_name_like_any_other():
    assert Parser(space("😀", "😢")).parse(" 😢. ").label == 1


def test_outcomes_are_values_that_compare():
    assert Parser(ABAW_COMPOUND_7).parse("") == Parsed("unparsed", -1, "empty")
    assert Parser(ABAW_COMPOUND_7).parse("", truncated=True) == Parsed("truncated", -1, "cut before a label was named")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sadly", "half a label"),
        ("not Sadly Angry", "only a negated label"),
        ("Sadly Angry or Sadly Fearful", "several labels without a choice"),
        ("Happily Surprised, Sadly Angry, Sadly Fearful", "options listed, none chosen"),
        ("Happily Disgusted", "a class outside the label space"),
        ("Hello there", "no label"),
        ('{"label": "x"}', "no label in a JSON object"),
        ('{"label": ["Sadly Angry", "Sadly Fearful"]}', "several labels without a choice"),
    ],
)
def test_an_unparsed_reply_says_why(text, reason):
    assert Parser(ABAW_COMPOUND_7).parse(text) == Parsed("unparsed", -1, reason)


def test_a_reply_longer_than_any_answer_is_not_searched():
    parser = Parser(ABAW_COMPOUND_7)
    assert parser.parse("Sadly Angry. " * 10_000) == Parsed("unparsed", -1, "longer than any answer")
    assert parser.parse("Sadly Angry. " * 10_000, truncated=True).outcome == "truncated"
    assert parser.parse(f"<think>{'Sadly Angry? ' * 10_000}</think>Happily Surprised").label == 1


def test_the_parser_needs_no_heavy_package():
    code = (
        "import sys, harness.labeling.parsing\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'cv2', 'anthropic', 'openai'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
