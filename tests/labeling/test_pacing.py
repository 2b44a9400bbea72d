import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.pacing import PACE, Concurrency, Pause, TokenBucket, backoff

LATENCY = 0.2


class PermitsRate:
    """Turns away what comes faster than `rate` a second, beyond a burst."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.level, self.then = rate, burst, burst, 0.0

    def permits(self, now, _under_way):
        self.level = min(self.burst, self.level + (now - self.then) * self.rate)
        self.then = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class TurnsAway:
    """Turns a share away by chance, however little comes."""

    def __init__(self, share, seed):
        self.share, self.draw = share, random.Random(seed)

    def permits(self, _now, _under_way):
        return self.draw.random() >= self.share


class PermitsAtOnce:
    """Turns away what comes while so many are under way."""

    def __init__(self, capacity):
        self.capacity = capacity

    def permits(self, _now, under_way):
        return under_way <= self.capacity


async def ask_all(concurrency, server, count, refusal=LATENCY):
    """Ask `count` times with as many coroutines as the stage uses; the most that were ever under way."""
    now = asyncio.get_running_loop().time
    left, under_way, most = count, 0, 0

    async def one():
        nonlocal under_way, most
        times = 0
        while True:
            await concurrency.acquire()
            under_way += 1
            most = max(most, under_way)
            assert under_way <= concurrency.maximum
            permitted = server.permits(now(), under_way)
            await asyncio.sleep(LATENCY if permitted else refusal)
            under_way -= 1
            concurrency.release()
            concurrency.note(turned_away=not permitted, seconds=LATENCY if permitted else None)
            if permitted:
                return
            times += 1
            await asyncio.sleep(concurrency.wait(times))

    async def worker():
        nonlocal left
        while left:
            left -= 1
            await one()

    await asyncio.gather(*(worker() for _ in range(2 * concurrency.maximum + 16)))
    return most


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_few_refusals_by_chance_cost_little_speed(virtual, seed):
    random.seed(seed)
    _, seconds = virtual(ask_all(Concurrency(64), TurnsAway(0.05, seed), 10_000))
    permitted = 0.95 * 64 / LATENCY
    assert 10_000 / seconds >= 0.9 * permitted


@pytest.mark.parametrize(
    ("rate", "burst", "refusal"), [(100, 5, LATENCY), (100, 5, 0.001), (50, 5, 0.001), (250, 10, LATENCY)]
)
def test_a_hard_rate_limit_is_reached(virtual, rate, burst, refusal):
    random.seed(1)
    _, seconds = virtual(ask_all(Concurrency(64), PermitsRate(rate, burst), 4_000, refusal))
    assert 4_000 / seconds >= 0.9 * rate


def test_a_limit_of_what_is_under_way_is_found(virtual):
    random.seed(1)
    _, seconds = virtual(ask_all(Concurrency(64), PermitsAtOnce(10), 3_000, 0.001))
    assert 3_000 / seconds >= 0.9 * 10 / LATENCY


def test_without_refusals_every_place_is_used_and_never_one_more(virtual):
    concurrency = Concurrency(8)
    most, seconds = virtual(ask_all(concurrency, TurnsAway(0, 0), 800))
    assert most == concurrency.most_in_flight == 8
    assert seconds == pytest.approx(800 / 8 * LATENCY)


def test_the_limit_falls_with_refusals_to_one_at_least_and_grows_back(virtual):
    async def main():
        concurrency = Concurrency(16)
        for _ in range(500):
            concurrency.note(turned_away=True, seconds=None)
        assert concurrency.limit == 1
        assert concurrency.mostly_turned_away
        for _ in range(2_000):
            concurrency.note(turned_away=False, seconds=0.1)
        assert concurrency.limit == 16
        assert not concurrency.mostly_turned_away

    virtual(main())


def test_failures_that_are_no_refusals_leave_limit_and_pace_alone(virtual):
    async def main():
        concurrency = Concurrency(4)
        for _ in range(12):
            concurrency.note(turned_away=True, seconds=None)
        for _ in range(200):
            concurrency.note(turned_away=False, seconds=0.2)
        before = concurrency.limit
        for _ in range(200):
            concurrency.note(turned_away=False, seconds=None)  # timeouts of a minute
        assert concurrency.limit == before == 4
        began = asyncio.get_running_loop().time()
        for _ in range(8):
            await concurrency.acquire()
            concurrency.release()
        assert asyncio.get_running_loop().time() - began <= 8 / 4 * 0.2

    virtual(main())


def test_places_are_given_first_come_first_served(virtual):
    async def main():
        concurrency, order = Concurrency(1), []

        async def wait(number):
            await concurrency.acquire()
            order.append(number)
            concurrency.release()

        await concurrency.acquire()
        waiting = [asyncio.create_task(wait(number)) for number in range(20)]
        await asyncio.sleep(1)
        assert order == []
        concurrency.release()
        await asyncio.gather(*waiting)
        assert order == list(range(20))

    virtual(main())


def test_after_a_refusal_requests_start_evenly(virtual):
    async def main():
        concurrency, starts = Concurrency(10), []
        concurrency.note(turned_away=False, seconds=1.0)
        concurrency.note(turned_away=True, seconds=None)

        async def one():
            await concurrency.acquire()
            starts.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(one() for _ in range(10)))
        gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
        assert gaps == pytest.approx([PACE * 1.0 / 10] * 9)

    virtual(main())


@pytest.mark.parametrize("when", ["waiting", "given"])
def test_who_is_cancelled_while_waiting_loses_no_place(virtual, when):
    async def main():
        concurrency = Concurrency(2)
        await concurrency.acquire()
        await concurrency.acquire()
        waiting = [asyncio.create_task(concurrency.acquire()) for _ in range(4)]
        await asyncio.sleep(0)
        if when == "given":
            concurrency.release()  # the place is theirs, but they have not run yet
            concurrency.release()
        for one in waiting[:2]:
            one.cancel()
        await asyncio.sleep(0)
        if when == "waiting":
            concurrency.release()
            concurrency.release()
        await asyncio.wait_for(asyncio.gather(*waiting[2:]), 1)
        assert concurrency.in_flight == 2
        assert [one.cancelled() for one in waiting] == [True, True, False, False]

    virtual(main())


# --- units a minute


@given(
    st.floats(6, 100_000),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 500)), min_size=1, max_size=200),
)
def test_no_minute_holds_more_than_its_limit_and_one_request(per_minute, requests):
    now = 0.0
    bucket, used = TokenBucket(per_minute, lambda: now), []
    for pause, amount in requests:
        now += pause
        wait = bucket.take(amount)
        assert wait >= 0
        used.append((now + wait, amount))
    most = max(amount for _, amount in used)
    for begin, _ in used:
        in_a_minute = sum(amount for moment, amount in used if begin <= moment < begin + 60 - 1e-6)
        assert in_a_minute <= (per_minute + most) * (1 + 1e-9)


@given(st.integers(1, 5_000))
def test_requests_come_to_their_limit_a_minute_and_never_above(per_minute):
    now = 0.0
    bucket, moments = TokenBucket(per_minute, lambda: now), []
    for _ in range(3 * per_minute + 10):
        now += bucket.take(1)
        moments.append(now)
    for first in (0, len(moments) // 2):
        in_a_minute = sum(moments[first] <= moment < moments[first] + 60 - 1e-6 for moment in moments)
        assert in_a_minute <= per_minute
    assert 60 * len(moments) / (moments[-1] + 60 / per_minute) >= 0.95 * per_minute


def test_a_wrong_estimate_is_settled():
    now = 0.0
    bucket = TokenBucket(60, lambda: now)
    assert bucket.take(1) == 0
    bucket.settle(9)  # ten in truth
    assert bucket.take(1) == pytest.approx(10)
    bucket.settle(-10)
    assert bucket.take(1) == pytest.approx(1)


def test_no_limit_never_waits():
    bucket = TokenBucket(None)
    assert bucket.take(1e9) == 0
    bucket.settle(1e9)
    assert bucket.take(1e9) == 0


# --- pauses


def test_the_longest_pause_counts():
    now = 10.0
    pause = Pause(lambda: now)
    assert pause.remaining == 0
    pause.extend(5)
    pause.extend(2)
    assert pause.remaining == 5
    now = 16.0
    assert pause.remaining == 0


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_waits_double_up_to_half_a_minute_and_never_fall_under_half_of_themselves(attempt, drawn):
    wait = backoff(attempt, draw=lambda: drawn)
    whole = min(30.0, 0.5 * 2.0 ** min(attempt - 1, 10))
    assert whole / 2 <= wait <= whole


def test_who_is_turned_away_alone_asks_again_soon_and_with_many_others_later(virtual):
    async def main():
        concurrency = Concurrency(4)
        assert concurrency.wait(5) <= 0.25
        for _ in range(100):
            concurrency.note(turned_away=True, seconds=None)
        assert concurrency.wait(5) >= 2

    virtual(main())
