"""Batches, whatever their wire format: items that are answered when they are handed in, and shown when it is time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.testing.providers.behaviour import Answer, Behaviour
from harness.testing.providers.incoming import Failure
from harness.testing.providers.log import Request

State = Literal["succeeded", "errored", "expired", "canceled"]


@dataclass
class Item:
    """One request of a batch. body: the reply, or the error of `status`; copies: how many results show it."""

    custom_id: str
    state: State
    body: dict[str, Any]
    status: int
    copies: int
    request: Request


@dataclass
class Batch:
    """A batch that was accepted. problems: why its file was turned down, OpenAI only."""

    id: str
    items: list[Item]
    created: float = field(default_factory=time.time)
    polls: int = 0
    canceled: float | None = None
    ended: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def look(self, behaviour: Behaviour, *, poll: bool) -> None:
        """End it if it is time; poll: whether this look counts."""
        self.polls += poll
        old_enough = time.time() - self.created >= behaviour.batch_seconds
        due = self.polls >= behaviour.batch_polls and old_enough
        if self.ended is None and (due or (poll and (self.canceled is not None or self.problems))):
            self.ended = time.time()

    def cancel(self) -> None:
        """Nothing of it is answered any more; it ends at the next look."""
        if self.ended is None and self.canceled is None:
            self.canceled = time.time()
            for item in self.items:
                item.state, item.request.outcome = "canceled", "error"

    def count(self, *states: State) -> int:
        """Items in any of these states."""
        return sum(item.state in states for item in self.items)


class Batches:
    """Every batch of one server, by id, in the order of creation."""

    def __init__(self) -> None:
        self._known: dict[str, Batch] = {}

    def add(self, batch: Batch) -> None:
        self._known[batch.id] = batch

    def find(self, name: str) -> Batch:
        """Failure 404 for an unknown id."""
        if name not in self._known:
            raise Failure(Answer(status=404, message=f"No batch found with id '{name}'."))
        return self._known[name]

    def newest_first(self) -> list[Batch]:
        return list(reversed(self._known.values()))


def state_of(answer: Answer) -> tuple[State, int]:
    """What becomes of an item that gets an answer, and how many results show it."""
    if answer.item in ("expired", "canceled"):
        return ("expired" if answer.item == "expired" else "canceled"), 1
    return ("errored" if answer.status >= 400 else "succeeded"), {"lost": 0, "twice": 2}.get(answer.item, 1)
