"""A component's options for people: name, type with its limits, default as TOML writes it, description."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAMES: dict[object, str] = {
    type(None): "none", bool: "true | false", int: "integer", float: "number", str: "text", Path: "path",
}  # fmt: skip
LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}


class Row(NamedTuple):
    """One option; default as an experiment file would write it, or "" where none can be written."""

    name: str
    type: str
    default: str
    required: bool
    description: str


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[Row]:
    """The options of a model; those of a nested model follow with dotted names."""
    for name, info in model.model_fields.items():
        nested = info.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from rows(nested, f"{prefix}{name}.")
        else:
            yield Row(prefix + name, _type(info), _default(info), info.is_required(), info.description or "")


def _type(info: FieldInfo) -> str:
    found = {
        bound: getattr(item, bound)
        for item in info.metadata
        for bound in LIMITS
        if getattr(item, bound, None) is not None
    }
    limits = [f"{LIMITS[bound]} {value}" for bound, value in found.items()]
    if set(found) == {"ge", "le"}:
        limits = [f"{found['ge']} to {found['le']}"]
    return ", ".join([type_text(info.annotation), *limits])


def type_text(annotation: Any) -> str:
    """An annotation in words: `int | None` -> "whole number | none", a Literal -> its choices."""
    if annotation in NAMES:
        return NAMES[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return " | ".join(str(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(type_text(one) for one in arguments)
    if origin in (list, set, frozenset):
        return f"list of {type_text(arguments[0])}"
    if origin is tuple:
        return f"list of {type_text(arguments[0])}" if Ellipsis in arguments else f"{len(arguments)} values"
    if isinstance(origin, type) and len(arguments) == 2:
        return f"table of {type_text(arguments[0])} to {type_text(arguments[1])}"
    return str(getattr(annotation, "__name__", annotation))


def _default(info: FieldInfo) -> str:
    return "" if info.is_required() else _toml(info.get_default(call_default_factory=True, validated_data={}))


def _toml(value: object) -> str:
    """A value as TOML writes it, "" for None, which TOML cannot write."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)
