import asyncio
import hashlib
from itertools import pairwise

import pytest

from harness.labeling.brake import Brake, Halted
from harness.labeling.budget import Budget, Terms
from harness.labeling.cache import FILE, ReplyCache, Stored
from harness.labeling.engine import HOPELESS, MISTAKEN, Engine, Request, Unanswered
from harness.labeling.meter import Meter
from harness.labeling.prices import Price, Rates
from harness.vlm import FATAL, TRANSIENT, LanguageModelOptions, Prompt, Reply, RequestError, Usage

GLAD = Reply("Glad", usage=Usage(100, 10), model="model")
PROMPT = Prompt("Which one?")
PRICE = Price("model", "somebody", Rates(input=1e4, output=1e5, cache_read=1e3, cache_write=1e4))  # GLAD costs $2


class Options(LanguageModelOptions):
    model: str = "model"


class Scripted:
    """Answers by a function of (number of the request from 1, image), after `latency` seconds."""

    def __init__(self, answer=lambda number, image: GLAD, latency=1.0):
        self.answer, self.latency = answer, latency
        self.asked, self.under_way, self.most_under_way = [], 0, 0

    @property
    def times(self):
        return [moment for moment, _ in self.asked]

    async def reply(self, image, prompt, schema):
        self.asked.append((asyncio.get_running_loop().time(), image))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer = self.answer(len(self.asked), image)
            await asyncio.sleep(self.latency)
        finally:
            self.under_way -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


def failing(kind, times=10**9, **details):
    """A model that fails so often, and then answers."""
    return Scripted(lambda number, _: RequestError(kind, "as told", **details) if number <= times else GLAD)


@pytest.fixture
def cache(tmp_path):
    with ReplyCache(tmp_path / FILE) as cache:
        yield cache


@pytest.fixture
def engine(cache):
    """Makes an engine, inside the loop: engine(model, cap=2.0, price=PRICE, limits={...})."""

    def make(model, *, cap=None, price=None, most_output=1024, offline=False, warn=lambda _: None, **options):
        meter, brake = Meter(), Brake()
        return Engine(
            model, "vlm", "asker", Options(**options), cache=cache, meter=meter, brake=brake,
            budget=Budget(cap, meter, brake), terms=Terms(price, most_output), offline=offline, warn=warn,
        )  # fmt: skip

    return make


def request(number, tokens=100):
    return Request(hashlib.sha256(b"%d" % number).digest(), b"image %d" % number, PROMPT, None, tokens)


def all_of(engine, count, tokens=100):
    return asyncio.gather(*(engine.ask(request(number, tokens)) for number in range(count)), return_exceptions=True)


async def in_turn(engine, count, workers):
    """As the stage asks: so many workers, each its next request after the last."""
    left = iter(range(count))

    async def work():
        for number in left:
            await engine.ask(request(number))

    await asyncio.gather(*(work() for _ in range(workers)), return_exceptions=True)


def halted(results):
    return sum(isinstance(one, Halted) for one in results)


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


# --- pace


def test_no_more_are_under_way_than_connections_allow(virtual, engine):
    async def main():
        await all_of(engine(model := Scripted(), limits={"connections": 7}), 70)
        assert model.most_under_way == 7

    _, seconds = virtual(main())
    assert seconds == pytest.approx(10)


@pytest.mark.parametrize(
    ("limits", "least"),
    [
        ({"requests_per_minute": 60}, 178),
        ({"input_tokens_per_minute": 6_000}, 178),
        ({"output_tokens_per_minute": 600}, 175),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_limits_a_minute_are_kept_and_reached(virtual, engine, limits, least):
    async def main():
        model = Scripted()
        await all_of(engine(model, limits={"connections": 64, **limits}), 180)
        for begin in model.times:
            in_a_minute = sum(begin <= moment < begin + 60 - 1e-6 for moment in model.times)
            assert in_a_minute <= 60 + 2  # and one request, which is taken to answer 16 tokens at first

    _, seconds = virtual(main())
    assert least <= seconds <= 200  # 180 requests of 100 tokens in and 10 out, at 60 a minute


def test_requests_that_wait_for_a_place_do_not_come_all_at_once_after_it(virtual, engine):
    async def main():
        model = Scripted(latency=50.0)  # places are the limit for a while, then requests a minute are
        one = engine(model, limits={"connections": 4, "requests_per_minute": 60})
        first = asyncio.gather(*(one.ask(request(number)) for number in range(4)))
        rest = asyncio.gather(*(one.ask(request(number)) for number in range(4, 60)))
        await first
        model.latency = 0.0
        await rest
        gaps = [later - earlier for earlier, later in pairwise(model.times)]
        assert min(gaps) > 0.9

    virtual(main())


def test_five_percent_of_refusals_cost_less_than_a_tenth_of_the_rate(virtual, engine):
    async def main():
        model = Scripted(
            lambda number, _: RequestError("rate_limit", "now and then") if number % 20 == 0 else GLAD, 0.2
        )
        one = engine(model, limits={"connections": 64})
        await in_turn(one, 3_000, 144)

    _, seconds = virtual(main())
    assert 3_000 / seconds >= 0.9 * 0.95 * 64 / 0.2


# --- equal faces


def test_equal_faces_are_asked_once_though_at_the_same_time(virtual, engine):
    async def main():
        one = engine(model := Scripted(), price=PRICE)
        results = await asyncio.gather(*(one.ask(request(1)) for _ in range(5)))
        assert results == [Stored(GLAD)] * 5
        assert len(model.asked) == 1
        assert (one.meter.requests, one.meter.cached, one.meter.cost) == (1, 0, 2.0)

    virtual(main())


def test_where_the_first_of_equal_faces_gets_no_answer_the_next_asks_itself(virtual, engine):
    async def main():
        one = engine(model := failing("server", times=1), limits={"attempts": 1})
        results = await asyncio.gather(*(one.ask(request(1)) for _ in range(3)))
        assert [type(stored) for stored in results] == [Unanswered, Stored, Stored]
        assert len(model.asked) == 2

    virtual(main())


# --- before the first request


class Checked(Scripted):
    def __init__(self, check):
        super().__init__()
        self.check_answer, self.checks = check, 0

    async def check(self):
        self.checks += 1
        await asyncio.sleep(1)
        if isinstance(self.check_answer, RequestError):
            raise self.check_answer
        return self.check_answer


def test_a_model_may_warn_once_before_it_is_asked(virtual, engine):
    async def main():
        warnings = []
        one = engine(model := Checked(["old"]), warn=warnings.append)
        await all_of(one, 5)
        assert (model.checks, warnings) == (1, ["labeler 'vlm': old"])
        assert min(model.times) == 1

    virtual(main())


def test_a_model_that_cannot_be_asked_is_sent_nothing(virtual, engine):
    async def main():
        one = engine(model := Checked(RequestError("unknown_model", "no such model")))
        assert halted(await all_of(one, 5)) == 5
        assert model.asked == []
        assert one.brake.halt.message == "unknown model: no such model; no face was sent to it"

    virtual(main())


def test_nothing_is_looked_at_when_all_is_known(virtual, engine):
    async def main():
        await engine(Scripted()).ask(request(1))
        one = engine(model := Checked(["old"]))
        await one.ask(request(1))
        assert model.checks == 0

    virtual(main())


def test_a_stop_does_not_wait_for_the_look(virtual, engine):
    async def main():
        one = engine(Checked(["old"]))
        one.model.check = lambda: asyncio.sleep(1e6)
        asked = asyncio.create_task(one.ask(request(1)))
        await asyncio.sleep(1)
        one.brake.pull("interrupted", "stopped by the user")
        with pytest.raises(Halted):
            await asked

    _, seconds = virtual(main())
    assert seconds < 2


# --- stopping


def test_the_first_reason_stays(virtual):
    async def main():
        brake = Brake()
        brake.check()
        brake.pull("interrupted", "first")
        brake.pull("fatal", "second")
        assert brake.halt.message == "first"
        with pytest.raises(Halted):
            brake.check()

    virtual(main())


def test_what_is_under_way_is_finished_and_nothing_else_begun(virtual, engine, cache):
    async def main():
        one = engine(model := Scripted(latency=10), limits={"connections": 3})
        asked = asyncio.create_task(asyncio.wait_for(all_of(one, 20), 100))
        await asyncio.sleep(5)
        one.brake.pull("interrupted", "stopped by the user")
        results = await asked
        assert len(model.asked) == 3
        assert halted(results) == 17
        assert len(cache.get_many([request(number).key for number in range(20)])) == 3

    virtual(main())


def test_who_waits_to_ask_again_stops_at_once(virtual, engine):
    async def main():
        one = engine(failing("rate_limit", retry_after=300))
        asked = asyncio.create_task(one.ask(request(1)))
        await asyncio.sleep(5)
        one.brake.pull("interrupted", "stopped by the user")
        with pytest.raises(Halted):
            await asked

    _, seconds = virtual(main())
    assert seconds == 5


def test_work_that_is_given_up_is_cancelled(virtual):
    async def main():
        brake, ends = Brake(), []

        async def work():
            try:
                await asyncio.sleep(100)
            finally:
                ends.append("cancelled")

        waiting = asyncio.create_task(brake.unless_pulled(work()))
        await asyncio.sleep(1)
        brake.pull("interrupted", "")
        with pytest.raises(Halted):
            await waiting
        await asyncio.sleep(0)
        assert ends == ["cancelled"]
        assert await Brake().unless_pulled(asyncio.sleep(1, "done")) == "done"

    virtual(main())


# --- offline


def test_offline_stored_replies_are_given_and_nobody_is_asked(virtual, engine):
    async def main():
        await engine(Scripted()).ask(request(1))
        one = engine(model := Checked(["old"]), offline=True)
        assert await one.ask(request(1)) == Stored(GLAD)
        assert (await one.ask(request(2))).kind == "offline"
        assert (model.asked, model.checks) == ([], 0)

    virtual(main())


# --- money


@pytest.mark.parametrize("tokens", [100, 150, 0], ids=["exact", "rather too many", "nobody knows"])
@pytest.mark.parametrize("connections", [1, 16])
def test_the_cap_is_never_passed_and_nearly_reached(virtual, engine, tokens, connections):
    async def main():
        one = engine(model := Scripted(), cap=25.0, price=PRICE, most_output=20, limits={"connections": connections})
        results = await all_of(one, 100, tokens)
        assert one.brake.halt.kind == "max_cost"
        assert one.brake.halt.message == f"max_cost of $25 is reached: the replies cost ${one.meter.cost:.2f} so far"
        assert one.meter.cost == 2.0 * len(model.asked)
        assert 18 <= one.meter.cost <= 25  # the last one could have cost four or six dollars
        assert halted(results) == 100 - len(model.asked)

    virtual(main())


def test_as_long_as_nobody_knows_what_an_image_costs_one_is_asked_alone(virtual, engine):
    async def main():
        one = engine(model := Scripted(), cap=1000.0, price=PRICE, most_output=10, limits={"connections": 16})
        await all_of(one, 30, tokens=0)
        assert [moment for moment in model.times if moment < 1] == [0]
        assert model.most_under_way == 16

    virtual(main())


def test_without_a_cap_nobody_waits_for_a_price(virtual, engine):
    async def main():
        one = engine(model := Scripted(), price=PRICE, limits={"connections": 16})
        await all_of(one, 16, tokens=0)
        assert model.most_under_way == 16

    virtual(main())


def test_a_cap_that_does_not_pay_for_one_request_asks_nothing(virtual, engine):
    async def main():
        one = engine(model := Scripted(), cap=1.0, price=PRICE)
        assert halted(await all_of(one, 3)) == 3
        assert model.asked == []
        assert "the replies cost $0.00 so far" in one.brake.halt.message

    virtual(main())


def test_stored_replies_count_for_the_cap(virtual, engine):
    async def main():
        await all_of(engine(Scripted(), price=PRICE), 10)
        one = engine(model := Scripted(), cap=25.0, price=PRICE, most_output=10)
        await all_of(one, 10)
        await all_of(one, 100)
        assert len(model.asked) == 2
        assert one.meter.cost == 24

    virtual(main())


def test_failed_requests_give_back_what_was_held_for_them(virtual, engine):
    async def main():
        model = Scripted(lambda number, _: RequestError("server", "oops") if number <= 50 else GLAD)
        one = engine(model, cap=5.0, price=PRICE, most_output=10, limits={"attempts": 1, "connections": 1})
        for number in range(10):
            await one.ask(request(number))
        assert one.budget.left == 5.0

    virtual(main())


def test_two_models_of_one_ladder_share_the_cap(virtual, engine):
    async def main():
        first = engine(Scripted(), cap=10.0, price=PRICE, most_output=10)
        second = engine(Scripted(), price=PRICE, most_output=10)
        second.budget, second.meter, second.brake = first.budget, first.meter, first.brake
        asked = [engine.ask(request(number)) for number, engine in enumerate([first, second] * 10)]
        await asyncio.gather(*asked, return_exceptions=True)
        assert first.meter.cost == 10

    virtual(main())


def test_writing_to_a_prompt_cache_is_held_back_at_its_price():
    dearer = Price("model", "somebody", Rates(input=1e4, output=1e5, cache_read=1e3, cache_write=2e4), batch=0.5)
    assert Terms(dearer, 10).most(100) == pytest.approx(3)
    assert Terms(dearer, 10).most(100, batch=True) == pytest.approx(1.5)
    assert Terms(None, 10).most(100) == 0
