import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.expressions import Label, LabelSpace
from harness.labeling.prompts import PromptSet, load_prompt_set, shuffled
from harness.labeling.prompts.tables import SetTable

SPACE = LabelSpace("moods", (Label("glad", ("happy",)), Label("sad"), Label("calm")))
ONE = """
name = "one"
[[prompts]]
name = "one"
system = "There are {count} in {space}: {options}."
text = "{options}?"
options = { open = "<", close = ">", separator = " | ", last = " or " }
"""
TWO = """
name = "two"
[[prompts]]
name = "two"
steps = ["What does it do?", "{options}?"]
[[examples]]
image = "one.png"
label = "happy"
replies = ["It smiles."]
"""
# Names that no two of are the same label: what LabelSpace refuses is not for us to test.
names = st.lists(
    st.text(min_size=1).filter(str.strip) | st.text(st.sampled_from("{}ab' \n"), min_size=1).filter(str.strip),
    min_size=2,
    max_size=12,
    unique_by=lambda name: " ".join(name.replace("_", " ").replace("-", " ").split()).casefold(),
).filter(lambda all_names: all(name.replace("_", " ").replace("-", " ").strip() for name in all_names))


def table(**prompt):
    return SetTable.model_validate({"name": "set", "prompts": [{"name": "p", **prompt}]})


@given(names, st.text(st.sampled_from("{}<>,|")), st.text(st.sampled_from("{}<>,|")), st.integers(0, 99))
def test_no_class_name_breaks_the_text_and_all_can_be_read_back(class_names, before, after, seed):
    space = LabelSpace("s", tuple(Label(name) for name in class_names))
    options = {"open": before, "close": after, "separator": "\0", "last": "\0"}
    (prompt,) = PromptSet(table(text="A {options} B {count} {{options}}", options=options), "set").render(space)
    order = shuffled(len(space), seed, "face")
    for asked, ids in ((prompt.prompt(0), range(len(space))), (prompt.prompt(0, (), order), order)):
        listed = asked.text.removeprefix("A ").removesuffix(f" B {len(space)} {{options}}")
        if "\0" not in "".join(class_names):
            assert listed.split("\0") == [before + class_names[one] + after for one in ids]
    assert prompt.schema(order)["properties"]["label"]["enum"] == [class_names[one] for one in order]
    assert list(prompt.spellings.items()) == [(name, name) for name in class_names]


def test_options_stand_in_the_order_of_the_face(loaded):
    (prompt,) = loaded(ONE).render(SPACE)
    assert prompt.prompt(0).text == "<glad> | <sad> or <calm>?"
    assert prompt.prompt(0).system == "There are 3 in moods: <glad> | <sad> or <calm>."
    shown = prompt.prompt(0, (), (2, 0, 1))
    assert shown.text == "<calm> | <glad> or <sad>?"
    assert shown.system == "There are 3 in moods: <calm> | <glad> or <sad>."


def test_the_schema_binds_the_answer_to_the_classes(loaded):
    (prompt,) = loaded(ONE).render(SPACE)
    assert prompt.schema() == {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["glad", "sad", "calm"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    assert prompt.schema((1, 2, 0))["properties"]["label"]["enum"] == ["sad", "calm", "glad"]


def test_what_does_not_depend_on_the_face_is_the_same_object_each_time(loaded):
    (prompt,) = loaded(ONE).render(SPACE)
    assert prompt.prompt(0) is prompt.prompt(0)
    assert prompt.schema() is prompt.schema()


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 1), (0, 1, 3), (0, 1, 2, 3)])
def test_an_order_must_be_one_of_all_classes(loaded, order):
    (prompt,) = loaded(ONE).render(SPACE)
    message = r"is not one of the class ids 0 to 2, each once"
    with pytest.raises(ValueError, match=message):
        prompt.prompt(0, (), order)
    with pytest.raises(ValueError, match=message):
        prompt.schema(order)


def test_a_step_needs_the_replies_before_it(loaded):
    (prompt,) = loaded(TWO).render(SPACE)
    with pytest.raises(ValueError, match="step 1 of prompt 'two' needs 1 replies, not 0"):
        prompt.prompt(1)
    with pytest.raises(ValueError, match="prompt 'two' has 2 steps; there is no step 2"):
        prompt.prompt(2, ["a", "b"])


def test_replies_stand_as_they_were_said(loaded):
    (prompt,) = loaded(TWO).render(SPACE)
    asked = prompt.prompt(1, ["{options} }{"], (2, 1, 0))
    assert [one.text for one in asked.after] == ["{options} }{", "calm, sad, glad?"]
    assert asked.text == "What does it do?"


def test_examples_are_asked_and_answered_like_the_face(loaded):
    (prompt,) = loaded(TWO).render(SPACE)
    before = prompt.prompt(0).before
    assert [(one.role, one.text) for one in before] == [
        ("user", "What does it do?"),
        ("assistant", "It smiles."),
        ("user", "glad, sad, calm?"),
        ("assistant", "glad"),
    ]
    assert before[0].image
    assert before[1].image is before[2].image is None
    assert [one.role for one in prompt.prompt(1, ["x"]).messages(b"")] == ["user", "assistant"] * 3 + ["user"]


def test_examples_are_the_same_before_every_face(loaded):
    (prompt,) = loaded(TWO).render(SPACE)
    befores = [prompt.prompt(0, (), order).before for order in itertools.permutations(range(3))]
    assert all(before is befores[0] for before in befores)


def test_examples_answer_in_json_where_the_answer_is_json(loaded):
    (prompt,) = loaded(TWO).render(SPACE, "enum")
    assert prompt.answer == "enum"
    assert json.loads(prompt.prompt(0).before[-1].text) == {"label": "glad"}
    assert prompt.prompt(0).before[1].text == "It smiles."


def test_examples_are_sent_without_metadata_and_changed_like_the_faces(loaded, folder):
    text = ONE + '[[examples]]\nimage = "two.jpg"\nlabel = "sad"\n'
    assert b"taken at home" in (folder / "two.jpg").read_bytes()
    (plain,) = loaded(text).render(SPACE)
    assert b"taken at home" not in plain.prompt(0).before[0].image
    (changed,) = loaded(text).render(SPACE, image=lambda stored: stored[::-1])
    assert changed.prompt(0).before[0].image == (folder / "two.jpg").read_bytes()[::-1]


def test_a_hundred_thousand_faces_are_a_matter_of_a_second():
    (prompt, _) = load_prompt_set("table-1").render(SPACE)
    began = time.process_time()
    for _ in range(20_000):
        prompt.prompt(0)
        prompt.schema()
    assert time.process_time() - began < 0.5  # 0.01 s alone on two cores
