"""What a request asks for, read from the wire format it came in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Wire = Literal["messages", "chat", "responses"]


class Malformed(ValueError):
    """A request body that the provider would answer with 400; the text is the provider's complaint."""


@dataclass
class Asked:
    """One question.

    texts     every text in order, the system prompt first
    images    encoded image bytes in order; the last one is the face
    kinds     their announced media types; details: OpenAI's `detail` of each
    schema    JSON schema of the answer, or None
    tool      name of the tool that must be called, or ""
    most      the token limit of the answer, or None
    top       alternatives a token wanted (-1: no log-probabilities)
    marked    texts and images up to the last cache_control mark, or None
    """

    wire: Wire
    model: str
    texts: list[str] = field(default_factory=list)
    images: list[bytes] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    schema: Mapping[str, Any] | None = None
    tool: str = ""
    most: int | None = None
    top: int = -1
    marked: tuple[int, int] | None = None

    @cached_property
    def image(self) -> str:
        """sha256 of the last image's bytes in hexadecimal, or ""."""
        return hashlib.sha256(self.images[-1]).hexdigest() if self.images else ""

    def add_text(self, text: Any) -> None:
        """Malformed for anything but a string."""
        if not isinstance(text, str):
            raise Malformed("text: Input should be a valid string")
        self.texts.append(text)

    def add_image(self, data: str, kind: str, detail: str = "") -> None:
        """Malformed for anything but base64."""
        try:
            self.images.append(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Malformed(f"image: invalid base64 data ({error})") from error
        self.kinds.append(kind)
        self.details.append(detail)


def read(wire: Wire, body: bytes | Mapping[str, Any]) -> Asked:
    """The question in a request body; Malformed for what the provider would not understand."""
    if not isinstance(body, Mapping):
        try:
            body = json.loads(body)
        except ValueError as error:
            raise Malformed(f"could not parse the JSON body of your request: {error}") from error
    if not isinstance(body, Mapping) or not isinstance(body.get("model"), str):
        raise Malformed("model: Field required")
    if body.get("stream"):
        raise Malformed("stream: this server does not stream")
    asked = Asked(wire, body["model"])
    reader = {"messages": _messages, "chat": _chat, "responses": _responses}[wire]
    try:
        reader(asked, body)
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"messages: not of the expected shape ({type(error).__name__}: {error})") from error
    return asked


def _messages(asked: Asked, body: Mapping[str, Any]) -> None:
    for name in ("max_tokens", "messages"):
        if name not in body:
            raise Malformed(f"{name}: Field required")
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise Malformed(f"{name}: this parameter is not supported by this model")
    asked.most = body["max_tokens"]
    _blocks(asked, body.get("system") or ())
    for message in body["messages"]:
        asked.roles.append(message["role"])
        _blocks(asked, message["content"])
    if not asked.roles or asked.roles[0] != "user":
        raise Malformed('messages: first message must use the "user" role')
    output = (body.get("output_config") or {}).get("format")
    if output:
        asked.schema = output["schema"]
    choice = body.get("tool_choice") or {}
    tools = {tool["name"]: tool for tool in body.get("tools") or ()}
    if choice.get("type") in ("tool", "any") and tools:
        asked.tool = choice.get("name") or next(iter(tools))
        if asked.tool not in tools:
            raise Malformed(f"tool_choice: tool {asked.tool!r} not found in provided tools")
        asked.schema = tools[asked.tool]["input_schema"]


def _several(content: str | Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The blocks of a message; a bare string is one block of text."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _blocks(asked: Asked, content: str | Iterable[Mapping[str, Any]]) -> None:
    for block in _several(content):
        if block["type"] == "text":
            asked.add_text(block["text"])
        elif block["type"] == "image":
            source = block["source"]
            if source["type"] != "base64":
                raise Malformed("image.source.type: this server takes base64 only")
            asked.add_image(source["data"], source["media_type"])
            _check_media_type(asked.images[-1], asked.kinds[-1])
        if block.get("cache_control"):
            asked.marked = len(asked.texts), len(asked.images)


def _check_media_type(image: bytes, kind: str) -> None:
    if kind not in ("image/jpeg", "image/png", "image/gif", "image/webp"):
        raise Malformed(f"image.source.base64.media_type: {kind!r} is not supported")
    is_jpeg, is_png = image.startswith(b"\xff\xd8\xff"), image.startswith(b"\x89PNG\r\n\x1a\n")
    if (is_jpeg and kind != "image/jpeg") or (is_png and kind != "image/png"):
        raise Malformed(f"image.source.base64: the image was specified using the {kind} media type, but is another")


def _chat(asked: Asked, body: Mapping[str, Any]) -> None:
    asked.most = body.get("max_completion_tokens", body.get("max_tokens"))
    for message in body["messages"]:
        asked.roles.append(message["role"])
        _parts(asked, message["content"])
    output = body.get("response_format") or {}
    if output.get("type") == "json_schema":
        asked.schema = _strict(output["json_schema"])
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") == "function":
        asked.tool = choice["function"]["name"]
        tools = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or ()}
        asked.schema = tools[asked.tool]["parameters"]
    if body.get("logprobs"):
        asked.top = body.get("top_logprobs") or 0
    elif body.get("top_logprobs"):
        raise Malformed("'top_logprobs' is only allowed when 'logprobs' is enabled")


def _responses(asked: Asked, body: Mapping[str, Any]) -> None:
    asked.most = body.get("max_output_tokens")
    if body.get("instructions"):
        asked.add_text(body["instructions"])
    if "seed" in body:
        raise Malformed("Unknown parameter: 'seed'.")
    given = body["input"]
    for message in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        asked.roles.append(message["role"])
        _parts(asked, message["content"])
    output = (body.get("text") or {}).get("format") or {}
    if output.get("type") == "json_schema":
        asked.schema = _strict(output)
    if "message.output_text.logprobs" in (body.get("include") or ()):
        asked.top = body.get("top_logprobs") or 0


def _parts(asked: Asked, content: str | Iterable[Mapping[str, Any]]) -> None:
    for part in _several(content):
        if part["type"] in ("text", "input_text", "output_text"):
            asked.add_text(part["text"])
        elif part["type"] in ("image_url", "input_image"):
            given: str | Mapping[str, Any] = part["image_url"]
            url: str = given if isinstance(given, str) else given["url"]
            detail = (part if isinstance(given, str) else given).get("detail", "auto")
            head, _, data = url.partition(";base64,")
            if not head.startswith("data:image/"):
                raise Malformed("image_url: this server takes data: URLs only")
            if detail not in ("low", "high", "auto", "original"):
                raise Malformed(f"Invalid value: {detail!r}. Supported values are: 'low', 'high', 'auto', 'original'.")
            asked.add_image(data, head[5:], detail)
        else:
            raise Malformed(f"Invalid value: {part['type']!r}.")


def _strict(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema; a strict one must close its object and require every property, as the real endpoint insists."""
    schema: Mapping[str, Any] = output["schema"]
    if "name" not in output:
        raise Malformed("Missing required parameter: 'name' of the json_schema.")
    if output.get("strict") and schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise Malformed("Invalid schema: 'additionalProperties' is required to be supplied and to be false.")
        if set(schema.get("required", ())) != set(schema.get("properties", ())):
            raise Malformed("Invalid schema: 'required' is required to include every key in properties.")
    return schema
