import math

import pytest
from harness_openai.failures import reported
from harness_openai.replies import parse, read

from harness.vlm import RequestError, Usage


def chat(choice=None, **fields):
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sadly Angry"}} | (
        choice or {}
    )
    return {"id": "chatcmpl-1", "model": "gpt-x-2026", "choices": [choice]} | fields


def response(*parts, **fields):
    parts = parts or ({"type": "output_text", "text": "Sadly Angry"},)
    output = [{"type": "reasoning", "summary": []}, {"type": "message", "content": list(parts)}]
    return {"id": "resp-1", "model": "gpt-x-2026", "status": "completed", "output": output} | fields


def test_a_chat_completion_is_read():
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "total_tokens": 105,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    reply = read("chat", chat(usage=usage), "req-1")
    assert (reply.text, reply.stop_reason, reply.detail) == ("Sadly Angry", "end", "")
    assert (reply.model, reply.id, reply.logprob) == ("gpt-x-2026", "chatcmpl-1", None)
    assert reply.usage == Usage(36, 5, 64, 0)


def test_a_response_is_read_past_its_reasoning():
    usage = {
        "input_tokens": 100,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    }
    reply = read("responses", response(usage=usage))
    assert (reply.text, reply.stop_reason, reply.detail, reply.id) == ("Sadly Angry", "end", "", "resp-1")
    assert reply.usage == Usage(10, 5, 60, 30)


@pytest.mark.parametrize(
    ("finish", "stop", "detail"),
    [
        ("stop", "end", ""), (None, "end", ""), ("eos_token", "end", ""),
        ("length", "length", "length"), ("content_filter", "refusal", "content_filter"),
        ("SAFETY", "refusal", "SAFETY"),
        ("tool_calls", "other", "tool_calls"), ("abort", "other", "abort"),
    ],
)  # fmt: skip
def test_why_a_chat_completion_ended(finish, stop, detail):
    reply = read("chat", chat({"finish_reason": finish}))
    assert (reply.stop_reason, reply.detail) == (stop, detail)


def test_a_refusal_beside_a_normal_stop_is_a_refusal():
    message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    reply = read("chat", chat({"message": message}))
    assert (reply.text, reply.stop_reason, reply.detail) == ("I can't help with that.", "refusal", "refusal")
    reply = read("responses", response({"type": "refusal", "refusal": "No."}))
    assert (reply.text, reply.stop_reason, reply.detail) == ("No.", "refusal", "refusal")


@pytest.mark.parametrize(
    ("status", "reason", "stop", "detail"),
    [
        ("incomplete", "max_output_tokens", "length", "max_output_tokens"),
        ("incomplete", "content_filter", "refusal", "content_filter"),
        ("incomplete", None, "other", "incomplete"),
        ("cancelled", None, "other", "cancelled"),
    ],
)
def test_why_a_response_ended(status, reason, stop, detail):
    details = {"reason": reason} if reason else None
    reply = read("responses", response(status=status, incomplete_details=details))
    assert (reply.stop_reason, reply.detail) == (stop, detail)


def test_a_reply_in_parts_is_joined_without_the_reasoning():
    parts = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "Sadly "},
        {"type": "text", "text": "Angry"},
    ]
    assert read("chat", chat({"message": {"content": parts}})).text == "Sadly Angry"


def test_no_content_is_an_empty_text():
    assert read("chat", chat({"message": {"role": "assistant"}})).text == ""
    assert read("responses", response(output=[])).text == ""


def test_thoughts_that_only_the_total_counts_are_output():
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 405}
    assert read("chat", chat(usage=usage)).usage == Usage(100, 305)


def test_logprobs_are_summed_over_the_reply():
    tokens = [{"token": "Sadly", "logprob": math.log(0.5)}, {"token": " Angry", "logprob": math.log(0.8)}]
    reply = read("chat", chat({"logprobs": {"content": tokens}}))
    assert math.exp(reply.logprob) == pytest.approx(0.4)
    reply = read("responses", response({"type": "output_text", "text": "Sadly Angry", "logprobs": tokens}))
    assert math.exp(reply.logprob) == pytest.approx(0.4)


@pytest.mark.parametrize("logprobs", [None, {"content": None}, {"content": []}, {"content": [{"logprob": -math.inf}]}])
def test_logprobs_that_a_server_does_not_give_are_none(logprobs):
    assert read("chat", chat({"logprobs": logprobs})).logprob is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"id": "x", "choices": []}, "the server's answer holds no choices"),
        ({"id": "x"}, "the server's answer holds no choices"),
        ({"choices": [{"finish_reason": "stop"}]}, "lacks what a reply needs (KeyError: 'message')"),
        ({"choices": [{"message": {"content": 7}}]}, "lacks what a reply needs (TypeError: content is a int)"),
        (chat(usage={"prompt_tokens": "many"}), "lacks what a reply needs (ValueError"),
    ],
)
def test_an_answer_without_a_reply_is_the_servers_fault(data, message):
    with pytest.raises(RequestError) as caught:
        read("chat", data, "req-1")
    assert message in str(caught.value)
    assert (caught.value.kind, caught.value.request_id) == ("server", "req-1")


def test_a_response_without_output_is_the_servers_fault():
    with pytest.raises(RequestError, match="KeyError: 'output'"):
        read("responses", {"id": "x", "status": "completed"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the server answered with an empty body"),
        (b" \n", "the server answered with an empty body"),
        (b'{"id": "chat', "the server's answer is no JSON (it begins '{\"id\": \"chat')"),
        (b"<html>\n<body>", "(it begins '<html> <body>'); does base_url lead to the API?"),
        (b"\xff\xfe", "is no JSON"),
        (b"[1]", "the server's answer is no JSON object"),
    ],
)
def test_what_is_no_json_is_the_servers_fault(content, message):
    with pytest.raises(RequestError) as caught:
        parse(content)
    assert message in str(caught.value)
    assert caught.value.kind == "server"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "slow"}, "rate_limit"),
        ({"code": "image_content_policy_violation", "message": "no"}, "refused"),
        ({"code": "invalid_prompt", "message": "flagged"}, "refused"),
        ({"code": 502, "message": "upstream"}, "server"),
        ({"code": 402, "message": "credits"}, "quota"),
        ({"code": 403, "message": "flagged", "metadata": {"reasons": ["x"], "flagged_input": ""}}, "refused"),
        ({"code": "batch_expired", "message": "late"}, "timeout"),
        ({"code": "invalid_base64_image", "message": "broken"}, "bad_request"),
        ({"code": "odd", "message": ""}, "server"),
        ("out of memory", "server"),
    ],
)
def test_errors_inside_an_answer_of_status_200(error, kind):
    with pytest.raises(RequestError) as caught:
        read("chat", {"error": error})
    assert caught.value.kind == kind
    assert str(caught.value).startswith("the server reports: ")


def test_an_error_in_a_choice_is_an_error():
    with pytest.raises(RequestError, match="the server reports: gone"):
        read("chat", chat({"finish_reason": "error", "error": {"code": 502, "message": "gone"}}))


def test_a_failed_response_says_why():
    with pytest.raises(RequestError, match="the server reports: too small") as caught:
        read("responses", response(status="failed", error={"code": "image_too_small", "message": "too small"}))
    assert caught.value.kind == "bad_request"


def test_long_words_of_a_server_are_cut_to_one_line():
    text = str(reported({"code": "odd", "message": "a\n" * 1000}))
    assert "\n" not in text
    assert len(text) < 400
