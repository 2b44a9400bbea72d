"""Each fault, and what the real SDKs make of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

import anthropic
import openai
import pytest

from harness.testing.providers import Answer, ProviderServer, Rule, answered_more_than, script

Ask = Callable[..., Any]

ANTHROPIC_STATUS = {
    "bad-request": (anthropic.BadRequestError, "invalid_request_error"),
    "authentication": (anthropic.AuthenticationError, "authentication_error"),
    "billing": (anthropic.PaymentRequiredError, "billing_error"),
    "permission": (anthropic.PermissionDeniedError, "permission_error"),
    "unknown-model": (anthropic.NotFoundError, "not_found_error"),
    "too-large": (anthropic.ContentTooLargeError, "request_too_large"),
    "rate-limit": (anthropic.RateLimitError, "rate_limit_error"),
    "spend-limit": (anthropic.RateLimitError, "rate_limit_error"),
    "server-error": (anthropic.InternalServerError, "api_error"),
    "unavailable": (anthropic.ServiceUnavailableError, "api_error"),
    "overloaded": (anthropic.OverloadedError, "overloaded_error"),
}
OPENAI_STATUS = {
    "bad-request": (openai.BadRequestError, None),
    "authentication": (openai.AuthenticationError, "invalid_api_key"),
    "permission": (openai.PermissionDeniedError, "unsupported_country_region_territory"),
    "unknown-model": (openai.NotFoundError, "model_not_found"),
    "too-large": (openai.APIStatusError, None),
    "rate-limit": (openai.RateLimitError, "rate_limit_exceeded"),
    "quota": (openai.RateLimitError, "insufficient_quota"),
    "server-error": (openai.InternalServerError, None),
    "unavailable": (openai.InternalServerError, None),
    "overloaded": (openai.InternalServerError, None),
}
BOTH = pytest.mark.parametrize("aiohttp", [True, False], ids=["aiohttp", "httpx2"])


@pytest.mark.parametrize("fault", ANTHROPIC_STATUS)
def test_an_error_status_of_anthropic(server: ProviderServer, ask: Ask, fault: str) -> None:
    server.behave(rules=fault)
    kind, name = ANTHROPIC_STATUS[fault]
    with pytest.raises(kind) as caught:
        ask("messages")
    assert caught.value.type == name
    assert caught.value.request_id is not None
    assert server.replies[0].outcome == "error"


@pytest.mark.parametrize("wire", ["chat", "responses"])
@pytest.mark.parametrize("fault", OPENAI_STATUS)
def test_an_error_status_of_openai(server: ProviderServer, ask: Ask, fault: str, wire: str) -> None:
    server.behave(rules=fault)
    kind, code = OPENAI_STATUS[fault]
    with pytest.raises(kind) as caught:
        ask(wire)
    assert caught.value.code == code
    assert caught.value.request_id is not None


def test_a_spend_limit_is_told_from_a_rate_limit_by_its_code(server: ProviderServer, ask: Ask) -> None:
    server.behave(rules=script("spend-limit", "rate-limit"))
    codes = []
    for _ in range(2):
        with pytest.raises(anthropic.RateLimitError) as caught:
            ask("messages")
        codes.append(caught.value.error_code)
    assert codes == ["enforced_spend_limit_reached", None]


@pytest.mark.parametrize(
    ("after", "header", "text"),
    [
        (None, "retry-after", None),
        (7, "retry-after", "7"),
        (0.25, "retry-after-ms", "250.000"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_a_rate_limit_with_and_without_retry_after(
    server: ProviderServer, ask: Ask, after: Any, header: str, text: str | None
) -> None:
    server.behave(rules=Answer(status=429, retry_after=after))
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask("messages")
    assert caught.value.response.headers.get(header) == text
    with pytest.raises(openai.RateLimitError) as other:
        ask("chat")
    assert other.value.response.headers.get(header) == text


@BOTH
@pytest.mark.parametrize("fault", ["drop-before", "reset-before", "drop-accepted", "drop-during", "reset-during"])
@pytest.mark.parametrize("wire", ["messages", "chat"])
def test_a_broken_connection_is_a_connection_error_and_is_not_tried_again(
    server: ProviderServer, ask: Ask, wire: str, fault: str, aiohttp: bool
) -> None:
    server.behave(rules=fault)
    # openai over aiohttp calls a connection that closed before the answer a timeout, a subclass; at once, all the same.
    began = time.monotonic()
    with pytest.raises((anthropic.APIConnectionError, openai.APIConnectionError)):
        ask(wire, client={"aiohttp": aiohttp})
    assert time.monotonic() - began < 4
    assert [one.outcome for one in server.replies] == ["broken"]


@BOTH
def test_a_connection_closed_after_the_body_has_brought_the_answer(
    server: ProviderServer, ask: Ask, aiohttp: bool
) -> None:
    server.behave(rules="drop-after")
    ask("messages", client={"aiohttp": aiohttp})
    ask("chat", client={"aiohttp": aiohttp})
    assert [one.outcome for one in server.replies] == ["answered", "answered"]


@BOTH
def test_no_answer_is_a_timeout(server: ProviderServer, ask: Ask, aiohttp: bool) -> None:
    server.behave(rules="never")
    with pytest.raises(anthropic.APITimeoutError):
        ask("messages", client={"aiohttp": aiohttp, "timeout": 0.3})
    with pytest.raises(openai.APITimeoutError):
        ask("chat", client={"aiohttp": aiohttp, "timeout": 0.3})
    deadline = time.monotonic() + 5
    while server.counts.at_once and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [one.outcome for one in server.replies] == ["broken", "broken"]


def test_a_client_that_leaves_before_the_answer_has_abandoned_it(server: ProviderServer, ask: Ask) -> None:
    server.behave(latency=5)
    with pytest.raises(anthropic.APITimeoutError):
        ask("messages", client={"timeout": 0.3})
    deadline = time.monotonic() + 5
    while server.counts.at_once and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.replies[0].outcome == "abandoned"
    assert server.counts.abandoned == 1


@BOTH
@pytest.mark.parametrize("fault", ["malformed", "empty"])
@pytest.mark.parametrize("wire", ["messages", "chat", "responses"])
def test_a_body_that_is_not_json_comes_through_as_a_bare_decode_error(
    server: ProviderServer, ask: Ask, wire: str, fault: str, aiohttp: bool
) -> None:
    server.behave(rules=fault)
    with pytest.raises(JSONDecodeError):
        ask(wire, client={"aiohttp": aiohttp})
    assert server.replies[0].outcome == "broken"


def test_a_gateways_page_with_status_200_comes_through_as_a_string(server: ProviderServer, ask: Ask) -> None:
    server.behave(rules="html")
    assert "<html>" in ask("messages")
    assert "<html>" in ask("chat")
    server.behave(rules="bad-gateway")
    with pytest.raises(anthropic.InternalServerError):
        ask("messages")
    with pytest.raises(openai.InternalServerError):
        ask("chat")


def test_truncated_replies_say_so(server: ProviderServer, ask: Ask, text_of: Callable[[Any], str]) -> None:
    server.behave(label="Sadly Angry", rules="truncated")
    reply = ask("messages")
    assert (reply.stop_reason, text_of(reply)) == ("max_tokens", "Sadly")
    assert ask("chat").choices[0].finish_reason == "length"
    assert ask("responses").incomplete_details.reason == "max_output_tokens"


def test_refusals_of_the_provider(server: ProviderServer, ask: Ask, text_of: Callable[[Any], str]) -> None:
    server.behave(rules="refusal")
    reply = ask("messages")
    assert (reply.stop_reason, reply.content) == ("refusal", [])
    assert reply.stop_details.category == "general_harms"
    message = ask("chat").choices[0].message
    assert message.content is None
    assert "assist" in message.refusal
    assert ask("responses").output[0].content[0].type == "refusal"

    server.behave(rules="content-filter")
    assert ask("chat").choices[0].finish_reason == "content_filter"
    assert ask("responses").incomplete_details.reason == "content_filter"

    server.behave(rules="refusal-in-words")
    assert "can't identify" in text_of(ask("messages"))


def test_the_wrong_label_is_another_of_those_named(
    server: ProviderServer, ask: Ask, text_of: Callable[[Any], str]
) -> None:
    right = text_of(ask("chat"))
    server.behave(rules="wrong-label")
    wrong = text_of(ask("chat"))
    assert wrong != right
    assert wrong in ("Happily Surprised", "Sadly Angry", "Sadly Fearful")
    server.behave(rules=Rule("no-text"))
    assert text_of(ask("messages")) == ""


def test_what_was_answered_twice_is_found(server: ProviderServer, ask: Ask, face: Callable[..., bytes]) -> None:
    server.behave(rules=script("overloaded"))
    with pytest.raises(anthropic.OverloadedError):
        ask("messages", face(1))
    ask("messages", face(1))
    ask("messages", face(2))
    assert answered_more_than(1, server.requests) == {}
    ask("messages", face(2))
    assert list(answered_more_than(1, server.requests).values()) == [2]
    assert answered_more_than(2, server.requests) == {}
