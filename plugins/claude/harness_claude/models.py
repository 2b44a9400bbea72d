"""What Claude models differ in, read from their ids, as Anthropic's documentation states it (November 2026).

Only what changes a request or an estimate stands here. An id that is not known gets what every model accepts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

Version = tuple[int, int]

_ID = re.compile(r"claude-(?P<line>[a-z]+)-(?P<major>\d+)(?:-(?P<minor>\d{1,2})(?!\d))?")
PATCH = 28  # pixels a side of what one visual token sees
STANDARD = (1568, 1568)  # longest edge in pixels, most visual tokens; larger images are shrunk by the provider
HIGH_RESOLUTION = (2576, 4784)
HIGH_RESOLUTION_SINCE: Version = (4, 7)

# Models that think unless told otherwise, and the word that stops them. Those before 5.0 think only when asked to;
# Opus 5.5, Fable and Mythos cannot be stopped.
THINKS_UNLESS: Mapping[tuple[str, Version], str] = {
    ("opus", (5, 0)): "disabled",
    ("sonnet", (5, 0)): "disabled",
    ("haiku", (5, 5)): "disabled",
    ("sonnet", (5, 5)): "between_tools",
}
FORCES_TOOLS_BEFORE: Version = (5, 1)  # later models answer a forced tool with 400, except the one below
FORCES_TOOLS_TOO = ("haiku", (5, 5))


def version_of(model: str) -> tuple[str, Version] | None:
    """("haiku", (4, 5)) of "claude-haiku-4-5-20251001"; None for Claude 3 and for other makers' names."""
    found = _ID.search(model)
    return (found["line"], (int(found["major"]), int(found["minor"] or 0))) if found else None


def no_thinking(model: str) -> str | None:
    """The `thinking.type` that keeps a model from thinking first, or None if there is nothing to send."""
    version = version_of(model)
    return THINKS_UNLESS.get(version) if version else None


def can_force_tools(model: str) -> bool:
    """Whether a model accepts a `tool_choice` that names the tool (while it does not think)."""
    version = version_of(model)
    return version is None or version[1] < FORCES_TOOLS_BEFORE or version == FORCES_TOOLS_TOO


def image_tokens(model: str, width: int, height: int) -> int:
    """Visual tokens of an image of width x height pixels: one for each patch of 28 x 28 pixels, begun ones included.

    An image over the model's limits counts at the largest size of the same shape that fits.
    """
    version = version_of(model)
    edge, most = HIGH_RESOLUTION if version and version[1] >= HIGH_RESOLUTION_SINCE else STANDARD
    if max(width, height) <= edge and _patches(width, height) <= most:
        return _patches(width, height)
    # The longest edge that fits, by bisection: patches never grow when the edge shrinks.
    low, high = 1, min(edge, max(width, height))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _patches(*_shrunk(width, height, middle)) <= most else (low, middle - 1)
    return _patches(*_shrunk(width, height, low))


def _shrunk(width: int, height: int, edge: int) -> tuple[int, int]:
    longest = max(width, height)
    return max(1, round(width * edge / longest)), max(1, round(height * edge / longest))


def _patches(width: int, height: int) -> int:
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)
