import asyncio
from itertools import pairwise

import pytest
from scripted_model import GLAD, PRICE, Scripted, all_of, failing, halted, in_turn, request

from harness.labeling.cache import Stored
from harness.labeling.engine import HOPELESS, MISTAKEN, Unanswered
from harness.vlm import FATAL, TRANSIENT, Reply, RequestError

# --- one request


def test_a_reply_is_on_the_disk_when_it_counts_and_nobody_is_asked_twice(virtual, engine, cache):
    async def main():
        one = engine(model := Scripted())
        assert await one.ask(request(1)) == Stored(GLAD)
        assert cache.get(request(1).key) == Stored(GLAD)
        assert await one.ask(request(1)) == Stored(GLAD)
        assert len(model.asked) == 1
        assert (one.meter.requests, one.meter.in_flight, one.meter.input_tokens) == (1, 0, 100)

    virtual(main())


def test_a_reply_that_is_known_already_is_not_even_looked_up(virtual, engine):
    async def main():
        one = engine(model := Scripted())
        assert await one.ask(request(1), Stored(GLAD)) == Stored(GLAD)
        assert (model.asked, one.meter.cached, one.meter.requests) == ([], 1, 0)

    virtual(main())


@pytest.mark.parametrize("kind", sorted(TRANSIENT))
def test_what_may_pass_is_asked_again(virtual, engine, cache, kind):
    async def main():
        one = engine(model := failing(kind, times=3))
        assert await one.ask(request(1)) == Stored(GLAD)
        assert len(model.asked) == 4
        assert one.meter.repeats == 3
        assert cache.get(request(1).key) == Stored(GLAD)

    virtual(main())


@pytest.mark.parametrize("kind", sorted(FATAL))
def test_what_nothing_mends_stops_everybody_at_once(virtual, engine, cache, kind):
    async def main():
        model = Scripted(lambda number, _: RequestError(kind, "no") if number == 3 else GLAD)
        one = engine(model, limits={"connections": 4})
        results = await all_of(one, 50)
        assert len(model.asked) <= 8
        assert halted(results) == 50 - len(model.asked) + 1
        assert one.brake.halt.kind == "fatal"
        assert one.brake.halt.message == f"{kind.replace('_', ' ')}: no"
        kept = cache.get_many([request(number).key for number in range(50)])
        assert len(kept) == len(model.asked) - 1  # what was under way was paid for

    virtual(main())


def test_a_refusal_is_an_answer_and_kept(virtual, engine, cache):
    async def main():
        one = engine(model := failing("refused"))
        stored = await one.ask(request(1))
        assert (stored.error, stored.reply.detail, stored.reply.text) == ("refused", "as told", "")
        assert await one.ask(request(1)) == stored
        assert len(model.asked) == 1

    virtual(main())


def test_a_bad_request_is_an_answer_once_another_was_understood(virtual, engine, cache):
    async def main():
        model = Scripted(lambda _, image: RequestError("bad_request", "odd") if image == b"image 1" else GLAD)
        one = engine(model)
        assert (await one.ask(request(1))).error == "bad_request"
        assert cache.get(request(1).key) is None  # perhaps the question itself is wrong
        await one.ask(request(2))
        assert cache.get(request(1).key).error == "bad_request"
        assert (await one.ask(request(1))).error == "bad_request"
        assert len(model.asked) == 2
        assert one.meter.requests == 2

    virtual(main())


@pytest.mark.parametrize("connections", [1, 20])
def test_nothing_but_bad_requests_stops_and_keeps_nothing(virtual, engine, cache, connections):
    async def main():
        one = engine(model := failing("bad_request"), limits={"connections": connections})
        await all_of(one, 100)
        assert one.brake.halt.message == "the provider refuses every request: as told"
        assert len(model.asked) <= max(MISTAKEN, connections) + connections
        assert cache.get_many([request(number).key for number in range(100)]) == {}

    virtual(main())


def test_bad_requests_among_the_first_stop_nobody_who_is_answered_later(virtual, engine):
    async def main():
        model = Scripted(lambda number, _: RequestError("bad_request", "odd") if number <= 12 else GLAD)
        one = engine(model, limits={"connections": 16})
        results = await all_of(one, 40)
        assert one.brake.halt is None
        assert sum(stored.error is None for stored in results) == 28

    virtual(main())


def test_stored_replies_show_that_the_question_is_understood(virtual, engine, cache):
    async def main():
        await engine(Scripted()).ask(request(0))
        one = engine(failing("bad_request"), limits={"connections": 1})
        await one.ask(request(0))
        await all_of(one, 30)
        assert one.brake.halt is None
        assert len(cache.get_many([request(number).key for number in range(30)])) == 30

    virtual(main())


def test_an_error_of_the_code_passes_and_holds_no_place(virtual, engine):
    async def main():
        model = Scripted(lambda number, _: KeyError("a bug") if number == 1 else GLAD)
        one = engine(model, cap=1000.0, price=PRICE, limits={"connections": 1})
        with pytest.raises(KeyError, match="a bug"):
            await one.ask(request(1))
        assert await one.ask(request(1)) == Stored(GLAD)
        assert one.budget.left == pytest.approx(998)

    virtual(main())


def test_half_a_surrogate_pair_in_a_reply_hangs_nobody(virtual, engine):
    async def main():
        one = engine(Scripted(lambda *_: Reply("Glad \ud83d")))
        assert (await one.ask(request(1))).reply.text == "Glad ?"
        two = engine(Scripted(lambda *_: RequestError("refused", "\ud83d")))
        assert (await two.ask(request(2))).reply.detail == "?"

    virtual(main())


# --- attempts and time


def test_attempts_are_bounded(virtual, engine, cache):
    async def main():
        one = engine(model := failing("server"), limits={"attempts": 3})
        assert await one.ask(request(1)) == Unanswered("server", "as told")
        assert len(model.asked) == 3
        assert cache.get(request(1).key) is None

    virtual(main())


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded"])
def test_being_turned_away_uses_up_time_not_attempts(virtual, engine, kind):
    async def main():
        one = engine(model := failing(kind), limits={"attempts": 2, "give_up_after": 120})
        assert (await one.ask(request(1))).kind == kind
        assert len(model.asked) > 4

    _, seconds = virtual(main())
    assert 60 < seconds <= 121


def test_time_is_bounded_for_other_failures_too(virtual, engine):
    async def main():
        one = engine(failing("connection"), limits={"attempts": 1000, "give_up_after": 90})
        assert (await one.ask(request(1))).kind == "connection"

    _, seconds = virtual(main())
    assert 50 < seconds <= 91


def test_no_answer_in_time_is_a_timeout_of_the_one_attempt(virtual, engine):
    async def main():
        model = Scripted(latency=1e6)
        one = engine(model, limits={"attempts": 2, "timeout": 5})
        assert await one.ask(request(1)) == Unanswered("timeout", "no answer within 5 s")
        assert len(model.asked) == 2
        assert model.under_way == one.meter.in_flight == 0

    _, seconds = virtual(main())
    assert 10 < seconds < 11


def test_a_timeout_of_the_providers_own_is_one_too(virtual, engine):
    async def main():
        one = engine(Scripted(lambda *_: TimeoutError("mine")), limits={"attempts": 1})
        assert (await one.ask(request(1))).kind == "timeout"

    virtual(main())


def test_retry_after_is_honoured(virtual, engine):
    async def main():
        one = engine(model := failing("rate_limit", times=1, retry_after=30))
        await one.ask(request(1))
        assert model.times == pytest.approx([0, 31])

    virtual(main())


def test_retry_after_beyond_the_patience_gives_up_at_once_and_says_so(virtual, engine):
    async def main():
        one = engine(failing("rate_limit", retry_after=3600), limits={"give_up_after": 100})
        said = await one.ask(request(1))
        assert said == Unanswered("rate_limit", "as told (the provider asks to wait 3600 s)")

    _, seconds = virtual(main())
    assert seconds == 1


def test_where_most_are_turned_away_everybody_waits_as_told(virtual, engine):
    async def main():
        def answer(_, image):
            busy = asyncio.get_running_loop().time() < 60
            return RequestError("rate_limit", "later", retry_after=20) if busy else GLAD

        one = engine(model := Scripted(answer), limits={"connections": 4})
        results = await all_of(one, 40)
        assert all(isinstance(stored, Stored) for stored in results)
        gaps = [later - earlier for earlier, later in pairwise(model.times)]
        assert max(gaps) >= 19

    virtual(main())


def test_waiting_for_its_turn_is_no_attempt(virtual, engine):
    async def main():
        model = Scripted(lambda number, _: RequestError("server", "oops") if number % 2 else GLAD)
        one = engine(model, limits={"requests_per_minute": 6, "give_up_after": 30, "connections": 16})
        results = await all_of(one, 30)
        assert all(isinstance(stored, Stored) for stored in results)

    virtual(main())


def test_twenty_in_a_row_without_an_answer_end_it(virtual, engine):
    async def main():
        one = engine(model := failing("connection"), limits={"attempts": 2, "connections": 4})
        await in_turn(one, 1_000, 8)
        assert one.brake.halt.message == f"{HOPELESS} requests in a row without an answer, the last: as told"
        assert len(model.asked) <= 2 * (HOPELESS + 8)

    virtual(main())


def test_an_answer_between_keeps_hope(virtual, engine):
    async def main():
        model = Scripted(lambda _, image: GLAD if image.endswith(b"9") else RequestError("server", "oops"))
        one = engine(model, limits={"attempts": 1, "connections": 1})
        await all_of(one, 100)
        assert one.brake.halt is None
        assert len(model.asked) == 100

    virtual(main())
