"""A prompt of a set, ready for the faces of one label space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from harness.labeling.prompts.templates import Template
from harness.vlm import Message, Prompt

Answer = Literal["text", "enum"]


@dataclass(frozen=True)
class Listing:
    """How the options are written out: each between `open` and `close`, `last` before the last one."""

    open: str
    close: str
    separator: str
    last: str

    def write(self, names: Sequence[str]) -> str:
        """The names as one text; there are at least two."""
        written = [f"{self.open}{name}{self.close}" for name in names]
        return f"{self.separator.join(written[:-1])}{self.last}{written[-1]}"


@dataclass(frozen=True)
class RenderedPrompt:
    """One prompt, for one label space. Cheap to ask per face: without an order the same objects are given again.

    name       as in the set; the name of its voter
    answer     what the set (or the labeler's options) want: free text or a JSON answer
    spellings  as the prompt spells a class -> the class's name, in the order of class ids, for the parser
    texts      one template a step; listing, values: what goes into them
    constant   class ids in the order of the set, for faces without an order of their own
    examples   few-shot messages before the face
    """

    name: str
    answer: Answer
    spellings: Mapping[str, str]
    system: Template
    texts: tuple[Template, ...]
    listing: Listing
    values: Mapping[str, str]
    constant: tuple[int, ...]
    way_out: str = ""
    examples: tuple[Message, ...] = ()

    @property
    def steps(self) -> int:
        """How many questions are asked, one after the other; the last one's reply is the answer."""
        return len(self.texts)

    def prompt(self, step: int, replies: Sequence[str] = (), order: Sequence[int] | None = None) -> Prompt:
        """The question of a step, 0 to steps - 1.

        replies: what the model said in the steps before, as it said it; order: class ids in the order in which the
        options shall stand. ValueError if a reply is missing, or the order is not one of all classes.
        """
        if not 0 <= step < self.steps:
            raise ValueError(f"prompt {self.name!r} has {self.steps} steps; there is no step {step}")
        if len(replies) < step:
            raise ValueError(f"step {step} of prompt {self.name!r} needs {step} replies, not {len(replies)}")
        if order is None and step == 0:
            return self._first
        system, questions = self._unshuffled if order is None else self.asked(order)
        talk = zip(replies[:step], questions[1 : step + 1], strict=True)
        after = [one for reply, question in talk for one in (Message("assistant", reply), Message("user", question))]
        return Prompt(questions[0], system, self.examples, tuple(after))

    def schema(self, order: Sequence[int] | None = None) -> Mapping[str, Any]:
        """JSON schema of the answer: {"label": one of the classes as spelt here, or the way out if there is one}.

        Belongs to the last step. Not to be changed: it is the same object every time when there is no order.
        """
        return self._schema if order is None else self._schema_of(order)

    def asked(self, order: Sequence[int]) -> tuple[str, tuple[str, ...]]:
        """System prompt and questions with the options in an order of class ids."""
        values = {**self.values, "options": self.listing.write(self._ordered(order))}
        return self.system.fill(values), tuple(text.fill(values) for text in self.texts)

    def _ordered(self, order: Sequence[int]) -> list[str]:
        if sorted(order) != list(range(len(self._spelt))):
            raise ValueError(f"order {list(order)} is not one of the class ids 0 to {len(self._spelt) - 1}, each once")
        return [self._spelt[class_id] for class_id in order]

    def _schema_of(self, order: Sequence[int]) -> Mapping[str, Any]:
        names = self._ordered(order) + ([self.way_out] if self.way_out else [])
        return {
            "type": "object",
            "properties": {"label": {"type": "string", "enum": names}},
            "required": ["label"],
            "additionalProperties": False,
        }

    @cached_property
    def _spelt(self) -> tuple[str, ...]:
        return tuple(self.spellings)

    @cached_property
    def _unshuffled(self) -> tuple[str, tuple[str, ...]]:
        return self.asked(self.constant)

    @cached_property
    def _first(self) -> Prompt:
        system, questions = self._unshuffled
        return Prompt(questions[0], system, self.examples)

    @cached_property
    def _schema(self) -> Mapping[str, Any]:
        return self._schema_of(self.constant)
