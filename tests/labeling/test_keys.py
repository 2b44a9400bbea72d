import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.keys import REMEMBERED, Keys, asker_of
from harness.vlm import LanguageModelOptions, Message, Prompt

FACE = bytes(32)
PROMPT = Prompt("Which one?", "Be brief.", (Message("user", "An example.", b"image"), Message("assistant", "Glad")))
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["Glad", "Sad"]}}}


def key(image=FACE, prompt=PROMPT, schema=SCHEMA, vote=0, asker="somebody"):
    return Keys(asker).of(image, prompt, schema, vote)


@pytest.mark.parametrize(
    "change",
    [
        {"image": b"\1" * 32},
        {"vote": 1},
        {"asker": "somebody else"},
        {"schema": None},
        {"schema": {"type": "object", "properties": {"label": {"enum": ["Sad", "Glad"]}}}},
        {"prompt": Prompt("Which one now?", PROMPT.system, PROMPT.before)},
        {"prompt": Prompt(PROMPT.text, "Be long.", PROMPT.before)},
        {"prompt": Prompt(PROMPT.text, PROMPT.system)},
        {"prompt": Prompt(PROMPT.text, PROMPT.system, (Message("user", "An example.", b"other"), *PROMPT.before[1:]))},
        {"prompt": Prompt(PROMPT.text, PROMPT.system, (Message("user", "An example."), *PROMPT.before[1:]))},
        {"prompt": Prompt(PROMPT.text, PROMPT.system, PROMPT.before, (Message("assistant", "It smiles."),))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_a_reply_decides_its_key(change):
    assert key(**change) != key()


def test_equal_questions_have_one_key_whichever_objects_they_are():
    same = Prompt("Which one?", "Be brief.", (Message("user", "An example.", b"image"), Message("assistant", "Glad")))
    assert key(prompt=same, schema=dict(reversed(SCHEMA.items()))) == key()
    assert len(key()) == 32


def test_keys_do_not_depend_on_what_was_asked_before():
    keys = Keys("somebody")
    prompts = [Prompt(f"question {number}") for number in range(REMEMBERED + 20)]
    first = [keys.of(FACE, prompt, None, 0) for prompt in prompts]
    assert len(set(first)) == len(prompts)
    assert [keys.of(FACE, prompt, None, 0) for prompt in prompts] == first


def test_a_prompt_that_took_the_place_of_another_in_memory_has_a_key_of_its_own():
    keys = Keys("somebody")
    assert len({keys.of(FACE, Prompt(f"question {number}"), None, 0) for number in range(3 * REMEMBERED)}) == (
        3 * REMEMBERED
    )


@given(st.text(), st.text())
def test_texts_never_run_into_each_other(system, text):
    assert (key(prompt=Prompt(text, system)) == key(prompt=Prompt(system, text))) == (system == text)


class Options(LanguageModelOptions):
    model: str = "model"
    temperature: float = 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"limits": {"connections": 3, "timeout": 5, "requests_per_minute": 7}},
        {"max_cost": 2.0},
        {"prices": "prices.toml"},
        {"max_failed": 0.5},
        {"prompts": "enum"},  # the prompt itself is in the key
        {"votes": 3},
        {"escalation": [{"change": "grey"}]},
        {"image": {"grey": True}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_no_reply_leaves_the_asker_alone(change):
    assert asker_of("vlm", Options(**change).asking()) == asker_of("vlm", Options().asking())


@pytest.mark.parametrize("change", [{"model": "other"}, {"temperature": 0.5}], ids=lambda change: next(iter(change)))
def test_model_and_sampling_parameters_make_another_asker(change):
    assert asker_of("vlm", Options(**change).asking()) != asker_of("vlm", Options().asking())


def test_two_labelers_of_one_model_are_two_askers():
    assert asker_of("vlm", Options().asking()) != asker_of("other", Options().asking())
