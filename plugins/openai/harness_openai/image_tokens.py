"""How many tokens an image costs at OpenAI, estimated before asking.

After the guide "Images and vision" of OpenAI's documentation, as of autumn 2026: some models pay for patches of
32 x 32 pixels times a multiplier, the older ones for tiles of 512 x 512 pixels on top of a base. Images are shrunk to
the limits of a model and a level of detail, never enlarged. Rounding may differ by one token.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PATCH, TILE = 32, 512


@dataclass(frozen=True)
class _Limit:
    """Longest side in pixels and most patches (None: as many as it takes) of one level of detail."""

    side: int
    patches: int | None = None


@dataclass(frozen=True)
class _Patches:
    multiplier: float
    high: _Limit = _Limit(2048, 2500)
    others: Mapping[str, _Limit] = field(default_factory=dict)  # levels of detail that differ from high


@dataclass(frozen=True)
class _Tiles:
    base: int
    tile: int


_WIDE, _LARGE, _SMALL, _FREE = _Limit(2048, 6144), _Limit(6000, 10_000), _Limit(512), _Limit(65_535)
_GPT_5_6 = _Patches(1.2, others={"low": _SMALL, "original": _FREE, "auto": _FREE})
_GPT_5_5 = _Patches(1.2, others={"low": _SMALL, "original": _LARGE, "auto": _LARGE})
_GPT_5_4 = _Patches(1.2, others={"low": _WIDE, "original": _LARGE})
_OLD = _Limit(2048, 1536)

_MODELS: Mapping[str, _Patches | _Tiles] = {
    "gpt-5.6-sol": _GPT_5_6, "gpt-5.6-terra": _GPT_5_6, "gpt-5.6-luna": _GPT_5_6,
    "gpt-5.5": _GPT_5_5,
    "gpt-5.4": _GPT_5_4, "gpt-5.4-mini": _GPT_5_4, "gpt-5.4-nano": _GPT_5_4,
    "gpt-5.2": _Patches(1.2, _WIDE),
    "gpt-5-mini": _Patches(1.2, _OLD), "gpt-5-nano": _Patches(1.5, _OLD),
    "gpt-4.1-mini": _Patches(1.62, _WIDE), "gpt-4.1-nano": _Patches(2.46, _OLD), "o4-mini": _Patches(1.72, _OLD),
    "gpt-5.1": _Tiles(70, 140), "gpt-5": _Tiles(70, 140),
    "gpt-4.1": _Tiles(85, 170), "gpt-4o": _Tiles(85, 170), "gpt-4o-mini": _Tiles(2833, 5667),
    "o1": _Tiles(75, 150), "o1-pro": _Tiles(75, 150), "o3": _Tiles(75, 150),
}  # fmt: skip
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def image_tokens(model: str, detail: str, width: int, height: int) -> int | None:
    """Input tokens of one image of width x height pixels; None for a model that is not in the documentation's tables.

    detail: low, high, original or auto.
    """
    rule = _MODELS.get(_SNAPSHOT.sub("", model))
    if rule is None or width < 1 or height < 1:
        return None
    if isinstance(rule, _Tiles):
        return rule.base if detail == "low" else rule.base + rule.tile * _tiles(width, height)
    limit = rule.others.get(detail, rule.high)
    return math.ceil(round(_patches(width, height, limit) * rule.multiplier, 6))


def _fit(width: float, height: float, side: float) -> tuple[int, int]:
    """The size after shrinking the longest edge to at most `side` pixels."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _patches(width: int, height: int, limit: _Limit) -> int:
    width, height = _fit(width, height, limit.side)
    needed = math.ceil(width / PATCH) * math.ceil(height / PATCH)
    if limit.patches is None or needed <= limit.patches:
        return needed
    shrink = math.sqrt(PATCH**2 * limit.patches / (width * height))
    across, down = width * shrink / PATCH, height * shrink / PATCH
    # so that the shorter of the two rounds down to whole patches; an edge below one patch stays as it is
    shrink *= min(math.floor(across) / across if across >= 1 else 1, math.floor(down) / down if down >= 1 else 1)
    edges = (max(1, math.floor(round(edge * shrink, 6))) for edge in (width, height))
    return min(limit.patches, math.prod(math.ceil(edge / PATCH) for edge in edges))


def _tiles(width: int, height: int) -> int:
    width, height = _fit(width, height, 2048)
    scale = min(1.0, 768 / min(width, height))
    return math.ceil(math.floor(round(width * scale, 6)) / TILE) * math.ceil(
        math.floor(round(height * scale, 6)) / TILE
    )
