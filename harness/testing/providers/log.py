"""What the server was asked and what it answered, for tests to look at."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from harness.testing.providers.asked import Asked

Outcome = Literal["waiting", "answered", "error", "broken", "abandoned"]


@dataclass
class Request:
    """One request, or one item of a batch (operation "batch.item").

    number      counted from 1 among the requests of its operation
    key         of what is asked (model, images, texts): the same thing asked again has the same key
    image       sha256 of the last image's bytes, hexadecimal; texts: every text sent, the system prompt first
    arrived     Unix time at which the whole request was there; sent: at which its answer was written, or None
    status      HTTP status of the answer, 0 before it
    outcome     waiting; answered: a reply went out whole; error: an error status did; broken: a fault of the server's
                connection or body; abandoned: the client had left before the answer
    said        the text of the reply
    connection  which TCP connection it came by, counted from 1
    custom_id   of a batch item; batch: the batch's id
    """

    number: int
    operation: str
    wire: str
    path: str = ""
    connection: int = 0
    arrived: float = 0.0
    sent: float | None = None
    status: int = 0
    outcome: Outcome = "waiting"
    key: str = ""
    model: str = ""
    image: str = ""
    texts: tuple[str, ...] = ()
    said: str = ""
    custom_id: str = ""
    batch: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        """Whether a reply went out whole; such a request must not be asked again."""
        return self.outcome == "answered"

    def note(self, asked: Asked) -> None:
        """Keep what was asked, without the image."""
        self.model, self.image, self.texts = asked.model, asked.image, tuple(asked.texts)
        parts = (asked.model, *asked.texts, *(hashlib.sha256(image).hexdigest() for image in asked.images[:-1]))
        self.key = hashlib.sha256("\0".join((asked.image, *parts)).encode()).hexdigest()


@dataclass
class Counts:
    """Totals since the start or the last reset; replies only, except `requests` and `connections`.

    limited     refused by the server's own rate or capacity; most_at_once: most replies waited for at a time
    first, last Unix times at which the first reply and the last one went out
    cpu         CPU seconds of the server's process since it started
    """

    requests: int = 0
    replies: int = 0
    answered: int = 0
    errors: int = 0
    broken: int = 0
    abandoned: int = 0
    limited: int = 0
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0
    first: float | None = None
    last: float | None = None
    cpu: float = 0.0

    def now(self) -> Counts:
        """A copy, with the CPU seconds so far."""
        return replace(self, cpu=time.process_time())

    def begin(self) -> None:
        """A reply is being waited for."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)

    def end(self, outcome: Outcome) -> None:
        """It is waited for no more."""
        self.at_once -= 1
        if outcome == "answered":
            self.answered += 1
            self.last = time.time()
            if self.first is None:
                self.first = self.last
        elif outcome == "error":
            self.errors += 1
        elif outcome == "broken":
            self.broken += 1
        else:
            self.abandoned += 1


class Log:
    """Requests in the order of arrival, counts always."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.requests: list[Request] = []
        self.counts = Counts()
        self.numbers: Counter[str] = Counter()

    def number(self, operation: str) -> int:
        """The number of a new request of an operation."""
        self.numbers[operation] += 1
        return self.numbers[operation]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"counts": asdict(self.counts), "requests": [asdict(one) for one in self.requests]}


def from_dict(data: dict[str, Any]) -> list[Request]:
    """The requests that `Log.as_dict` wrote."""
    return [Request(**{**one, "texts": tuple(one["texts"])}) for one in data["requests"]]


def answered_more_than(
    most: int, requests: list[Request], key: Callable[[Request], str] = lambda one: one.key
) -> dict[str, int]:
    """Keys (see Request.key) that were answered more often than `most`, and how often: replies and batch items."""
    counted = Counter(key(one) for one in requests if one.answered and one.operation in ("reply", "batch.item"))
    return {one: count for one, count in counted.items() if count > most}
