"""What the server says when nothing goes wrong, through the real SDKs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from harness.testing.providers import Answer, Model, ProviderServer, Rule

WIRES = ["messages", "chat", "responses"]
LABELS = ["Happily Surprised", "Sadly Angry", "Sadly Fearful"]
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": LABELS}},
    "required": ["label"],
    "additionalProperties": False,
}
Ask = Callable[..., Any]


@pytest.mark.parametrize("wire", WIRES)
def test_a_label_that_the_prompt_names_is_chosen_by_the_image(
    ask: Ask, face: Callable[..., bytes], text_of: Callable[[Any], str], wire: str
) -> None:
    said = [text_of(ask(wire, face(number))) for number in (0, 1, 2, 3, 4, 5, 0)]
    assert said[0] == said[-1]
    assert len(set(said)) > 1
    assert set(said) <= set(LABELS)


def test_the_order_in_which_a_prompt_lists_the_labels_does_not_matter(
    ask: Ask, text_of: Callable[[Any], str], face: Callable[..., bytes]
) -> None:
    one, other = ("'Sad', 'Happy', 'Angry' or 'Bored'?", "'Bored', 'Angry', 'Sad' or 'Happy'?")
    for number in range(4):
        assert text_of(ask("chat", face(number), one)) == text_of(ask("chat", face(number), other))


@pytest.mark.parametrize("wire", WIRES)
def test_a_fixed_label_is_always_said(
    server: ProviderServer, ask: Ask, text_of: Callable[[Any], str], wire: str
) -> None:
    server.behave(label="Contempt")
    assert text_of(ask(wire)) == "Contempt"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("log", [True, False])
def test_a_schema_is_answered_in_json(
    server: ProviderServer, ask: Ask, text_of: Callable[[Any], str], wire: str, log: bool
) -> None:
    server.behave(label="Sadly Angry", log=log)
    named = {"name": "face", "schema": SCHEMA, "strict": True}
    how: dict[str, Any] = {
        "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "chat": {"response_format": {"type": "json_schema", "json_schema": named}},
        "responses": {"text": {"format": {"type": "json_schema", **named}}},
    }
    assert json.loads(text_of(ask(wire, **how[wire]))) == {"label": "Sadly Angry"}
    server.behave(obeys=False)
    assert text_of(ask(wire, **how[wire])) == "Sadly Angry"


def test_a_forced_tool_is_called(ask: Ask) -> None:
    tool = {"name": "answer", "description": "the label", "input_schema": SCHEMA}
    reply = ask("messages", tools=[tool], tool_choice={"type": "tool", "name": "answer"})
    assert reply.stop_reason == "tool_use"
    assert reply.content[0].name == "answer"
    assert reply.content[0].input["label"] in LABELS

    function = {"type": "function", "function": {"name": "answer", "parameters": SCHEMA}}
    reply = ask("chat", tools=[function], tool_choice={"type": "function", "function": {"name": "answer"}})
    assert json.loads(reply.choices[0].message.tool_calls[0].function.arguments)["label"] in LABELS


def test_tokens_follow_from_the_size_of_the_image_and_the_text(ask: Ask, face: Callable[..., bytes]) -> None:
    small, large = (ask("messages", face(0, side), "x" * 40).usage for side in (75, 300))
    assert (small.input_tokens, large.input_tokens) == (10 + 8 + 4, 10 + 120 + 4)
    assert ask("messages", face(0, 300, "PNG"), "x" * 40).usage.input_tokens == large.input_tokens
    low = ask("chat", face(0, 200), "x" * 40).usage
    assert low.prompt_tokens == 10 + 85 + 4
    assert low.total_tokens == low.prompt_tokens + low.completion_tokens
    assert ask("responses", face(0, 200), "x" * 40).usage.input_tokens == low.prompt_tokens


def test_a_long_marked_prefix_is_written_to_the_cache_and_then_read(ask: Ask) -> None:
    system = [{"type": "text", "text": "long " * 1000, "cache_control": {"type": "ephemeral"}}]
    first, second = (ask("messages", system=system).usage for _ in range(2))
    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (1250, 0)
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, 1250)
    assert first.input_tokens == second.input_tokens < 300


def test_log_probabilities_come_from_the_image_where_they_are_asked_for(ask: Ask, face: Callable[..., bytes]) -> None:
    assert ask("chat").choices[0].logprobs is None
    tokens = ask("chat", face(3), logprobs=True, top_logprobs=5).choices[0].logprobs.content
    again = ask("chat", face(3), logprobs=True, top_logprobs=5).choices[0].logprobs.content
    assert tokens == again
    assert len(tokens[0].top_logprobs) == 2  # Happily, Sadly
    assert -0.7 < tokens[0].logprob < 0
    reply = ask("responses", face(3), include=["message.output_text.logprobs"], top_logprobs=5)
    assert reply.output[0].content[0].logprobs[0].logprob == tokens[0].logprob


def test_an_answer_that_is_longer_than_the_limit_is_cut(ask: Ask, text_of: Callable[[Any], str]) -> None:
    reply = ask("messages", max_tokens=1)
    assert (reply.stop_reason, len(text_of(reply))) == ("max_tokens", 4)
    reply = ask("chat", max_completion_tokens=1)
    assert (reply.choices[0].finish_reason, len(text_of(reply))) == ("length", 4)
    reply = ask("responses", max_output_tokens=1)
    assert (reply.status, reply.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_a_function_can_choose_what_is_said(
    server: ProviderServer, ask: Ask, text_of: Callable[[Any], str], face: Callable[..., bytes]
) -> None:
    wanted = hashlib.sha256(face(1)).hexdigest()
    server.behave(rules=lambda request: "that one" if request.image == wanted else None)
    assert text_of(ask("chat", face(1))) == "that one"
    assert text_of(ask("chat", face(2))) in LABELS


def test_the_models_that_exist_can_be_looked_up(server: ProviderServer, talk: Callable[..., Any], ask: Ask) -> None:
    ending = Model("claude-sonnet-4-5", "deprecated", "2026-05-01T00:00:00Z", "2026-11-30T00:00:00Z")
    server.behave(models=[ending, Model("claude-3-haiku", "retired"), "gpt-test"])

    async def look(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        found = await claude.models.retrieve("claude-sonnet-4-5")
        assert (found.lifecycle, found.line) == ("deprecated", "sonnet")
        assert found.retires_at is not None
        assert found.retires_at.year == 2026
        assert found.capabilities is not None
        assert found.capabilities.structured_outputs.supported
        assert [one.id async for one in claude.models.list(limit=2)] == [
            "claude-sonnet-4-5",
            "claude-3-haiku",
            "gpt-test",
        ]
        assert (await gpt.models.retrieve("gpt-test")).object == "model"
        assert len([one.id async for one in gpt.models.list()]) == 3
        with pytest.raises(anthropic.NotFoundError):
            await claude.models.retrieve("claude-9")
        with pytest.raises(openai.NotFoundError):
            await gpt.models.retrieve("gpt-9")

    talk(look)
    with pytest.raises(anthropic.NotFoundError, match="claude-3-haiku"):
        ask("messages", model="claude-3-haiku")
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        ask("chat", model="gpt-9")


@pytest.mark.parametrize(
    ("wire", "wrong", "complaint"),
    [
        ("messages", {"extra_body": {"temperature": 0}}, "temperature"),
        ("messages", {"messages": []}, "first message"),
        ("messages", {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "expected shape"),
        ("messages", {"messages": [{"role": "user", "content": "x"}], "extra_body": {"stream": True}}, "stream"),
        ("messages", {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, "addit"),
        (
            "messages",
            {
                "tools": [{"name": "a", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "tool", "name": "b"},
            },
            "not found",
        ),
        ("chat", {"top_logprobs": 2}, "logprobs"),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "video"),
        (
            "chat",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": {"type": "object", "properties": {}}},
                }
            },
            "additionalProperties",
        ),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": {}}]}]}, "valid string"),
        ("responses", {"extra_body": {"seed": 1}}, "seed"),
    ],
)
def test_what_the_provider_would_not_take_is_a_bad_request(
    ask: Ask, wire: str, wrong: dict[str, Any], complaint: str
) -> None:
    with pytest.raises((anthropic.BadRequestError, openai.BadRequestError), match=complaint):
        ask(wire, **wrong)


def test_an_image_must_be_what_it_says_it_is(talk: Callable[..., Any], face: Callable[..., bytes]) -> None:
    import base64

    def block(image: bytes, kind: str) -> Any:
        data = base64.b64encode(image).decode()
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}

    async def work(claude: anthropic.AsyncAnthropic, _: openai.AsyncOpenAI) -> None:
        for image, kind in ((face(), "image/png"), (face(kind="PNG"), "image/jpeg"), (face(), "image/bmp")):
            with pytest.raises(anthropic.BadRequestError, match="media"):
                await claude.messages.create(
                    model="m", max_tokens=9, messages=[{"role": "user", "content": [block(image, kind)]}]
                )

    talk(work)


def test_a_wrong_key_is_refused_and_never_logged(server: ProviderServer, ask: Ask) -> None:
    server.behave(api_key="another-key")
    with pytest.raises(anthropic.AuthenticationError):
        ask("messages")
    with pytest.raises(openai.AuthenticationError):
        ask("chat")
    server.behave(api_key="test-key")
    ask("messages")
    assert "test-key" not in repr(server.requests)


def test_another_model_id_can_answer(server: ProviderServer, ask: Ask) -> None:
    assert ask("messages").model == "a-model"
    server.behave(rules=Answer(model="a-model-20261101"))
    assert ask("messages").model == "a-model-20261101"
    assert ask("chat").model == "a-model-20261101"
    server.behave(rules=[Rule("other-model", on="*")])
    assert ask("responses").model == "another-model-20260101"
