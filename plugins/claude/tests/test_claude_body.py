"""What is sent, byte by byte compared with what the SDK's own method sends."""

import asyncio
import json

import pytest
from anthropic import AsyncAnthropic
from harness_claude.body import REMEMBERED, Bodies, prefix_tokens
from harness_claude.options import ClaudeOptions

from harness.vlm import Message, Prompt

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SCHEMA = {
    "type": "object", "properties": {"label": {"enum": ["Sad", "Angry"]}}, "required": ["label"],
    "additionalProperties": False,
}  # fmt: skip
LONG = "An example, described at length. " * 80
MARK = {"type": "ephemeral"}


@pytest.fixture
def examples(face):
    return (Message("user", LONG, face), Message("assistant", "Sad"))


def body(image, prompt, schema=None, batch=False, **options):
    return json.loads(Bodies(ClaudeOptions(**options)).body(image, prompt, schema, batch=batch))


def kinds(message):
    return [block["type"] for block in message["content"]]


def test_the_image_stands_before_the_text_and_has_its_media_type(face):
    (message,) = body(face, Prompt('Which "expression"?\n'))["messages"]
    assert kinds(message) == ["image", "text"]
    assert message["content"][1]["text"] == 'Which "expression"?\n'
    assert message["content"][0]["source"]["media_type"] == "image/jpeg"
    (message,) = body(PNG, Prompt("?"))["messages"]
    assert message["content"][0]["source"]["media_type"] == "image/png"


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="must be JPEG or PNG"):
        body(b"GIF89a", Prompt("?"))


def test_few_shot_and_two_step_messages_stand_in_order(face, examples):
    prompt = Prompt("?", "Be brief.", examples, (Message("assistant", "A mouth."), Message("user", "So?")))
    sent = body(face, prompt)
    assert [one["role"] for one in sent["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert [kinds(one) for one in sent["messages"]] == [["image", "text"], ["text"], ["image", "text"], ["text"],
                                                        ["text"]]  # fmt: skip
    assert sent["messages"][-1]["content"][0]["text"] == "So?"
    assert sent["system"] == [{"type": "text", "text": "Be brief."}]


def test_empty_texts_are_left_out_since_the_api_refuses_them(face):
    sent = body(face, Prompt("", after=(Message("assistant", "A face."), Message("user", "So?"))))
    assert kinds(sent["messages"][0]) == ["image"]
    assert "system" not in sent


def test_a_prompt_without_frills_sends_nothing_more_than_needed(face):
    assert body(face, Prompt("?"), model="claude-haiku-4-5", max_tokens=5).keys() == {"model", "max_tokens", "messages"}


def test_thinking_and_effort_are_sent_as_the_model_knows_them(face):
    assert body(face, Prompt("?"))["thinking"] == {"type": "disabled"}
    assert body(face, Prompt("?"), model="claude-sonnet-5-5")["thinking"] == {"type": "between_tools"}
    assert "thinking" not in body(face, Prompt("?"), model="claude-opus-5-5")
    sent = body(face, Prompt("?"), thinking="adaptive", effort="low")
    assert (sent["thinking"], sent["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})


def test_a_schema_is_an_output_format(face):
    sent = body(face, Prompt("?"), SCHEMA, effort="low")
    assert sent["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}
    assert "tools" not in sent


def test_a_schema_is_a_strict_tool_that_must_be_called(face):
    sent = body(face, Prompt("?"), SCHEMA, structured="tool")
    (tool,) = sent["tools"]
    assert (tool["strict"], tool["input_schema"]) == (True, SCHEMA)
    assert sent["tool_choice"] == {"type": "tool", "name": tool["name"]}
    assert "output_config" not in sent


@pytest.mark.parametrize("options", [{"model": "claude-opus-5-5"}, {"thinking": "adaptive"}])
def test_a_model_that_cannot_be_forced_is_asked_to_call_the_tool(face, options):
    assert body(face, Prompt("?"), SCHEMA, structured="tool", **options)["tool_choice"] == {"type": "auto"}


def test_the_service_tier_is_not_for_batches(face):
    assert body(face, Prompt("?"), service_tier="standard_only")["service_tier"] == "standard_only"
    assert "service_tier" not in body(face, Prompt("?"), batch=True, service_tier="standard_only")


def test_the_end_of_long_examples_is_marked_for_the_prompt_cache(face, examples):
    sent = body(face, Prompt("?", "Be brief.", examples))
    assert sent["messages"][1]["content"][-1]["cache_control"] == MARK
    assert json.dumps(sent).count("cache_control") == 1
    sent = body(face, Prompt("?", before=examples), prompt_cache="1h")
    assert sent["messages"][1]["content"][-1]["cache_control"] == {**MARK, "ttl": "1h"}


def test_a_long_system_prompt_without_examples_is_marked(face):
    assert body(face, Prompt("?", LONG))["system"][0]["cache_control"] == MARK


def test_nothing_is_marked_that_is_short_or_shall_not_be(face, examples):
    short = Prompt("?", "Be brief.", (Message("user", "?", face), Message("assistant", "Sad")))
    assert "cache_control" not in json.dumps(body(face, short))
    assert "cache_control" not in json.dumps(body(face, Prompt("?", before=examples), prompt_cache="off"))


def test_examples_count_by_text_and_image():
    assert prefix_tokens("x" * 40, (Message("user", "x" * 20, b"image"), Message("assistant", "x" * 20))) == 84


def test_prompts_that_are_not_kept_share_their_examples_and_are_forgotten(face, examples):
    bodies = Bodies(ClaudeOptions())
    for number in range(REMEMBERED + 10):  # as a shuffled prompt does: another object for each face
        sent = bodies.body(face, Prompt(f"{number}?", before=examples), None)
        assert json.loads(sent)["messages"][2]["content"][1]["text"] == f"{number}?"
    assert len(bodies._known) == REMEMBERED
    assert len({id(known[2][1]) for known in bodies._known.values()}) == 1


def test_examples_of_another_prompt_or_system_are_not_mixed_up(face, examples):
    bodies = Bodies(ClaudeOptions())
    other = (Message("user", "other", face), Message("assistant", "Angry"))
    for prompt in (Prompt("?", before=examples), Prompt("?", before=other), Prompt("?", "x", examples)) * 2:
        said = json.loads(bodies.body(face, prompt, None))["messages"][1]["content"][0]["text"]
        assert said == prompt.before[1].text


def test_the_sdk_itself_sends_the_same(face, examples, listener, run):
    prompt = Prompt("Which?", "Be brief.", examples, (Message("assistant", "Ä mouth."), Message("user", "So?")))
    options = {"service_tier": "standard_only", "effort": "low"}
    run(listener.url, lambda claude: claude.reply(face, prompt, SCHEMA), **options)
    ours, headers = listener.sent, listener.headers[-1]

    async def with_the_sdk():
        async with AsyncAnthropic(api_key="k", base_url=listener.url, max_retries=0) as client:
            await client.messages.create(**ours)

    asyncio.run(with_the_sdk())
    assert listener.sent == ours
    assert listener.paths == ["/v1/messages", "/v1/messages"]
    differing = {"authorization", "content-length", "x-stainless-timeout", "x-stainless-read-timeout"}
    assert {name.lower() for name in headers} >= {name.lower() for name in listener.headers[-1]} - differing
    same = ("anthropic-version", "content-type", "accept")
    lower = [{name.lower(): value for name, value in one.items()} for one in (headers, listener.headers[-1])]
    assert [lower[0][name] for name in same] == [lower[1][name] for name in same]
