"""What the API answers, as Replies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.vlm import Reply, RequestError, StopReason, Usage
from harness_claude.failures import from_object, one_line

STOPS: Mapping[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


def reply_of(message: object, request_id: str = "", secret: str = "") -> Reply:
    """From a message object of the API; RequestError, without the secret, if it is an error object or nothing known."""
    if not isinstance(message, Mapping) or not _is_content(message.get("content")):
        if isinstance(message, Mapping) and message.get("type") == "error":
            raise from_object(message.get("error"), request_id, secret)
        raise RequestError("server", "an answer that is no message", request_id=request_id)
    stop = message.get("stop_reason") or ""
    return Reply(
        text=_text(message["content"]),
        stop_reason=STOPS.get(stop, "other"),
        usage=_usage(message.get("usage") or {}),
        model=message.get("model") or "",
        id=request_id or message.get("id") or "",
        detail=_detail(stop, message.get("stop_details")),
    )


def _is_content(content: object) -> bool:
    return isinstance(content, list) and all(isinstance(block, Mapping) for block in content)


def _text(content: Sequence[Mapping[str, Any]]) -> str:
    """The input of the tool as JSON if it was called, else the text; thinking is left out."""
    for block in content:
        if block.get("type") == "tool_use":
            return json.dumps(block.get("input"), ensure_ascii=False)
    return "".join(block.get("text") or "" for block in content if block.get("type") == "text")


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=usage.get("input_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        cache_read_tokens=usage.get("cache_read_input_tokens") or 0,
        cache_write_tokens=usage.get("cache_creation_input_tokens") or 0,
    )


def _detail(stop: str, details: object) -> str:
    """The raw stop reason, and for a refusal the policy category and explanation where they are given."""
    known = details if isinstance(details, Mapping) else {}
    return one_line(": ".join(str(part) for part in (stop, known.get("category"), known.get("explanation")) if part))
