"""What asking comes to: counts, tokens and money, for the progress line, the cap and the record."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from harness.components import Outcome
from harness.vlm import Usage


@dataclass
class Meter:
    """Running totals of one labelling.

    total, done  questions; unanswered: those without an answer, by the reason; outcomes: of all
    requests     answered now; cached: found in the store; repeats: attempts beyond the first
    models       replies by the model that answered; what equal faces share counts once, in tokens and cost too
    cost         US dollars of all replies, those found in the store included; None once a price was not known
    """

    total: int = 0
    done: int = 0
    requests: int = 0
    cached: int = 0
    repeats: int = 0
    in_flight: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float | None = 0.0
    began: float = field(default_factory=time.monotonic)

    def count(self, usage: Usage, model: str, cost: float | None, *, cached: bool) -> None:
        """One reply: its tokens, and its cost in US dollars (None: nobody knows)."""
        self.requests += not cached
        self.cached += cached
        self.models[model] += 1
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cache_read_tokens += usage.cache_read_tokens
        self.cache_write_tokens += usage.cache_write_tokens
        if cost is None:
            self.cost = None
        elif self.cost is not None:
            self.cost += cost

    def line(self) -> str:
        """One line for the progress display."""
        seconds = max(time.monotonic() - self.began, 1e-9)
        outcomes = self.outcomes
        refused = outcomes["refused_text"] + outcomes["refused_provider"]
        failed = outcomes["error"]
        parts = [
            f"{self.cached} cached" if self.cached else "",
            f"{self.in_flight} in flight" if self.in_flight else "",
            f"{refused} refused" if refused else "",
            f"{outcomes['abstain']} abstained" if outcomes["abstain"] else "",
            f"{unparsed} unparsed" if (unparsed := outcomes["unparsed"] + outcomes["truncated"]) else "",
            f"{failed} failed" if failed else "",
            f"{self.requests / seconds:.0f} requests/s" if self.requests else "",
            dollars(self.cost) if self.requests or self.cost is None else "",
        ]
        return ", ".join(part for part in parts if part)


def dollars(amount: float | None) -> str:
    """An amount of money for a person: cents from a dollar on, two significant digits below; "cost unknown"."""
    if amount is None:
        return "cost unknown"
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.2g}" if amount >= 1e-4 else "under $0.0001"
