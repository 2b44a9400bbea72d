"""The sets that come with the harness."""

import functools
import json
import subprocess
import sys

import pytest

from harness.expressions import ABAW_COMPOUND_7, BUILT_IN, RAF_DB_BASIC_7, Label, LabelSpace
from harness.labeling.parsing import Parser
from harness.labeling.prompts import built_in, load_prompt_set

P1 = (
    "Which of the following expressions is the expression in the image: 'Happily Surprised', 'Sadly Fearful', "
    "'Sadly Angry', 'Sadly Surprised', 'Fearfully Surprised', 'Angrily Surprised', 'Disgustingly Surprised'? "
    "No explanation needed, just give me the name of a category"
)
P2 = (
    "Which of these expressions in the picture is like 'Happily Surprised', 'Sadly Fearful', 'Sadly Angry', "
    "'Sadly Surprised', 'Fearfully Surprised', 'Angrily Surprised' or 'Disgustingly Surprised'? "
    "No need for an explanation, just give me the name of a category."
)


def test_table_1_is_the_papers_word_for_word():
    first, second = load_prompt_set("table-1").render(ABAW_COMPOUND_7)
    assert first.prompt(0).text.encode() == P1.encode()
    assert second.prompt(0).text.encode() == P2.encode()
    assert (first.name, second.name) == ("P1", "P2")
    assert first.prompt(0).system == ""
    assert first.prompt(0).before == first.prompt(0).after == ()


def test_table_1_asks_for_free_text_and_tells_the_parser_its_spelling():
    prompt_set = load_prompt_set("table-1")
    (first, _) = prompt_set.render(ABAW_COMPOUND_7)
    assert prompt_set.answer == first.answer == "text"
    assert first.spellings["Disgustingly Surprised"] == "Disgustedly Surprised"
    assert tuple(first.spellings.values()) == ABAW_COMPOUND_7.names


def test_table_1_lists_another_spaces_classes_by_id():
    (first, second) = load_prompt_set("table-1").render(RAF_DB_BASIC_7)
    assert (
        "image: 'Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral'? No" in first.prompt(0).text
    )
    assert (
        "like 'Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger' or 'Neutral'? No" in second.prompt(0).text
    )
    assert dict(first.spellings) == {name: name for name in RAF_DB_BASIC_7.names}


@pytest.mark.parametrize("name", ["describe-first", "enum", "table-1", "with-way-out"])
def test_every_built_in_set_serves_every_space(name):
    prompt_set = load_prompt_set(name)
    assert prompt_set.name == name
    assert prompt_set.description
    own = LabelSpace("own", (Label("{odd}"), Label("odder}}")))
    for space in (*BUILT_IN.values(), own):
        for prompt in prompt_set.render(space):
            last = prompt.prompt(prompt.steps - 1, ["It smiles."] * (prompt.steps - 1))
            asked = "\n".join([last.text, *(one.text for one in last.after)])
            assert all(asked.count(spelling) >= 1 for spelling in prompt.spellings)


def test_these_are_all():
    assert built_in() == ["authors-code", "describe-first", "enum", "table-1", "with-way-out"]


def test_the_steps_of_describe_first_follow_one_another():
    (prompt,) = load_prompt_set("describe-first").render(RAF_DB_BASIC_7)
    first, second = prompt.prompt(0), prompt.prompt(1, ["Wide eyes."])
    assert prompt.steps == 2
    assert "Surprise" not in first.text
    assert first.after == ()
    assert second.text == first.text
    assert [(one.role, one.image) for one in second.after] == [("assistant", None), ("user", None)]
    assert second.after[0].text == "Wide eyes."
    assert '"Surprise", "Fear"' in second.after[1].text


def test_the_way_out_is_one_of_the_answers():
    (prompt,) = load_prompt_set("with-way-out").render(RAF_DB_BASIC_7)
    assert prompt.prompt(0).text.endswith('answer "none of these".')
    assert prompt.schema()["properties"]["label"]["enum"] == [*RAF_DB_BASIC_7.names, "none of these"]
    assert "none of these" not in prompt.spellings


@functools.cache
def parser_of(space, spellings):
    """Sets that spell alike share a parser: building one takes long."""
    return Parser(BUILT_IN[space], dict(spellings))


@pytest.mark.parametrize("space", BUILT_IN.values(), ids=lambda space: space.name)
@pytest.mark.parametrize("name", ["describe-first", "enum", "table-1", "with-way-out"])
def test_the_parser_understands_every_answer_that_a_set_asks_for(name, space):
    for prompt in load_prompt_set(name).render(space):
        parser = parser_of(space.name, tuple(prompt.spellings.items()))
        for spelling, class_name in prompt.spellings.items():
            for reply in (spelling, f"'{spelling}'.", json.dumps({"label": spelling})):
                assert parser.parse(reply).label == space.id_of(class_name)
        if prompt.way_out:
            assert parser.parse(prompt.way_out).outcome == "abstain"
            assert parser.parse(json.dumps({"label": prompt.way_out})).outcome == "abstain"


def test_asking_loads_nothing_heavy():
    probe = (
        "import sys; from harness.labeling import images, prices, prompts; from harness.expressions import *; "
        "prompts.load_prompt_set('table-1').render(ABAW_COMPOUND_7)[0].prompt(0); prices.Prices.load(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "PIL", "cv2", "torch", "anthropic", "openai"} & set(done.stdout.split())
