"""Anthropic's wire format: messages, errors, models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from harness.testing.providers.asked import Asked, Malformed
from harness.testing.providers.behaviour import Answer, Model
from harness.testing.providers.speech import image_tokens, text_tokens

_STOPS = {"end": "end_turn", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}
_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 409: "conflict_error", 413: "request_too_large", 429: "rate_limit_error",
    500: "api_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
_MESSAGES = {
    400: "messages: at least one message is required", 401: "invalid x-api-key",
    402: "Your credit balance is too low to access the API.", 403: "This key may not use this resource.",
    404: "model: {model}", 413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit.", 500: "Internal server error",
    529: "Overloaded",
}  # fmt: skip
_CODES = {
    "enforced_spend_limit_reached": "You have reached your specified API usage limits.",
    "insufficient_quota": "You have reached your specified API usage limits.",
}


def check(asked: Asked) -> None:
    """Malformed for a schema that the provider would not take."""
    schema = asked.schema
    closed = schema is None or schema.get("type") != "object" or schema.get("additionalProperties") is False
    if not closed and not asked.tool:
        raise Malformed("output_config.format.schema: For 'object' type, 'additionalProperties' must be false")


def reply(asked: Asked, answer: Answer, text: str, number: int, caches: set[str]) -> dict[str, Any]:
    """The message that answers. text: the whole text, cut here by the limit; caches: prompt prefixes seen before."""
    stop = answer.stop
    most = asked.most or 1
    if stop == "length":
        text = text[: len(text) // 2]
    elif text_tokens(text) > most:
        text, stop = text[: 4 * most], "length"
    content: list[dict[str, Any]] = [{"type": "text", "text": text, "citations": None}] if text else []
    reason = _STOPS[stop]
    if stop in ("refusal", "filter"):
        content = []
    elif asked.tool:
        content = [{"type": "tool_use", "id": f"toolu_{number:024d}", "name": asked.tool, "input": _input(text)}]
        reason = "tool_use" if stop == "end" else reason
    details = None
    if reason == "refusal":
        words = answer.message or "This request was declined by the provider's policy."
        details = {"type": "refusal", "category": answer.code or "general_harms", "explanation": words}
    return {
        "id": f"msg_{number:024d}",
        "type": "message",
        "role": "assistant",
        "model": answer.model or asked.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details,
        "usage": _usage(asked, text if content else "", caches),
    }


def _input(text: str) -> dict[str, Any]:
    """What a tool is called with; a call that was cut is an empty object."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _usage(asked: Asked, text: str, caches: set[str]) -> dict[str, Any]:
    total = text_tokens(*asked.texts) + image_tokens(asked) + 4 * len(asked.roles)
    written = read = 0
    if asked.marked is not None:
        texts, images = asked.texts[: asked.marked[0]], asked.images[: asked.marked[1]]
        prefix = hashlib.sha256(b"\0".join([asked.model.encode(), *(one.encode() for one in texts), *images]))
        tokens = text_tokens(*texts) + image_tokens(
            Asked("messages", asked.model, images=images, details=[""] * len(images))
        )
        if tokens >= 1024:  # shorter prefixes are not cached (doc)
            seen = prefix.hexdigest() in caches
            caches.add(prefix.hexdigest())
            written, read = (0, tokens) if seen else (tokens, 0)
    return {
        "input_tokens": total - written - read,
        "output_tokens": text_tokens(text) + 3,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def error(answer: Answer, request: str, model: str = "") -> dict[str, Any]:
    """The body of an error status."""
    kind = _TYPES.get(answer.status, "api_error" if answer.status >= 500 else "invalid_request_error")
    words = answer.message or _CODES.get(answer.code) or _MESSAGES.get(answer.status, kind).format(model=model)
    told: dict[str, Any] = {"type": kind, "message": words}
    if answer.code.endswith("_reached"):
        told["details"] = {"error_code": answer.code}
    elif answer.code == "insufficient_quota":
        told["details"] = {"error_code": "enforced_spend_limit_reached"}
    return {"type": "error", "error": told, "request_id": request}


def model_info(model: Model) -> dict[str, Any]:
    """One model of the catalogue."""
    parts = set(model.id.split("-"))
    line = next((one for one in ("haiku", "sonnet", "opus") if one in parts), None)
    supported = {"supported": True}
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name or model.id,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": model.lifecycle,
        "deprecated_at": model.deprecated_at,
        "retires_at": model.retires_at,
        "line": line,
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {
            "batch": supported,
            "citations": supported,
            "code_execution": supported,
            "context_management": {"supported": True},
            "effort": {
                "supported": False,
                **{level: {"supported": False} for level in ("low", "medium", "high", "max")},
            },
            "image_input": supported,
            "pdf_input": supported,
            "server_tools": {"supported": True, "code_execution": supported, "web_search": supported},
            "structured_outputs": supported,
            "thinking": {"supported": True, "types": {"enabled": supported, "adaptive": supported}},
        },
    }


def page(rows: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a list, newest first: `limit` (20), `after_id`, `before_id`."""
    limit = int(query.get("limit", 20))
    ids = [row["id"] for row in rows]
    first = ids.index(query["after_id"]) + 1 if query.get("after_id") in ids else 0
    if query.get("before_id") in ids:
        last = ids.index(query["before_id"])
        first = max(0, last - limit)
        chosen, more = rows[first:last], first > 0
    else:
        chosen, more = rows[first : first + limit], first + limit < len(rows)
    return {
        "data": chosen,
        "has_more": more,
        "first_id": chosen[0]["id"] if chosen else None,
        "last_id": chosen[-1]["id"] if chosen else None,
    }
