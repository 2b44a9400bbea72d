"""Exceptions of the SDK and its transports that no server can be made to cause at will."""

import aiohttp
import httpx2
import openai
import pytest
from harness_openai.failures import request_error

REQUEST = httpx2.Request("POST", "http://host/v1/chat/completions")
URL, KEY = "http://host/v1", "sk-secret-1"


def explained(error):
    return request_error(error, URL, KEY, "OPENAI_API_KEY")


def status_error(status, body):
    response = httpx2.Response(status, request=REQUEST)
    return openai.APIStatusError("Error", response=response, body=body)


def timed_out(cause):
    error = openai.APITimeoutError(REQUEST)
    error.__cause__ = httpx2.ConnectTimeout("")
    error.__cause__.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (timed_out(aiohttp.ServerDisconnectedError()), "connection"),
        (timed_out(aiohttp.SocketTimeoutError()), "timeout"),
        (timed_out(None), "timeout"),
        (openai.APIConnectionError(request=REQUEST), "connection"),
        (httpx2.ReadError("half a body"), "connection"),
        (httpx2.ReadTimeout("slow"), "timeout"),
        (aiohttp.ClientPayloadError("half a body"), "connection"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(104, "reset"), "connection"),
        (httpx2.DecodingError("not gzip"), "server"),
        (openai.OpenAIError("odd"), "server"),
    ],
)
def test_lost_connections_and_timeouts_are_told_apart(error, kind):
    assert explained(error).kind == kind


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, [{"error": {"code": 400, "message": "API key not valid."}}], "authentication", "OPENAI_API_KEY (400)"),
        (429, [{"error": {"code": 429, "message": "Exhausted."}}], "rate_limit", "answers 429: Exhausted."),
        (400, {"code": "content_filter", "message": "Filtered."}, "refused", "answers 400: Filtered."),
        (400, {"code": None, "message": "?", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, "refused", "?"),
        (403, {"code": 403, "message": "Flagged.", "metadata": {"reasons": ["x"]}}, "refused", "403: Flagged."),
        (422, {"detail": [{"loc": ["body"], "msg": "bad field"}]}, "bad_request", "bad field"),
        (500, "plain words", "server", "answers 500: plain words"),
        (500, None, "server", "answers 500: no message"),
        (404, {"message": "model 'x' not found, try pulling it first"}, "unknown_model", "try pulling it first"),
        (418, {"message": f"the key {KEY} is odd"}, "bad_request", "the key *** is odd"),
    ],
)  # fmt: skip
def test_the_error_bodies_of_several_servers_are_understood(status, body, kind, message):
    error = explained(status_error(status, body))
    assert (error.kind, error.status) == (kind, status)
    assert message in str(error)
    assert KEY not in str(error)


def test_a_connection_error_does_not_repeat_the_key():
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.LocalProtocolError(f"illegal header value Bearer {KEY}")
    assert KEY not in str(explained(error))
