"""OpenAI's wire format: chat completions, responses, errors, models."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Any

from harness.testing.providers.asked import Asked
from harness.testing.providers.behaviour import Answer, Model
from harness.testing.providers.speech import choices, image_tokens, text_tokens

_FINISH = {"end": "stop", "length": "length", "refusal": "stop", "filter": "content_filter"}
_REFUSAL = "I'm sorry, I can't assist with that request."
# Status: type, code, message.
_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Not permitted."),
    404: ("invalid_request_error", "model_not_found", "The model `{model}` does not exist or you do not have access."),
    413: ("invalid_request_error", None, "Request too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests per min. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later."),
    529: ("overloaded_error", None, "Overloaded."),
}
_QUOTA = "You exceeded your current quota, please check your plan and billing details."


def reply(asked: Asked, answer: Answer, text: str, number: int) -> dict[str, Any]:
    """The chat completion or response that answers. text: the whole text, cut here by the limit."""
    stop = answer.stop
    if stop == "length":
        text = text[: len(text) // 2]
    elif asked.most is not None and text_tokens(text) > asked.most:
        text, stop = text[: 4 * asked.most], "length"
    if stop in ("refusal", "filter"):
        text = ""
    return (_chat if asked.wire == "chat" else _response)(asked, answer, text, stop, number)


def _chat(asked: Asked, answer: Answer, text: str, stop: str, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    if stop == "refusal":
        message |= {"content": None, "refusal": answer.message or _REFUSAL}
    elif stop == "filter":
        message["content"] = None
    elif asked.tool:
        call = {"name": asked.tool, "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": f"call_{number}", "type": "function", "function": call}]}
    wanted = asked.top >= 0 and stop in ("end", "length")
    spoken = text or (message["refusal"] or "")
    sent, got = _tokens(asked, spoken)
    return {
        "id": f"chatcmpl-{number:024d}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": answer.model or asked.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": _FINISH[stop],
                "logprobs": {"content": logprobs(asked, text), "refusal": None} if wanted else None,
            }
        ],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": got,
            "total_tokens": sent + got,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_test",
    }


def _response(asked: Asked, answer: Answer, text: str, stop: str, number: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    if asked.top >= 0:
        part["logprobs"] = logprobs(asked, text)
    if stop == "refusal":
        part = {"type": "refusal", "refusal": answer.message or _REFUSAL}
    reason = {"length": "max_output_tokens", "filter": "content_filter"}.get(stop)
    status = "incomplete" if reason else "completed"
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": status, "content": [part]}
    sent, got = _tokens(asked, text or part.get("refusal", ""))
    return {
        "id": f"resp_{number:024d}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "metadata": {},
        "model": answer.model or asked.model,
        "output": [] if stop == "filter" else [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": got,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sent + got,
        },
    }


def _tokens(asked: Asked, text: str) -> tuple[int, int]:
    return text_tokens(*asked.texts) + image_tokens(asked) + 4 * len(asked.roles), text_tokens(text) + 2


def logprobs(asked: Asked, text: str) -> list[dict[str, Any]]:
    """Tokens of a text (words with the space before them) with probabilities drawn from the image's hash: the first
    between 0.5 and 0.99, its rest shared by the first words of the other labels; the others sure."""
    probability = 0.5 + 0.49 * int(asked.image[8:16] or "0", 16) / 0xFFFFFFFF
    words = re.findall(r"\s*\S+", text)
    firsts = dict.fromkeys(named.split()[0] for named in choices(asked))
    others = [one for one in firsts if words and one != words[0]]
    rows = []
    for position, word in enumerate(words):
        top = [_token(word, math.log(probability if position == 0 else 0.9999))]
        if position == 0:
            top += [_token(one, math.log((1 - probability) / len(others))) for one in others]
        rows.append({**top[0], "top_logprobs": top[: asked.top]})
    return rows


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def error(answer: Answer, model: str = "") -> dict[str, Any]:
    """The body of an error status."""
    fallback = ("server_error" if answer.status >= 500 else "invalid_request_error", None, "Error.")
    kind, code, words = _ERRORS.get(answer.status, fallback)
    if answer.code in ("insufficient_quota", "enforced_spend_limit_reached"):
        kind, code, words = "insufficient_quota", "insufficient_quota", _QUOTA
    elif answer.code or answer.message:
        code = answer.code or None
    return {
        "error": {"message": answer.message or words.format(model=model), "type": kind, "param": None, "code": code}
    }


def model_info(model: Model) -> dict[str, Any]:
    """One model of the catalogue."""
    return {
        "id": model.id,
        "object": "model",
        "created": 1_767_225_600,
        "owned_by": "test",
        "shutdown_date": model.retires_at,
    }


def page(rows: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a list, newest first: `limit` (20), `after`."""
    limit = int(query.get("limit", 20))
    ids = [row["id"] for row in rows]
    first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    chosen = rows[first : first + limit]
    return {
        "object": "list",
        "data": chosen,
        "has_more": first + limit < len(rows),
        "first_id": chosen[0]["id"] if chosen else None,
        "last_id": chosen[-1]["id"] if chosen else None,
    }
