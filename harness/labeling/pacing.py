"""Holding the line at a provider's limit: how many requests at a time, and how many a minute."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]
ROUND = 12  # requests at least between two changes: a share of fewer says little
PACE = 0.7  # share of a round over which its requests are spread: timers are late, and idle places cost speed


class Concurrency:
    """How many requests may be under way: additive increase, multiplicative decrease by the share of refusals.

    After about one round of requests the limit falls by half of the (averaged) share that the provider turned away
    with 429 or 529 (DCTCP, RFC 8257: a few refusals among many must not cost half the speed), and grows by one, or a
    thirty-second of itself, unless most were turned away. So about one request in sixteen feels for the provider's
    limit. Other errors leave it alone. From the first refusal on, requests also start evenly over a round, because
    providers count in short spans: ten a second is not ten at once.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.limit = float(maximum)
        self.in_flight = 0
        self.most_in_flight = 0
        self._share = 0.0
        self._paced = False
        self._seconds = 0.0
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._answered = self._turned_away = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Wait for a free place, first come, first served."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._wake()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the place was given in the same moment
                self.release()
            raise

    def release(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        """Give free places to those who wait, not before their turn."""
        loop = asyncio.get_running_loop()
        while self._waiting and self.in_flight < int(self.limit):
            now = loop.time()
            if self._paced and now < self._next:
                if self._timer is None:
                    self._timer = loop.call_at(self._next, self._turn)
                return
            place = self._waiting.popleft()
            if place.done():
                continue
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._next = max(now, self._next) + PACE * self._seconds / self.limit
            place.set_result(None)

    def _turn(self) -> None:
        self._timer = None
        self._wake()

    def note(self, *, turned_away: bool, seconds: float | None) -> None:
        """One request came back; turned_away: with 429 or 529. seconds: that a reply took, None if there was none."""
        self._answered += 1
        self._turned_away += turned_away
        self._paced = self._paced or turned_away
        if seconds is not None:
            self._seconds += (seconds - self._seconds) / 16 if self._seconds else seconds
        if self._answered < max(ROUND, self.limit):
            return
        share = self._turned_away / self._answered
        self._share += (share - self._share) / (2 if share > 0.5 else 8)
        self._answered = self._turned_away = 0
        step = max(1.0, self.limit / 32) if share < 0.5 else 0.0
        fall = self._share / 2 if share else 0.0
        self.limit = min(float(self.maximum), max(1.0, self.limit * (1 - fall) + step))
        self._wake()

    def wait(self, times: int) -> float:
        """Seconds before a request asks again that was turned away so many times in a row.

        Short as long as the others get through: the limit above already slows everybody down.
        """
        return backoff(times, first=0.25) if self.mostly_turned_away else backoff(1, first=0.25 + self._share)

    @property
    def mostly_turned_away(self) -> bool:
        """Whether the provider lately turned most requests away: then everybody waits, not only who was told to."""
        return self._share > 0.5


class TokenBucket:
    """At most so many units in any minute, and those of one request; a second's worth at once. None: no limit."""

    def __init__(self, per_minute: float | None, clock: Clock = time.monotonic) -> None:
        self._rate = None if per_minute is None else per_minute / 60
        self._room = max(1.0, self._rate or 0.0)
        if self._rate is not None and self._rate > 1:
            self._rate *= 59 / 60  # with the second's worth, that is the minute's
        self._level = self._room
        self._clock = clock
        self._then = clock()

    def take(self, amount: float) -> float:
        """Take an amount, now or from what comes; returns the seconds to wait before it may be used."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._level = min(self._room, self._level + (now - self._then) * self._rate)
        self._then = now
        self._level -= amount
        return max(0.0, -self._level / self._rate)

    def settle(self, difference: float) -> None:
        """An estimate turned out wrong: take the difference too, or give it back (negative)."""
        if self._rate is not None:
            self._level -= difference


class Pause:
    """A moment before which nobody asks."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Nobody asks for so many seconds from now."""
        self._until = max(self._until, self._clock() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, 0 if none."""
        return max(0.0, self._until - self._clock())


def backoff(
    attempt: int, *, first: float = 0.5, most: float = 30.0, draw: Callable[[], float] = random.random
) -> float:
    """Seconds before attempt `attempt` + 1 (from 1): doubling, with jitter so that clients do not come in step."""
    return min(most, first * 2.0 ** min(attempt - 1, 64)) * (0.5 + draw() / 2)
