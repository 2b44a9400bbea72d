"""Which answer a request gets: the rules with their counters and draws, and the limits that are enforced."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable

from harness.testing.providers.behaviour import ANSWERS, DEFAULT, Answer, Behaviour, Rule
from harness.testing.providers.log import Request


class Decider:
    """The rules of a behaviour and what they remember."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._rules = behaviour.rules
        self._draw = random.Random(behaviour.seed)  # noqa: S311 - a script, not a secret
        self._held = [0] * len(self._rules)
        self._used = [0] * len(self._rules)
        self._tries: Counter[str] = Counter()
        self._looks = any(rule.tries or rule.image or rule.contains or callable(rule.answer) for rule in self._rules)

    def decide(self, request: Request, look: Callable[[], None]) -> Answer:
        """The answer of the first rule that holds. look: fills in what the request asks, if a rule must know."""
        if not self._rules:
            return DEFAULT
        if self._looks:
            look()
            self._tries[request.key] += 1
        for position, rule in enumerate(self._rules):
            if self._holds(position, rule, request):
                chosen = rule.answer(request) if callable(rule.answer) else rule.answer
                if chosen is not None:
                    self._used[position] += 1
                    return Answer(chosen) if isinstance(chosen, str) else chosen
        return DEFAULT

    def _holds(self, position: int, rule: Rule, request: Request) -> bool:
        if rule.on not in ("*", request.operation) or (rule.times and self._used[position] >= rule.times):
            return False
        if rule.numbers and request.number not in rule.numbers:
            return False
        if rule.image and not request.image.startswith(rule.image):
            return False
        if rule.contains and not any(rule.contains in text for text in request.texts):
            return False
        if rule.tries and self._tries[request.key] > rule.tries:
            return False
        self._held[position] += 1
        if rule.every and self._held[position] % rule.every:
            return False
        return rule.probability >= 1 or self._draw.random() < rule.probability

    def jitter(self, most: float) -> float:
        """Seconds between 0 and `most`."""
        return self._draw.random() * most if most else 0.0


class Bucket:
    """A token bucket: `rate` requests a second, `burst` at once."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._rate, self._burst = behaviour.rate, max(1, behaviour.burst)
        self._told = behaviour.retry_after
        self._tokens, self._at = float(self._burst), time.monotonic()

    def take(self) -> Answer | None:
        """None if there was a token, otherwise the 429."""
        if self._rate is None:
            return None
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        wait = (1 - self._tokens) / self._rate
        if self._told == "no":
            return ANSWERS["rate-limit"]
        return Answer(status=429, retry_after=math.ceil(wait) if self._told == "seconds" else wait)
