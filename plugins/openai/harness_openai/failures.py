"""What went wrong, as the engine's RequestError: errors of the SDK, of its transports, and those inside an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from harness.vlm import ErrorKind, RequestError, kind_of_status, retry_after

FAILURES = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, OSError)

_MOST = 300  # characters of a server's own words

# Codes and types of OpenAI's and compatible servers' error bodies that say more than the HTTP status.
_KINDS: Mapping[str, ErrorKind] = {
    "insufficient_quota": "quota", "billing_hard_limit_reached": "quota", "billing_not_active": "quota",
    "rate_limit_exceeded": "rate_limit",
    "server_error": "server", "vector_store_timeout": "server", "overloaded_error": "overloaded",
    "model_not_found": "unknown_model", "invalid_model": "unknown_model", "deploymentnotfound": "unknown_model",
    "invalid_api_key": "authentication",
    "content_policy_violation": "refused", "moderation_blocked": "refused", "content_filter": "refused",
    "image_content_policy_violation": "refused", "safety_violation": "refused", "invalid_prompt": "refused",
    "bio_policy": "refused", "misalignment_policy_violation": "refused", "responsibleaipolicyviolation": "refused",
    "batch_expired": "timeout", "batch_cancelled": "timeout",
}  # fmt: skip


def request_error(error: BaseException, server: str, key: str, variable: str) -> RequestError:
    """What an exception of FAILURES means.

    server: the base URL; key: the API key, which is taken out of every message; variable: where the key came from.
    """
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, server, key, variable)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException | TimeoutError):
        return _timeout(error, server)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError | aiohttp.ClientError | OSError):
        return RequestError("connection", f"the connection to {server} failed: {_root(error, key)}")
    return RequestError("server", f"the answer of {server} could not be read: {_root(error, key)}")


def reported(error: object, request_id: str = "", status: int | None = None) -> RequestError:
    """An error that stands in an answer's JSON: {"code", "message", "type"}, or a bare text."""
    body = error if isinstance(error, Mapping) else {"message": str(error)}
    code = body.get("code")
    if status is None and isinstance(code, int) and 400 <= code < 600:
        status = code
    kind = _kind(body, status) or (kind_of_status(status) if status else None)
    if kind is None:  # the responses API has a dozen codes for images that it cannot read
        kind = "bad_request" if "image" in str(code) else "server"
    words = _words(str(body.get("message") or code or "no message"))
    return RequestError(kind, f"the server reports: {words}", status=status, request_id=request_id)


def _of_status(error: openai.APIStatusError, server: str, key: str, variable: str) -> RequestError:
    status, headers = error.status_code, error.response.headers
    body = _body(error.body)
    kind = _kind(body, status) or kind_of_status(status)
    if 300 <= status < 400:
        kind, text = "unknown_model", f"{server} answers with a redirect ({status}); images go nowhere but to base_url"
    elif kind == "authentication":
        # The server's own words may repeat a part of the key.
        text = f"{server} does not accept the API key in {variable} ({status} {error.code or ''})".replace(" )", ")")
    else:
        words = body.get("message") or body.get("detail") or body.get("error") or error.body or ""
        text = f"{server} answers {status}: {_words(str(words), key) or 'no message'}"
    identity = error.request_id or ""
    return RequestError(kind, text, retry_after=retry_after(headers), status=status, request_id=identity)


def _body(body: object) -> Mapping[str, Any]:
    """The error object of a body; Gemini puts it into a list."""
    if isinstance(body, list) and body and isinstance(body[0], Mapping):
        body = body[0].get("error") or body[0]
    return body if isinstance(body, Mapping) else {}


def _kind(body: Mapping[str, Any], status: int | None) -> ErrorKind | None:
    """The kind that an error's code or type tells, None if they say no more than the status."""
    inner = body.get("innererror")
    inner_code = inner.get("code") if isinstance(inner, Mapping) else None
    for word in (inner_code, body.get("code"), body.get("type")):
        if kind := _KINDS.get(str(word).lower()):
            return kind
    metadata = body.get("metadata")
    if status == 403 and isinstance(metadata, Mapping) and {"reasons", "flagged_input"} & metadata.keys():
        return "refused"  # how OpenRouter reports moderation
    if status == 400:  # without a code of their own at OpenRouter and Gemini
        said = str(body.get("message")).lower()
        return "unknown_model" if "not a valid model" in said else "authentication" if "api key not" in said else None
    return None


def _timeout(error: BaseException, server: str) -> RequestError:
    # The SDK's aiohttp transport reports every lost connection as a timeout: the cause tells them apart.
    for cause in _chain(error):
        if isinstance(cause, aiohttp.ClientConnectionError) and not isinstance(cause, TimeoutError):
            return RequestError("connection", f"the connection to {server} failed: {type(cause).__name__}")
    return RequestError("timeout", f"{server} did not answer in time")


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


def _root(error: BaseException, key: str) -> str:
    """The first cause, in words."""
    *_, first = _chain(error)
    return _words(f"{type(first).__name__}: {first}".removesuffix(": "), key)


def _words(text: str, key: str = "") -> str:
    """One line of a server's own words, without the key and not too long."""
    line = " ".join(text.split())
    if key:
        line = line.replace(key, "***")
    return line if len(line) <= _MOST else line[:_MOST] + "..."
