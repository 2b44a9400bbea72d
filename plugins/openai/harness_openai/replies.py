"""Replies out of the JSON of chat completions and responses (pure)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.vlm import Reply, RequestError, StopReason, Usage
from harness_openai.failures import reported

# How chat completions of different servers say why a reply ended; anything else is "other".
_STOPS: Mapping[str, StopReason] = {
    "": "end", "stop": "end", "eos": "end", "eos_token": "end", "end_turn": "end", "stop_sequence": "end",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "content_filter": "refusal", "refusal": "refusal", "safety": "refusal",
    "max_output_tokens": "length",
}  # fmt: skip


def parse(content: bytes) -> dict[str, Any]:
    """The JSON object of a successful answer's body; RequestError "server" if there is none."""
    if not content.strip():
        raise RequestError("server", "the server answered with an empty body")
    try:
        data = json.loads(content)
    except ValueError:
        start = " ".join(content[:80].decode("utf-8", "replace").split())
        raise RequestError(
            "server", f"the server's answer is no JSON (it begins {start!r}); does base_url lead to the API?"
        ) from None
    if not isinstance(data, dict):
        raise RequestError("server", "the server's answer is no JSON object")
    return data


def read(api: str, data: Mapping[str, Any], request_id: str = "") -> Reply:
    """The reply in a decoded answer of the chat completions or responses API; RequestError if none can be found.

    Some servers report errors of the model with status 200: those are RequestErrors, too.
    """
    if error := data.get("error"):
        raise reported(error, request_id)
    try:
        return _chat(data, request_id) if api == "chat" else _responses(data, request_id)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        missing = f"{type(error).__name__}: {error}"
        raise RequestError(
            "server", f"the server's answer lacks what a reply needs ({missing})", request_id=request_id
        ) from None


def _chat(data: Mapping[str, Any], request_id: str) -> Reply:
    choices = data.get("choices")
    if not choices:
        raise RequestError("server", "the server's answer holds no choices", request_id=request_id)
    choice = choices[0]
    if error := choice.get("error"):
        raise reported(error, request_id)
    message = choice["message"]
    finish = str(choice.get("finish_reason") or "")
    stop = _STOPS.get(finish.lower(), "other")
    text, detail = _text(message.get("content")), "" if stop == "end" else finish
    if refusal := message.get("refusal"):
        text, stop, detail = text or str(refusal), "refusal", "refusal"
    return Reply(
        text=text,
        stop_reason=stop,
        usage=_usage(data.get("usage"), "prompt", "completion"),
        model=str(data.get("model") or ""),
        id=str(data.get("id") or request_id),
        detail=detail,
        logprob=_logprob((choice.get("logprobs") or {}).get("content")),
    )


def _responses(data: Mapping[str, Any], request_id: str) -> Reply:
    parts = [part for item in data["output"] if item.get("type") == "message" for part in item["content"]]
    texts = [part for part in parts if part.get("type") == "output_text"]
    refusals = [str(part["refusal"]) for part in parts if part.get("type") == "refusal"]
    reason = str((data.get("incomplete_details") or {}).get("reason") or "")
    status = str(data.get("status") or "completed")
    stop: StopReason = "end" if status == "completed" else _STOPS.get(reason or status, "other")
    text, detail = "".join(str(part["text"]) for part in texts), "" if stop == "end" else reason or status
    if refusals:
        text, stop, detail = text or "".join(refusals), "refusal", "refusal"
    tokens = [token for part in texts for token in part.get("logprobs") or ()]
    return Reply(
        text=text,
        stop_reason=stop,
        usage=_usage(data.get("usage"), "input", "output"),
        model=str(data.get("model") or ""),
        id=str(data.get("id") or request_id),
        detail=detail,
        logprob=_logprob(tokens),
    )


def _text(content: object) -> str:
    """A message's text; some servers answer in parts, of which those of the reasoning are left out."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part["text"]) for part in content if part.get("type") == "text")
    raise TypeError(f"content is a {type(content).__name__}")


def _usage(usage: Mapping[str, Any] | None, sent: str, answered: str) -> Usage:
    if not usage:
        return Usage()
    total_in, out = int(usage.get(f"{sent}_tokens") or 0), int(usage.get(f"{answered}_tokens") or 0)
    details = usage.get(f"{sent}_tokens_details") or {}
    cached, written = int(details.get("cached_tokens") or 0), int(details.get("cache_write_tokens") or 0)
    # Gemini counts what a model thought only in the total; it is billed like the rest of the output.
    out = max(out, int(usage.get("total_tokens") or 0) - total_in)
    return Usage(max(0, total_in - cached - written), out, cached, written)


def _logprob(tokens: Sequence[Mapping[str, Any]] | None) -> float | None:
    """The sum over the reply's tokens; None if the server gave none or cannot be right."""
    if not tokens:
        return None
    total = math.fsum(float(token["logprob"]) for token in tokens)
    return total if math.isfinite(total) else None
