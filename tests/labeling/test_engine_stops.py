import asyncio

import pytest
from scripted_model import GLAD, PRICE, Scripted, all_of, failing, halted, request

from harness.labeling.brake import Brake, Halted
from harness.labeling.cache import Stored
from harness.labeling.engine import Unanswered
from harness.vlm import RequestError

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
