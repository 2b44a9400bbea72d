import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.labeling.prompts.templates import Template, literal

KNOWN = ("options", "count", "space")
braced = st.text(st.sampled_from("ab {}{}'\n"))


@given(st.text() | braced)
def test_a_text_without_variables_comes_out_as_it_was(text):
    assert Template.parse(literal(text), KNOWN, "here").fill({}) == text


@given(braced, braced, st.text() | braced, st.text() | braced)
def test_values_are_put_in_as_they_are(before, after, options, count):
    template = Template.parse(f"{literal(before)}{{options}}{{count}}{literal(after)}", KNOWN, "here")
    assert template.fill({"options": options, "count": count}) == before + options + count + after


def test_an_unknown_variable_names_the_nearest():
    with pytest.raises(
        ConfigError, match=r"^here: variable \{option\} is not known; did you mean 'options'\? \(known: "
    ):
        Template.parse("Which of {option}?", KNOWN, "here")


@pytest.mark.parametrize(
    ("text", "place", "hint"), [("a { b", 3, "{{"), ("a } b", 3, "}}"), ("{{}", 3, "}}"), ("{a{options}", 1, "{{")]
)
def test_a_brace_that_stands_alone_is_an_error(text, place, hint):
    with pytest.raises(ConfigError) as caught:
        Template.parse(text, KNOWN, "here")
    assert str(caught.value) == f"here: the brace at character {place} stands alone; write {hint}"
