"""What pydantic found wrong with a person's settings, as one line: the key, what is wrong, the nearest key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from harness.errors import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

MOST = 3  # problems named in one line; the rest is counted


def explain(error: ValidationError, model: type[BaseModel], word: str = "key") -> str:
    """The first problems of a validation as one line, e.g. "key 'scal' is not known; did you mean 'scale'? ...".

    model: what was validated, for the nearest key; word: what a key is called.
    """
    found = error.errors(include_url=False)
    lines = [_problem(one, model, word) for one in found[:MOST]]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more")
    return "; ".join(lines)


def _problem(detail: ErrorDetails, model: type[BaseModel], word: str) -> str:
    place = detail["loc"]
    key = ".".join(str(part) for part in place)
    if detail["type"] == "extra_forbidden":
        owner = _model_at(model, place[:-1])
        return f"{word} {key!r} is not known{nearest(str(place[-1]), owner.model_fields) if owner else ''}"
    if detail["type"] == "missing":
        return f"{word} {key!r} is missing"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    what = message[:1].lower() + message[1:]
    return f"{word} {key!r} = {_short(detail['input'])}: {what}" if place else what


def _model_at(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel] | None:
    """The model that the keys of `place` lead to from `model`; None where they lead through something else."""
    from pydantic import BaseModel

    current: type[BaseModel] | None = model
    for part in place:
        if current is None:
            return None
        if isinstance(part, int):  # a position in a list: still the element's model
            continue
        info = current.model_fields.get(part)
        current = next(_models(info.annotation, BaseModel), None) if info else None
    return current


def _models(annotation: Any, base: type[BaseModel]) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, base):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument, base)


def _short(value: object, most: int = 60) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
