"""Every way a request fails: its kind, its message, and nothing of the key."""

import asyncio
import json
import re
import traceback

import anthropic
import httpx2
import pytest
from harness_claude.failures import LONGEST, from_object, from_sdk, kind_of, one_line

from harness.testing.providers import ANSWERS, Answer
from harness.vlm import Prompt, RequestError

PROMPT = Prompt("Which of 'Sad', 'Angry' is it?")


@pytest.fixture
def fail(run, face, key):
    """fail(url, **options): the RequestError of one reply, searched for the key."""

    def fail(url, **options):
        with pytest.raises(RequestError) as caught:
            run(url, lambda claude: claude.reply(face, PROMPT, None), **options)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
        assert key not in shown
        assert "\n" not in str(caught.value)
        return caught.value

    return fail


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ("rate-limit", "rate_limit", "rate_limit_error: This request would exceed .* rate limit. .HTTP 429.$"),
        ("spend-limit", "quota", "rate_limit_error: You have reached your specified API usage limits. .HTTP 429.$"),
        ("billing", "quota", "billing_error: Your credit balance is too low to access the API. .HTTP 402.$"),
        ("bad-request", "bad_request", "invalid_request_error: messages: at least one .* .HTTP 400.$"),
        ("authentication", "authentication", "authentication_error: invalid x-api-key .HTTP 401.$"),
        ("permission", "authentication", "permission_error: This key may not use this resource. .HTTP 403.$"),
        ("unknown-model", "unknown_model", "not_found_error: model: claude-haiku-5-5 .HTTP 404.$"),
        ("too-large", "bad_request", "request_too_large: Request exceeds the maximum size .HTTP 413.$"),
        ("server-error", "server", "api_error: Internal server error .HTTP 500.$"),
        ("bad-gateway", "server", "error without an explanation .HTTP 502.$"),
        ("unavailable", "server", "api_error: .* .HTTP 503.$"),
        ("overloaded", "overloaded", "overloaded_error: Overloaded .HTTP 529.$"),
        ("drop-before", "connection", "connection failed: "),
        ("reset-before", "connection", "connection failed: "),
        ("drop-accepted", "connection", "connection failed: "),
        ("drop-during", "connection", "connection failed: "),
        ("reset-during", "connection", "connection failed: "),
        ("malformed", "server", "an answer of .* bytes that is not JSON$"),
        ("empty", "server", "an empty answer$"),
        ("html", "server", "an answer of .* bytes that is not JSON$"),
    ],
)
def test_a_failure_has_its_kind_and_says_why(server, fail, http, answer, kind, message):
    server.behave(rules=answer)
    error = fail(server.url, http=http)
    assert error.kind == kind
    assert re.match(message, str(error)), str(error)
    status = ANSWERS[answer].status
    assert error.status == (status if status >= 400 else None)
    assert len(server.replies) == 1  # the SDK's own retries are off


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_no_answer_in_time_is_a_timeout(server, fail, http):
    server.behave(rules="never")
    error = fail(server.url, http=http, limits={"timeout": 0.2})
    assert error.kind == "timeout"
    assert str(error) == "no answer in time (ReadTimeout)"


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_nobody_listening_is_a_failed_connection(fail, http):
    error = fail("http://127.0.0.1:9", http=http)
    assert error.kind == "connection"
    assert str(error).startswith("connection failed: ConnectError: ")


def test_a_dropped_connection_after_a_whole_answer_does_no_harm(server, run, face):
    server.behave(rules="drop-after")

    async def one_by_one(claude):
        for _ in range(3):
            assert (await claude.reply(face, PROMPT, None)).text
            await asyncio.sleep(0.05)  # an end that is not seen yet would fail the next request, as anywhere

    run(server.url, one_by_one)
    assert server.counts.connections == 3


@pytest.mark.parametrize(("header", "seconds"), [(3, 3.0), ("0.5", 0.5), ("soon", None)])
def test_the_wish_to_be_left_alone_is_passed_on(server, fail, header, seconds):
    server.behave(rules=Answer(status=429, retry_after=header))
    assert fail(server.url).retry_after == seconds


def test_milliseconds_are_understood_and_no_wish_is_none(server, listener, fail):
    listener.answer = (429, {"retry-after-ms": "250"}, b"{}")
    assert fail(listener.url).retry_after == 0.25
    server.behave(rules="rate-limit")
    assert fail(server.url).retry_after is None


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Your credit balance is too low to access the Anthropic API.", "quota"),
        (400, "You have reached your specified API usage limits. You will regain access on 2026-12-01.", "quota"),
        (400, "This organization has been disabled.", "authentication"),
        (400, "Output blocked by content filtering policy", "refused"),
        (429, "Your organization has reached its monthly spend limit.", "quota"),
        (408, "Request timed out.", "timeout"),
        (504, "Upstream timed out.", "timeout"),
    ],
)
def test_errors_without_a_code_of_their_own_are_told_by_their_words(server, fail, status, message, kind):
    server.behave(rules=Answer(status=status, message=message))
    error = fail(server.url)
    assert error.kind == kind
    assert message in str(error)


def test_a_key_that_the_server_repeats_is_not_shown(server, fail, key):
    server.behave(rules=Answer(status=401, message=f"the key {key}\nis not known"))
    assert "the key *** is not known" in str(fail(server.url))


def test_a_key_in_a_page_that_is_no_json_is_not_shown(listener, fail, key):
    listener.answer = (200, {"content-type": "text/html"}, key.encode())
    assert "not JSON" in str(fail(listener.url))
    listener.answer = (500, {"content-type": "text/html"}, key.encode())
    assert str(fail(listener.url)) == "error without an explanation (HTTP 500)"
    listener.answer = (200, {}, json.dumps({"type": "error", "error": {"type": "api_error", "message": key}}).encode())
    assert str(fail(listener.url)) == "api_error: ***"


def test_a_redirect_takes_no_face_elsewhere(listener, another_listener, fail):
    listener.answer = (307, {"location": f"{another_listener.url}/v1/messages"}, b"{}")
    for http in ("aiohttp", "httpx"):
        error = fail(listener.url, http=http)
        assert (error.kind, error.status) == ("bad_request", 307)
        assert "the server redirects elsewhere, which is not followed; correct base_url" in str(error)
    assert not another_listener.paths


def test_a_404_of_a_stranger_asks_for_the_address(listener, fail):
    listener.answer = (404, {"content-type": "text/html"}, b"<h1>Not Found</h1>")
    error = fail(listener.url)
    assert error.kind == "unknown_model"
    assert str(error) == "error: nothing there; is base_url right? (HTTP 404)"


def test_a_request_that_is_given_up_is_cancelled(server, run, face):
    server.behave(rules="never")

    async def cancelled(claude):
        task = asyncio.create_task(claude.reply(face, PROMPT, None))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(server.url, cancelled)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "invalid_request_error", "message": "no"}, "bad_request"),
        ({"type": "rate_limit_error", "message": "no", "details": {"error_code": "ramp_limit_exceeded"}}, "rate_limit"),
        ({"type": "rate_limit_error", "details": {"error_code": "contract_spend_limit_reached"}}, "quota"),
        ({"type": "invalid_request_error", "details": {"error_code": "organization_on_hold"}}, "authentication"),
        ({"type": "not_found_error"}, "unknown_model"),
        ({"type": "something_new"}, "server"),
        ("text", "server"),
        (None, "server"),
    ],
)
def test_error_objects_are_told_by_code_words_and_type(error, kind):
    assert from_object(error).kind == kind


def test_an_unknown_error_means_nothing_by_itself():
    assert kind_of("something_new", None, "") is None
    assert kind_of(None, None, "spend limit") is None


def test_an_sdk_error_that_is_none_of_the_known_is_the_servers():
    assert from_sdk(anthropic.AnthropicError("odd")).kind == "server"


def test_a_404_of_something_else_does_not_speak_of_the_model():
    response = httpx2.Response(404, request=httpx2.Request("GET", "http://x"))
    error = anthropic.NotFoundError("no", response=response, body={"error": {"type": "not_found_error"}})
    assert from_sdk(error, about_model=False).kind == "bad_request"


def test_messages_are_one_line_of_bounded_length():
    assert one_line(" a\n b\t") == "a b"
    assert len(one_line("x" * 1000)) == LONGEST
