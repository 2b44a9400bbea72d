"""Request bodies of the Messages API, as JSON bytes.

A body is put together from bytes that are the same for every face (made once for a prompt) and the face in base64, so
that neither the SDK nor this module walks through it: half the CPU of a request otherwise goes there.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.vlm import Message, Prompt, media_type
from harness_claude.models import can_force_tools
from harness_claude.options import ClaudeOptions

REMEMBERED = 256  # prompts whose bytes are kept: a prompt that is not shuffled is the same object for every face
REMEMBERED_EXAMPLES = 8
TOOL = "answer"
FACE = b'{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"'
DATA = b'","data":"'
# The smallest prefix that any model caches has 512 tokens; a mark on less is ignored by the provider, at no cost. So
# the estimates may be rough: four characters a token, and a small face for each image.
WORTH_MARKING = 512
CHARACTERS_A_TOKEN = 4
TOKENS_AN_IMAGE = 64


def dumps(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Bodies:
    """Makes the bodies of requests under given options."""

    def __init__(self, options: ClaudeOptions) -> None:
        self.options = options
        self._known: OrderedDict[tuple[int, int, bool], tuple[Prompt, Any, list[bytes]]] = OrderedDict()
        self._before: OrderedDict[tuple[int, str], tuple[Any, bytes]] = OrderedDict()

    def body(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None, *, batch: bool = False) -> bytes:
        """The body of one request; ValueError if the image is neither JPEG nor PNG."""
        *head, tail = self._around(prompt, schema, batch)
        return b"".join((*head, FACE, media_type(image).encode(), DATA, b64encode(image), tail))

    def _around(self, prompt: Prompt, schema: Mapping[str, Any] | None, batch: bool) -> list[bytes]:
        """What stands before the face, in pieces, and what stands after it."""
        key = (id(prompt), id(schema), batch)
        known = self._known.get(key)
        if known is None:
            fields = dumps(self._fields(prompt, schema, batch))[:-1] + b',"messages":['
            tail = b'"}}' + b"".join(b"," + dumps(block) for block in _text(prompt.text)) + b"]}"
            tail += b"".join(b"," + dumps(_message(one)) for one in prompt.after) + b"]}"
            # Holding prompt and schema keeps their ids their own.
            known = self._known[key] = (prompt, schema, [fields, self._examples(prompt), tail])
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known[2]

    def _fields(self, prompt: Prompt, schema: Mapping[str, Any] | None, batch: bool) -> dict[str, Any]:
        """All but the messages."""
        options = self.options
        fields: dict[str, Any] = {"model": options.model, "max_tokens": options.max_tokens}
        thinking = options.thinking_type()
        if thinking:
            fields["thinking"] = {"type": thinking}
        output: dict[str, Any] = {} if options.effort == "default" else {"effort": options.effort}
        if schema is not None and options.structured == "output_config":
            output["format"] = {"type": "json_schema", "schema": schema}
        if output:
            fields["output_config"] = output
        if schema is not None and options.structured == "tool":
            fields |= self._tool(schema)
        if options.service_tier != "auto" and not batch:  # batches have a tier of their own
            fields["service_tier"] = options.service_tier
        if prompt.system:
            system: dict[str, Any] = {"type": "text", "text": prompt.system}
            fields["system"] = [system | self._mark(prompt)] if not prompt.before else [system]
        return fields

    def _tool(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        # A model that does not accept to be forced, or that thinks first, is asked to call the tool in words.
        forced = can_force_tools(self.options.model) and self.options.thinking == "off"
        tool = {"name": TOOL, "description": "Gives the answer. Always answer by calling this tool.", "strict": True,
                "input_schema": schema}  # fmt: skip
        return {"tools": [tool], "tool_choice": {"type": "tool", "name": TOOL} if forced else {"type": "auto"}}

    def _examples(self, prompt: Prompt) -> bytes:
        """The messages before the face, each followed by a comma; shared by prompts, since they hold images."""
        if not prompt.before:
            return b""
        key = (id(prompt.before), prompt.system)
        if key not in self._before:
            messages = [_message(one) for one in prompt.before]
            messages[-1]["content"][-1] |= self._mark(prompt)
            self._before[key] = (prompt.before, b"".join(dumps(one) + b"," for one in messages))
            if len(self._before) > REMEMBERED_EXAMPLES:
                self._before.popitem(last=False)
        return self._before[key][1]

    def _mark(self, prompt: Prompt) -> dict[str, Any]:
        """The mark that ends what the provider should cache, or nothing."""
        if self.options.prompt_cache == "off" or prefix_tokens(prompt.system, prompt.before) < WORTH_MARKING:
            return {}
        kept = {"ttl": "1h"} if self.options.prompt_cache == "1h" else {}
        return {"cache_control": {"type": "ephemeral", **kept}}


def prefix_tokens(system: str, before: Sequence[Message]) -> int:
    """Roughly the tokens that are the same for every face."""
    characters = len(system) + sum(len(one.text) for one in before)
    return characters // CHARACTERS_A_TOKEN + TOKENS_AN_IMAGE * sum(one.image is not None for one in before)


def _message(message: Message) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if message.image is not None:
        data = b64encode(message.image).decode("ascii")
        source = {"type": "base64", "media_type": media_type(message.image), "data": data}
        content.append({"type": "image", "source": source})
    return {"role": message.role, "content": content + _text(message.text)}


def _text(text: str) -> list[dict[str, Any]]:
    """Blocks of a text; the API refuses empty ones."""
    return [{"type": "text", "text": text}] if text else []
