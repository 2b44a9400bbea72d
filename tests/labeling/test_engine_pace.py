import asyncio
from itertools import pairwise

import pytest
from scripted_model import GLAD, PRICE, Scripted, all_of, halted, in_turn, request

from harness.labeling.budget import Terms
from harness.labeling.prices import Price, Rates
from harness.vlm import RequestError

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
