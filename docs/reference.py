"""Writes docs/configuration.md and docs/components.md from the options themselves: python docs/reference.py

`tests/test_docs.py` holds the files to what this writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from harness.cli.schema import Row, rows, type_text
from harness.components import KINDS, SINGULAR
from harness.config import Experiment
from harness.plugins import Registry
from harness.sections import Component

HERE = Path(__file__).parent


def configuration() -> str:
    """The page of every key of an experiment file."""
    lines = [
        "# Every key of an experiment file",
        "",
        "Made by `docs/reference.py` from the models in `harness/config.py` and `harness/sections.py`.",
        "An experiment is a TOML file; any key can be overridden on the command line:",
        "`harness run demo --set faces.detector=haar --set faces.size=112`.",
        'A *component* is a name (`"facs"`) or a table with the name under `use` and its options beside it',
        '(`{use = "facs", temperature = 0.5}`); see [components](components.md) for all of them.',
        "",
    ]
    for title, model in _sections(Experiment, ""):
        lines += [f"## {title}", "", (model.__doc__ or "").strip(), "", *_rows(model), ""]
    return "\n".join(lines)


def components() -> str:
    """The page of every component that the core and the reference plugins announce."""
    registry = Registry.discover()
    lines = [
        "# Components",
        "",
        "Made by `docs/reference.py` from what is announced. `harness plugins list` shows the same for your machine,",
        "with what is missing; `harness plugins show NAME` shows one.",
        "",
    ]
    for kind in KINDS:
        lines += [f"## {SINGULAR[kind].capitalize()}s", ""]
        for one in registry.components(kind):
            if not one.origin.distribution.startswith("cer-harness"):
                continue
            lines += [f"### {one.spec.name}", "", f"{one.spec.summary} (`{one.origin.distribution}`)", ""]
            lines += [*_options(one.spec.options), ""]
    return "\n".join(lines)


def _options(model: type[BaseModel]) -> list[str]:
    """A component's options as `harness plugins show` has them; those of tables within have dotted names."""
    found = [
        f"| `{one.name}` | {_escaped(one.type)} | {_toml(one)} | {_escaped(one.description)} |" for one in rows(model)
    ]
    return ["| key | type | default | meaning |", "|---|---|---|---|", *found] if found else ["No options."]


def _toml(one: Row) -> str:
    if one.required:
        return "required"
    return f"`{_escaped(one.default)}`" if one.default else ""


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield (f"[{prefix}]" if prefix else "Top level"), model
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not Component:
            yield from _sections(inner, f"{prefix}.{name}" if prefix else name)


def _rows(model: type[BaseModel]) -> list[str]:
    rows = [
        f"| `{name}` | {_type(field)} | {_default(field)} | {_escaped(field.description or '')} |"
        for name, field in model.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
        or field.annotation is Component
    ]
    return ["| key | type | default | meaning |", "|---|---|---|---|", *rows] if rows else ["No options."]


def _type(field: Any) -> str:
    return _escaped(type_text(field.annotation).replace("Component", "component"))


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined:
        value = field.default_factory()
    if isinstance(value, Component):
        value = value.use
    if isinstance(value, list):
        value = [one.use if isinstance(one, Component) else one for one in value]
    return f"`{_escaped(json.dumps(value, default=str))}`"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    (HERE / "configuration.md").write_text(configuration(), encoding="utf-8")
    (HERE / "components.md").write_text(components(), encoding="utf-8")
