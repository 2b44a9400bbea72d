"""Texts with variables in braces: {options}. A value is put in as it is, whatever braces it has itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.errors import ConfigError, nearest

_MARK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Template:
    """parts: texts and, at the odd places, names of variables between them."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, known: Iterable[str], where: str) -> Template:
        """The template of a text; {{ and }} stand for braces.

        ConfigError, beginning with `where`, for a variable that is not known or a brace that stands alone.
        """
        parts, since = [""], 0
        for found in _MARK.finditer(text):
            parts[-1] += text[since : found.start()]
            since = found.end()
            mark, name = found[0], found[1]
            if mark in ("{{", "}}"):
                parts[-1] += mark[0]
            elif name is None:
                raise ConfigError(f"{where}: the brace at character {found.start() + 1} stands alone; write {mark * 2}")
            elif name not in set(known):
                raise ConfigError(f"{where}: variable {{{name}}} is not known{nearest(name, known)}")
            else:
                parts += [name, ""]
        parts[-1] += text[since:]
        return cls(tuple(parts))

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with the values of its variables."""
        return "".join(values[part] if place % 2 else part for place, part in enumerate(self.parts))


def literal(text: str) -> str:
    """The template whose filled text is `text`."""
    return text.replace("{", "{{").replace("}", "}}")
