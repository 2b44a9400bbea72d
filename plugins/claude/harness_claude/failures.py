"""What went wrong, in the engine's words: the SDK's exceptions and the API's error objects as RequestErrors.

Never a key in a message: what a server or a library says is searched for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import anthropic

from harness.vlm import ErrorKind, RequestError, kind_of_status, retry_after

LONGEST = 400  # characters of a message
BY_TYPE: Mapping[str, ErrorKind] = {
    "invalid_request_error": "bad_request",
    "authentication_error": "authentication",
    "permission_error": "authentication",
    "billing_error": "quota",
    "not_found_error": "unknown_model",
    "request_too_large": "bad_request",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "api_error": "server",
    "overloaded_error": "overloaded",
}
BY_CODE: Mapping[str, ErrorKind] = {
    "contract_spend_limit_reached": "quota",  # these come as 429, but waiting does not help
    "enforced_spend_limit_reached": "quota",
    "linked_organization_spend_limit_reached": "quota",
    "linked_organization_billing_unavailable": "quota",
    "organization_on_hold": "authentication",
}
# Errors without a code of their own; their wording is all there is.
BY_WORDS: Mapping[str, ErrorKind] = {
    "credit balance is too low": "quota",
    "spend limit": "quota",
    "usage limits": "quota",
    "content filtering policy": "refused",
    "organization has been disabled": "authentication",
}
WORDED = frozenset({"invalid_request_error", "rate_limit_error", "permission_error"})


def kind_of(kind: str | None, code: str | None, message: str) -> ErrorKind | None:
    """What an error object of the API means, by its code, its words or its type; None if it says nothing known."""
    if code in BY_CODE:
        return BY_CODE[code or ""]
    if kind in WORDED:
        for words, meaning in BY_WORDS.items():
            if words in message.lower():
                return meaning
    return BY_TYPE.get(kind or "")


def one_line(text: str, secret: str = "") -> str:
    """A text without line breaks and without the secret, not too long."""
    if secret:
        text = text.replace(secret, "***")
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def from_object(error: object, request_id: str = "", secret: str = "") -> RequestError:
    """From an error object as it stands in a body or in a batch's result: {"type", "message", "details"}."""
    fields = error if isinstance(error, Mapping) else {}
    kind, message = str(fields.get("type") or ""), str(fields.get("message") or "")
    details = fields.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    meaning = kind_of(kind, code, message) or "server"
    return RequestError(meaning, one_line(f"{kind or 'error'}: {message or error}", secret), request_id=request_id)


def from_sdk(error: anthropic.AnthropicError, secret: str = "", *, about_model: bool = True) -> RequestError:
    """From an exception of the SDK. about_model: whether a 404 can mean that there is no such model."""
    if isinstance(error, anthropic.APIStatusError):
        return _from_status(error, secret, about_model)
    cause = error.__cause__
    said = f"{type(cause).__name__}: {cause}" if cause is not None and str(cause) else str(error)
    if isinstance(error, anthropic.APITimeoutError):
        return RequestError("timeout", one_line(f"no answer in time ({type(cause).__name__})", secret))
    if isinstance(error, anthropic.APIConnectionError):
        return RequestError("connection", one_line(f"connection failed: {said}", secret))
    return RequestError("server", one_line(said, secret))


def _from_status(error: anthropic.APIStatusError, secret: str, about_model: bool) -> RequestError:
    status, said = error.status_code, error.api_message or ""
    meaning = kind_of(error.type, error.error_code, said)
    if meaning in (None, "server", "bad_request"):  # the status says more than these
        meaning = kind_of_status(status)
    if status < 400:
        meaning, said = "bad_request", "the server redirects elsewhere, which is not followed; correct base_url"
    elif meaning == "unknown_model" and not about_model:
        meaning = "bad_request"
    elif error.type is None and status == 404:
        said = "nothing there; is base_url right?"
    kind = error.type or "error"
    text = f"{kind}: {said}" if said else f"{kind} without an explanation"
    return RequestError(
        meaning,
        one_line(f"{text} (HTTP {status})", secret),
        retry_after=retry_after(error.response.headers),
        status=status,
        request_id=error.request_id or "",
    )
