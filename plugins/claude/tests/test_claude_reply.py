import json

import pytest
from harness_claude.answers import reply_of

from harness.testing.providers import Answer
from harness.vlm import Message, Prompt, RequestError, Usage

PROMPT = Prompt("Which of 'Sadly Angry', 'Happily Surprised' is it?")
SCHEMA = {
    "type": "object", "properties": {"label": {"enum": ["Sadly Angry", "Happily Surprised"]}}, "required": ["label"],
    "additionalProperties": False,
}  # fmt: skip


def ask(face, prompt=PROMPT, schema=None):
    return lambda claude: claude.reply(face, prompt, schema)


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_a_reply_has_text_usage_model_and_the_request_id(server, run, face, http):
    server.behave(label="Sadly Angry", rules="other-model")
    reply = run(server.url, ask(face), http=http)
    assert (reply.text, reply.stop_reason, reply.detail) == ("Sadly Angry", "end", "end_turn")
    assert reply.model == "another-model-20260101"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert reply.id
    assert server.replies[0].model == "claude-haiku-5-5"
    assert server.replies[0].texts == (PROMPT.text,)


def test_the_image_arrives_byte_by_byte(server, run, face):
    import hashlib

    run(server.url, ask(face))
    assert server.replies[0].image == hashlib.sha256(face).hexdigest()


@pytest.mark.parametrize("structured", ["output_config", "tool"])
def test_a_json_answer_is_the_text_of_the_reply_either_way(server, run, face, structured):
    reply = run(server.url, ask(face, schema=SCHEMA), structured=structured)
    assert json.loads(reply.text)["label"] in ("Sadly Angry", "Happily Surprised")
    assert reply.stop_reason == "end"


def test_a_server_that_ignores_the_tool_is_taken_at_its_word(server, run, face):
    server.behave(obeys=False, label="Sadly Angry")
    assert run(server.url, ask(face, schema=SCHEMA), structured="tool").text == "Sadly Angry"


def test_a_refusal_names_its_category(server, run, face):
    server.behave(rules=Answer(stop="refusal", code="bio", message="No."))
    reply = run(server.url, ask(face))
    assert (reply.stop_reason, reply.text, reply.detail) == ("refusal", "", "refusal: bio: No.")


def test_a_reply_cut_by_the_limit_says_so(server, run, face):
    server.behave(label="Sadly Angry", rules="truncated")
    reply = run(server.url, ask(face))
    assert (reply.stop_reason, reply.detail, reply.text) == ("length", "max_tokens", "Sadly")


def test_tokens_written_to_and_read_from_the_prompt_cache_are_counted(server, run, face):
    before = (Message("user", "An example, described at length. " * 200, face), Message("assistant", "Sad"))
    prompt = Prompt("Which?", before=before)

    async def twice(claude):
        return [(await claude.reply(face, prompt, None)).usage for _ in range(2)]

    first, second = run(server.url, twice)
    assert first.cache_write_tokens > 1000
    assert first.cache_read_tokens == 0
    assert second == Usage(first.input_tokens, first.output_tokens, first.cache_write_tokens, 0)


def test_an_image_that_is_none_is_a_bad_request_before_anything_is_sent(server, run):
    with pytest.raises(RequestError, match="must be JPEG or PNG") as caught:
        run(server.url, ask(b"BM"))
    assert caught.value.kind == "bad_request"
    assert not server.requests


@pytest.mark.parametrize(
    ("raw", "stop"),
    [
        ("end_turn", "end"), ("stop_sequence", "end"), ("tool_use", "end"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("refusal", "refusal"), ("pause_turn", "other"), (None, "other"),
    ],
)  # fmt: skip
def test_stop_reasons_keep_their_raw_word(raw, stop):
    reply = reply_of({"content": [], "stop_reason": raw})
    assert (reply.stop_reason, reply.detail) == (stop, raw or "")


def test_thinking_is_no_part_of_the_text_and_texts_are_joined():
    content = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Sadly "},
        {"type": "text", "text": "A"},
    ]
    reply = reply_of({"id": "msg_1", "content": content, "usage": None})
    assert (reply.text, reply.id, reply.usage) == ("Sadly A", "msg_1", Usage())


@pytest.mark.parametrize("message", [None, [], "text", {}, {"content": "text"}, {"content": ["text"]}])
def test_what_is_no_message_is_the_servers_fault(message):
    with pytest.raises(RequestError, match="an answer that is no message") as caught:
        reply_of(message)
    assert caught.value.kind == "server"


def test_an_error_object_in_a_reply_is_that_error():
    with pytest.raises(RequestError, match="overloaded_error: Overloaded") as caught:
        reply_of({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "req_1")
    assert (caught.value.kind, caught.value.request_id) == ("overloaded", "req_1")
