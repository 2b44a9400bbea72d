"""`--set KEY=VALUE`: single keys of an experiment, set on the command line."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from typing import Any

from harness.errors import ConfigError


def apply_override(data: Mapping[str, Any], override: str) -> dict[str, Any]:
    """`data` with one "a.b=value" applied; the value is read as TOML, or else taken as text.

    A component written as a bare name becomes a table when one of its options is set: faces.detector.runtime=torch.
    One of a list is named by its number from 0, the only one of a list by nothing: labeling.labelers.model=...
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {override!r}: write key=value, for example faces.detector=haar")
    changed: dict[str, Any] = _with(copy.deepcopy(dict(data)), "", parts, _value(text.strip()), override)
    return changed


def _with(inner: Any, name: str, parts: list[str], value: Any, override: str) -> Any:
    """`inner`, which stands under `name`, with what `parts` leads to set to a value."""
    if not parts:
        return value
    if isinstance(inner, list):
        number, rest = _element(inner, name, parts, override)
        inner[number] = _with(inner[number], name, rest, value, override)
        return inner
    if isinstance(inner, str):
        inner = {"use": inner}
    if not isinstance(inner, dict):
        raise ConfigError(f"--set {override!r}: {name!r} holds a {type(inner).__name__}, not a table")
    first, *rest = parts
    inner[first] = _with(inner.get(first, {}), first, rest, value, override)
    return inner


def _element(items: list[Any], name: str, parts: list[str], override: str) -> tuple[int, list[str]]:
    """Which element of a list is meant, and the parts that lead on from it."""
    if parts[0].isdecimal():
        if int(parts[0]) >= len(items):
            raise ConfigError(f"--set {override!r}: {name!r} holds {len(items)}, counted from 0")
        return int(parts[0]), parts[1:]
    if len(items) != 1:
        raise ConfigError(
            f"--set {override!r}: {name!r} holds {len(items)}; say which, counted from 0: {name}.0.{parts[0]}"
        )
    return 0, parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
