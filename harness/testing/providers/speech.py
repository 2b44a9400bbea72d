"""What the server says when nobody tells it what to say: a label, a JSON value, and how many tokens that makes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.expressions import BUILT_IN
from harness.testing.providers.asked import Asked
from harness.testing.providers.behaviour import Answer

_QUOTED = re.compile(r"['‘\"“]([^'‘’\"“”\n]{2,60})['’\"”]")
NOTHING_ASKED = "There is a face in the image."


def choices(asked: Asked) -> Sequence[str]:
    """The labels that a request names: an enum of its schema, or labels in its texts. Sorted, so that the order in
    which a prompt lists them does not matter; empty if there are none."""
    found = _enum(asked.schema) if asked.schema is not None else ()
    return sorted(set(found)) or _named("\n".join(asked.texts))


@lru_cache(maxsize=256)
def _named(text: str) -> Sequence[str]:
    for space in BUILT_IN.values():
        spellings = [name for label in space.labels for name in (label.name, *label.aliases)]
        found = sorted(name for name in spellings if re.search(rf"\b{re.escape(name)}\b", text))
        if len(found) > 1:
            return found
    return sorted(set(_QUOTED.findall(text)))


def _enum(schema: Any) -> list[str]:
    """The strings of the first enum anywhere in a schema."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("enum"), list):
            return [one for one in schema["enum"] if isinstance(one, str)]
        schema = list(schema.values())
    if isinstance(schema, list):
        return next((found for part in schema if (found := _enum(part))), [])
    return []


def said(asked: Asked, answer: Answer, label: str | None) -> str:
    """The text of an answer, before any cut. label: what the server always says by default, or None."""
    named = choices(asked)
    text = answer.text
    if text is None:
        text = _chosen(asked, named, answer.wrong) if label is None or answer.wrong else label
    # A model that is bound to a schema cannot say anything else; a text that is not one of the choices is taken as
    # what a careless compatible server lets through.
    return json.dumps(value(asked.schema, text)) if asked.schema is not None and text in named else text


def _chosen(asked: Asked, named: Sequence[str], wrong: bool) -> str:
    if not named:
        return NOTHING_ASKED
    return named[(int(asked.image[:8] or "0", 16) + wrong) % len(named)]


def value(schema: Any, text: str, root: Any = None) -> Any:
    """A value that obeys a schema, with `text` wherever it may stand."""
    root = schema if root is None else root
    if "$ref" in schema:
        return value(root["$defs"][schema["$ref"].rpartition("/")[2]], text, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return text if text in schema["enum"] else schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return value(schema[several][0], text, root)
    if schema.get("type") == "object" or "properties" in schema:
        return {name: value(part, text, root) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [value(schema.get("items", {}), text, root)]
    plain = {"number": 0.9, "integer": 1, "boolean": True, "null": None}
    return plain.get(schema.get("type", "string"), text)


def text_tokens(*texts: str) -> int:
    """About four characters make a token."""
    return sum(-(-len(text) // 4) for text in texts)


def image_tokens(asked: Asked) -> int:
    """Anthropic: pixels / 750 (doc); OpenAI: 85, and 170 for each 512 px tile unless `detail` is low (doc)."""
    if asked.wire == "messages":
        return sum(_messages_image(*size(image)) for image in asked.images)
    return sum(
        85 if detail == "low" else 85 + 170 * _tiles(*size(image))
        for image, detail in zip(asked.images, asked.details, strict=True)
    )


def _messages_image(width: int, height: int) -> int:
    shrink = min(1.0, 1568 / max(width, height))
    return min(1600, max(1, round(width * shrink * height * shrink / 750)))


def _tiles(width: int, height: int) -> int:
    shrink = min(1.0, 2048 / max(width, height))
    shrink *= min(1.0, 768 / (min(width, height) * shrink))
    return math.ceil(width * shrink / 512) * math.ceil(height * shrink / 512)


def size(image: bytes) -> tuple[int, int]:
    """Width and height in px from the header of a PNG or JPEG; of anything else a square of four pixels a byte."""
    if image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) >= 24:
        return int.from_bytes(image[16:20], "big") or 1, int.from_bytes(image[20:24], "big") or 1
    position = 2
    while image.startswith(b"\xff\xd8") and position + 9 <= len(image) and image[position] == 0xFF:
        marker = image[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header
            height, width = (int.from_bytes(image[position + at : position + at + 2], "big") for at in (5, 7))
            return width or 1, height or 1
        position += 2 + int.from_bytes(image[position + 2 : position + 4], "big")
    side = max(1, math.isqrt(4 * len(image)))
    return side, side
