"""Request bodies of chat completions and responses, as JSON bytes (pure).

The SDK can serialise bodies itself, but it walks over every image twice to do so. Here everything around the face is
serialised once for a prompt, and the face's base64 is put between the two halves.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import uuid4

from harness.vlm import Message, Prompt, RequestError, media_type
from harness_openai.options import OpenAIOptions

FACE = f"face-{uuid4().hex}"  # stands for the face's data URL; no prompt can hold it by chance


class Bodies:
    """Bodies of one labeler's requests."""

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._fixed = fixed_fields(options)
        self._halves = lru_cache(maxsize=16)(self._render)  # few-shot examples can be large: not many

    def body(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None) -> bytes:
        """The JSON body that asks a prompt about an image; RequestError if the image is neither JPEG nor PNG."""
        send = schema is not None and self._options.structured
        head, tail = self._halves(prompt, json.dumps(schema) if send else "")
        return b"".join((head, data_url(image), tail))

    def _render(self, prompt: Prompt, schema: str) -> tuple[bytes, bytes]:
        fields = dict(self._fixed)
        detail = self._options.detail if self._options.server.detail else None
        parsed = json.loads(schema) if schema else None
        if self._options.api == "chat":
            fields |= _chat(prompt, detail, parsed)
        else:
            fields |= _responses(prompt, detail, parsed)
        head, tail = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode().split(FACE.encode())
        return head, tail


def fixed_fields(options: OpenAIOptions) -> dict[str, Any]:
    """The fields that are the same in every request."""
    responses = options.api == "responses"
    fields: dict[str, Any] = {"model": options.model}
    fields["max_output_tokens" if responses else options.server.max_tokens] = options.max_tokens
    if options.temperature is not None:
        fields["temperature"] = options.temperature
    if options.sampling_seed is not None:
        fields["seed"] = options.sampling_seed
    if options.reasoning_effort is not None:
        fields |= {"reasoning": {"effort": options.reasoning_effort}} if responses else {
            "reasoning_effort": options.reasoning_effort
        }  # fmt: skip
    if options.logprobs:
        fields |= {"include": ["message.output_text.logprobs"]} if responses else {"logprobs": True}
    if responses and options.server.streams:
        fields["stream"] = False
    if options.server.store:
        fields["store"] = False  # the responses API keeps requests, faces included, for a month unless told not to
    return fields | options.extra_body


def data_url(image: bytes) -> bytes:
    """ "data:image/jpeg;base64,..." of JPEG or PNG bytes; RequestError for anything else."""
    try:
        kind = media_type(image)
    except ValueError as error:
        raise RequestError("bad_request", str(error)) from None
    return b"data:" + kind.encode() + b";base64," + base64.b64encode(image)


def _chat(prompt: Prompt, detail: str | None, schema: dict[str, Any] | None) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for message in prompt.messages(b""):
        url = _url(message)
        if url is None:
            messages.append({"role": message.role, "content": message.text})
            continue
        image = {"url": url} if detail is None else {"url": url, "detail": detail}
        content = [{"type": "image_url", "image_url": image}, {"type": "text", "text": message.text}]
        messages.append({"role": message.role, "content": content})
    fields: dict[str, Any] = {"messages": messages}
    if schema is not None:
        inner = {"name": "answer", "strict": True, "schema": schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": inner}
    return fields


def _responses(prompt: Prompt, detail: str | None, schema: dict[str, Any] | None) -> dict[str, Any]:
    turns: list[dict[str, Any]] = []
    for message in prompt.messages(b""):
        url = _url(message)
        if url is None:
            turns.append({"role": message.role, "content": message.text})
            continue
        image = {"type": "input_image", "image_url": url} | ({} if detail is None else {"detail": detail})
        turns.append({"role": message.role, "content": [image, {"type": "input_text", "text": message.text}]})
    fields: dict[str, Any] = {"input": turns}
    if prompt.system:
        fields["instructions"] = prompt.system
    if schema is not None:
        fields["text"] = {"format": {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}}
    return fields


def _url(message: Message) -> str | None:
    """The data URL of a message's image, FACE for the face (b""), None without an image."""
    if message.image is None:
        return None
    if message.role == "assistant":
        raise RequestError("bad_request", "a message of the assistant cannot hold an image")
    return data_url(message.image).decode() if message.image else FACE
