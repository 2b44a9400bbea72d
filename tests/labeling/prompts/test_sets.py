import json

import pytest

from harness.errors import ConfigError
from harness.expressions import RAF_DB_BASIC_7, Label, LabelSpace
from harness.labeling.prompts import load_prompt_set

SPACE = LabelSpace("moods", (Label("glad", ("happy",)), Label("sad"), Label("calm")))
ONE = 'name = "one"\n[[prompts]]\nname = "p"\ntext = "{options}?"\n'


def in_space(**keys):
    """The set with a table for the space, keys as TOML."""
    return ONE + '[[spaces]]\nname = "moods"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())


def asked(prompt_set, space=SPACE):
    return prompt_set.render(space)[0].prompt(0).text


def test_order_and_spelling_are_those_of_the_named_space(loaded):
    prompt_set = loaded(in_space(order='["calm", "happy", "sad"]', spellings='{ glad = "froh", Sad = "traurig" }'))
    assert asked(prompt_set) == "calm, froh, traurig?"
    (prompt,) = prompt_set.render(SPACE)
    assert list(prompt.spellings.items()) == [("froh", "glad"), ("traurig", "sad"), ("calm", "calm")]
    assert prompt.prompt(0, (), (0, 1, 2)).text == "froh, traurig, calm?"
    assert prompt.schema()["properties"]["label"]["enum"] == ["calm", "froh", "traurig"]


def test_other_spaces_keep_their_names_and_ids(loaded):
    prompt_set = loaded(in_space(order='["calm", "happy", "sad"]', spellings='{ glad = "froh" }'))
    assert asked(prompt_set, RAF_DB_BASIC_7) == "Surprise, Fear, Disgust, Happiness, Sadness, Anger, Neutral?"


def test_content_is_json_and_holds_the_sha256_of_the_examples(loaded, folder):
    example = '[[examples]]\nimage = "one.png"\nlabel = "glad"\n'
    content = loaded(ONE + example).content()
    assert json.loads(json.dumps(content)) == content
    assert len(content["examples"][0]["image"]) == 64
    (folder / "other.png").write_bytes((folder / "one.png").read_bytes())
    assert loaded(ONE + example.replace("one", "other")).content() == content
    (folder / "one.png").write_bytes((folder / "one.png").read_bytes() + b"!")
    assert loaded(ONE + example).content() != content


def test_every_word_is_in_the_content_but_the_description(loaded):
    content = loaded(ONE).content()
    assert loaded('description = "better"\n' + ONE).content() == content
    for other in (ONE.replace("?", "."), ONE + 'system = "S"\n', 'answer = "enum"\n' + ONE, in_space()):
        assert loaded(other).content() != content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name =", "not valid TOML: Invalid value"),
        ('name = "x"\n', "key 'prompts' is missing"),
        ('name = "x"\nprompts = []\n', "key 'prompts' = .*: tuple should have at least 1 item"),
        (ONE.replace("text", "txt"), "key 'prompts.0.txt' is not known; did you mean 'text'"),
        ('descripton = "x"\n' + ONE, "key 'descripton' is not known; did you mean 'description'"),
        (ONE + 'options = { sep = "" }\n', r"key 'prompts.0.options.sep' is not known; did you mean 'separator'"),
        ('answer = "json"\n' + ONE, "key 'answer' = 'json': input should be 'text' or 'enum'"),
        (ONE + 'steps = ["a"]\n', "prompt 'p' needs either text or steps"),
        (ONE.replace('text = "{options}?"', ""), "prompt 'p' needs either text or steps"),
        (ONE.replace('"{options}?"', '" "'), "key 'prompts.0.text' = ' ': string should match"),
        (ONE + ONE.removeprefix('name = "one"'), "two of the prompts are named 'p'"),
        (in_space() + in_space().removeprefix(ONE), "two of the spaces are named 'moods'"),
        (ONE.replace("{options}", "{optoins}"), r"key 'prompts.0.text': variable \{optoins\} .*did you mean 'options'"),
        (ONE + 'system = "{way_out}"\n', r"key 'prompts.0.system': variable \{way_out\} is not known"),
        (ONE.replace("{options}", "{"), "key 'prompts.0.text': the brace at character 1 stands alone"),
        (
            ONE + '[[examples]]\nimage = "none.png"\nlabel = "sad"\n',
            "key 'examples.0.image' = '.*none.png': cannot be re",
        ),
        (
            ONE + '[[examples]]\nimage = "set.toml"\nlabel = "sad"\n',
            "key 'examples.0.image' = '.*': an image to send mus",
        ),
        (ONE + '[[examples]]\nimage = "."\nlabel = "sad"\n', "key 'examples.0.image' = '.*': cannot be read"),
        (ONE + '[[examples]]\nimage = "one.png"\n', "key 'examples.0.label' is missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_key(loaded, folder, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        loaded(text)
    assert str(caught.value).startswith(f"prompt set {folder / 'set.toml'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (in_space(spellings='{ gald = "x" }'), "key 'spaces.0.spellings.gald': is no class of .* did you mean 'glad'"),
        (in_space(spellings='{ glad = "sad" }'), "spellings.glad' = 'sad': names another class, 'sad'"),
        (
            in_space(spellings='{ glad = "x", calm = "X" }'),
            "spellings': two classes of label space 'moods' are spelt 'x'",
        ),
        (in_space(order='["glad", "sad"]'), "key 'spaces.0.order': calm is missing; name every class once"),
        (in_space(order='["glad", "sad", "cal"]'), "order': 'cal' is no class of .* did you mean 'calm'"),
        (in_space(order='["glad", "sad", "happy"]'), "order': 'glad' stands twice"),
        ('way_out = "Sad"\n' + ONE, "key 'way_out' = 'Sad': is a class of label space 'moods'"),
        (
            ONE + '[[examples]]\nimage = "one.png"\nlabel = "gladd"\n',
            "key 'examples.0.label' = 'gladd': is no class of",
        ),
        (
            ONE.replace('text = "{options}?"', 'steps = ["a", "{options}"]')
            + '[[examples]]\nimage = "one.png"\nlabel = "glad"\n',
            "key 'examples.0.replies': prompt 'p' has 2 steps; give 1 replies",
        ),
    ],
)
def test_a_set_that_does_not_fit_the_space_is_named_with_the_key(loaded, text, message):
    prompt_set = loaded(text)
    with pytest.raises(ConfigError, match=message) as caught:
        prompt_set.render(SPACE)
    assert str(caught.value).startswith("prompt set ")


def test_a_name_that_is_not_built_in_names_the_nearest():
    with pytest.raises(
        ConfigError, match="'tabel-1' is neither a .toml file nor a built-in name; did you mean 'table-1'"
    ):
        load_prompt_set("tabel-1")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none.toml: no such file"):
        load_prompt_set(str(tmp_path / "none.toml"))


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "set.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="set.toml: not valid TOML"):
        load_prompt_set(str(tmp_path / "set.toml"))
