"""The corpus of replies, read from corpus.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.expressions import BUILT_IN, LabelSpace


@dataclass(frozen=True)
class Example:
    """A reply and what it must come to: a class name, or an outcome without a class."""

    kind: str
    space: LabelSpace
    expected: str
    text: str
    truncated: bool


def read_corpus() -> list[Example]:
    data = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text(encoding="utf-8"))
    spaces = BUILT_IN | {name: LabelSpace.from_dict({"name": name, **space}) for name, space in data["spaces"].items()}
    return [
        Example(group["kind"], spaces[group["space"]], expected, text, group.get("truncated", False))
        for group in data["set"]
        for expected, text in group["replies"]
    ]


@pytest.fixture(scope="session")
def corpus() -> list[Example]:
    return read_corpus()
