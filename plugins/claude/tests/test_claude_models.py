import pytest
from harness_claude.models import can_force_tools, image_tokens, no_thinking, version_of
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-haiku-5-5", ("haiku", (5, 5))),
        ("claude-haiku-4-5-20251001", ("haiku", (4, 5))),
        ("claude-opus-4-20250514", ("opus", (4, 0))),
        ("claude-opus-5", ("opus", (5, 0))),
        ("anthropic/claude-sonnet-4-6", ("sonnet", (4, 6))),
        ("claude-3-5-haiku-20241022", None),
        ("my-local-model", None),
    ],
)
def test_line_and_version_are_read_from_the_id(model, version):
    assert version_of(model) == version


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("claude-haiku-5-5", "disabled"),
        ("claude-sonnet-5", "disabled"),
        ("claude-opus-5", "disabled"),
        ("claude-sonnet-5-5", "between_tools"),
        ("claude-opus-5-5", None),  # answers 400 to whatever would stop it
        ("claude-fable-5-1", None),
        ("claude-haiku-4-5", None),  # thinks only when asked to
        ("claude-opus-9", None),
        ("my-local-model", None),
    ],
)
def test_thinking_is_stopped_with_the_word_that_the_model_knows(model, word):
    assert no_thinking(model) == word


@pytest.mark.parametrize(
    ("model", "can"),
    [
        ("claude-haiku-4-5", True), ("claude-haiku-5-5", True), ("claude-opus-5", True), ("my-local-model", True),
        ("claude-opus-5-5", False), ("claude-sonnet-5-5", False), ("claude-fable-5-1", False), ("claude-opus-9", False),
    ],
)  # fmt: skip
def test_tools_are_forced_where_that_is_known_to_work(model, can):
    assert can_force_tools(model) == can


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("claude-haiku-4-5", 1, 1, 1),
        ("claude-haiku-4-5", 112, 112, 16),
        ("claude-haiku-4-5", 113, 112, 20),
        ("claude-haiku-5-5", 224, 224, 64),
        ("claude-haiku-4-5", 512, 512, 361),
        ("claude-haiku-4-5", 1024, 1024, 1369),
        # The documentation's example: an A4 page of 1075 x 1520 px becomes 924 x 1307 px, 33 x 47 patches; models of
        # high resolution leave it as it is, 39 x 55.
        ("claude-haiku-4-5", 1075, 1520, 33 * 47),
        ("claude-opus-4-7", 1075, 1520, 39 * 55),
        ("claude-opus-5-5", 3840, 2160, 92 * 52),
    ],
)
def test_an_image_costs_a_token_for_each_patch(model, width, height, tokens):
    assert image_tokens(model, width, height) == tokens


SIDE = st.integers(1, 8000)


@given(SIDE, SIDE)
def test_no_image_costs_more_than_the_most(width, height):
    assert 1 <= image_tokens("claude-haiku-4-5", width, height) <= 1568
    assert 1 <= image_tokens("claude-haiku-5-5", width, height) <= 4784


@given(SIDE, SIDE)
def test_an_image_costs_the_same_on_its_side(width, height):
    assert image_tokens("claude-haiku-5-5", width, height) == image_tokens("claude-haiku-5-5", height, width)
