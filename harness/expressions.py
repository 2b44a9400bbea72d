"""Label spaces: names, aliases, basic pairs and official ids, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.errors import ConfigError, DataError, nearest

BASIC_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


@dataclass(frozen=True)
class Label:
    """One class: its name, other spellings of it, and the basic emotions it blends (one for a basic class)."""

    name: str
    aliases: tuple[str, ...] = ()
    basics: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSpace:
    """An ordered set of classes; the position of a class is its id."""

    name: str
    labels: tuple[Label, ...]
    _ids: dict[str, int] = field(default_factory=dict, repr=False, compare=False, init=False)

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            raise ConfigError(f"label space {self.name!r} has {len(self.labels)} class; at least two are needed")
        for class_id, label in enumerate(self.labels):
            for spelling in (label.name, *label.aliases):
                key = _key(spelling)
                if not key:
                    raise ConfigError(f"label space {self.name!r}: class {class_id} has an empty name or alias")
                if self._ids.setdefault(key, class_id) != class_id:
                    other = self.labels[self._ids[key]].name
                    raise ConfigError(
                        f"label space {self.name!r}: {spelling!r} names both {other!r} and {label.name!r}"
                    )

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Class names in id order."""
        return tuple(label.name for label in self.labels)

    def find(self, name: str) -> int | None:
        """Class id of a name or alias (case, spaces, hyphens and underscores do not count), or None."""
        return self._ids.get(_key(name))

    def id_of(self, name: str) -> int:
        """Class id of a name or alias; DataError names the nearest class otherwise."""
        class_id = self.find(name)
        if class_id is None:
            raise DataError(f"label {name!r} is not in label space {self.name!r}{nearest(name, self.names)}")
        return class_id

    def as_dict(self) -> dict[str, Any]:
        """The space as JSON-ready data; `from_dict` reads it back."""
        return {
            "name": self.name,
            "labels": [
                {"name": one.name, "aliases": list(one.aliases), "basics": list(one.basics)} for one in self.labels
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSpace:
        """The space that `as_dict` wrote."""
        return cls(
            data["name"],
            tuple(
                Label(one["name"], tuple(one.get("aliases", ())), tuple(one.get("basics", ())))
                for one in data["labels"]
            ),
        )


def _key(name: str) -> str:
    return re.sub(r"[\s_\-]+", " ", name).strip().casefold()


def _space(name: str, rows: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> LabelSpace:
    return LabelSpace(name, tuple(Label(title, tuple(aliases), tuple(basics)) for title, aliases, basics in rows))


# Order and ids are the ABAW challenge's (C-EXPR-DB); Table 1 of the paper spells class 3 "Disgustingly Surprised".
ABAW_COMPOUND_7 = _space(
    "abaw-compound-7",
    [
        ("Fearfully Surprised", [], ["fear", "surprise"]),
        ("Happily Surprised", [], ["happiness", "surprise"]),
        ("Sadly Surprised", [], ["sadness", "surprise"]),
        ("Disgustedly Surprised", ["Disgustingly Surprised"], ["disgust", "surprise"]),
        ("Angrily Surprised", [], ["anger", "surprise"]),
        ("Sadly Fearful", [], ["sadness", "fear"]),
        ("Sadly Angry", [], ["sadness", "anger"]),
    ],
)
# RAF-DB numbers its basic classes 1..7 in this order.
RAF_DB_BASIC_7 = _space(
    "raf-db-basic-7",
    [
        ("Surprise", ["Surprised"], ["surprise"]),
        ("Fear", ["Fearful"], ["fear"]),
        ("Disgust", ["Disgusted"], ["disgust"]),
        ("Happiness", ["Happy"], ["happiness"]),
        ("Sadness", ["Sad"], ["sadness"]),
        ("Anger", ["Angry"], ["anger"]),
        ("Neutral", [], ["neutral"]),
    ],
)
BUILT_IN = {space.name: space for space in (ABAW_COMPOUND_7, RAF_DB_BASIC_7)}


def label_space(name: str) -> LabelSpace:
    """A built-in label space by name; ConfigError names the nearest otherwise."""
    if name not in BUILT_IN:
        raise ConfigError(f"label space {name!r} is not known{nearest(name, BUILT_IN)}")
    return BUILT_IN[name]
