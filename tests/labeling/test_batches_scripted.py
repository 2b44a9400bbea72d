"""Batches of a scripted provider in virtual time: crashes at given moments, patience, strangers' results."""

import asyncio
import sqlite3

import pytest

from harness.labeling.batches import FORGOTTEN, Batches, size_of
from harness.labeling.brake import Brake, Halted
from harness.labeling.budget import Budget, Terms
from harness.labeling.cache import FILE, ReplyCache, Stored
from harness.labeling.engine import Engine, Request, Unanswered
from harness.labeling.meter import Meter
from harness.vlm import BatchItem, BatchOptions, BatchState, Message, Prompt, Reply, RequestError

GLAD = Reply("Glad", model="model")
PROMPT = Prompt("Which one?")


class Options(BatchOptions):
    model: str = "model"


class Killed(BaseException):
    """Stands for kill -9: nothing that comes after it happens."""


class Provider:
    """A provider's batches; what a class attribute names goes wrong."""

    def __init__(self):
        self.batches, self.tags, self.reads, self.polls = {}, {}, 0, 0
        self.submit_error = self.after_submit = None
        self.poll_errors, self.results_break = [], 0
        self.state = None

    async def reply(self, image, prompt, schema):
        raise AssertionError("asked one by one")

    async def submit(self, items, tag):
        items = list(items)
        assert all(item.id == f"{tag}-{number}" for number, item in enumerate(items))
        if self.submit_error:
            raise self.submit_error.pop(0)
        name = f"batch-{len(self.batches)}"
        self.batches[name], self.tags[tag] = items, name
        if self.after_submit:
            raise self.after_submit.pop(0)
        return name

    async def find(self, tag, since, count):
        found = self.tags.get(tag)
        assert found is None or len(self.batches[found]) == count
        return found

    async def poll(self, batch):
        self.polls += 1
        if self.poll_errors:
            raise self.poll_errors.pop(0)
        return self.state or BatchState(True, len(self.batches[batch]), len(self.batches[batch]))

    async def results(self, batch):
        self.reads += 1
        for number, item in enumerate(self.batches[batch]):
            if self.results_break and number == 2:
                self.results_break -= 1
                raise RequestError("connection", "dropped")
            yield item.id, GLAD

    @property
    def items(self):
        return [item for batch in self.batches.values() for item in batch]


def request(number, tokens=100):
    return Request(bytes([number]) * 32, b"image %d" % number, PROMPT, None, tokens)


@pytest.fixture
def ask(tmp_path, virtual):
    """Runs a round of batches about `count` questions in virtual time, as a process of its own would."""

    def run(provider, count=5, brake=None, **options):
        async def main():
            meter = Meter()
            stop = brake or Brake()
            with ReplyCache(tmp_path / FILE) as cache:
                engine = Engine(
                    provider, "vlm", "asker", Options(batch=True, **options), cache=cache, meter=meter, brake=stop,
                    budget=Budget(None, meter, stop), terms=Terms(None),
                )  # fmt: skip
                batches = Batches(engine, stop, lambda *_: None)

                async def pass_over(ask):
                    for number in range(count):
                        await ask(request(number), None)

                try:
                    await batches.run(pass_over)
                except Halted:
                    return stop.halt
                return [await batches.from_cache(request(number), None) for number in range(count)]

        return virtual(main())[0]

    return run


def test_all_questions_are_answered(ask):
    provider = Provider()
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert [item.image for item in provider.items] == [b"image %d" % number for number in range(5)]
    assert isinstance(provider.items[0], BatchItem)


def test_a_crash_before_the_batch_is_handed_in_pays_nothing(ask):
    provider = Provider()
    provider.submit_error = [Killed()]
    with pytest.raises(Killed):
        ask(provider)
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert len(provider.items) == 5


def test_a_crash_before_the_id_is_written_down_pays_once(ask):
    provider = Provider()
    provider.after_submit = [Killed()]
    with pytest.raises(Killed):
        ask(provider)
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert len(provider.items) == 5


def test_a_crash_while_waiting_follows_the_same_batch(ask):
    provider = Provider()
    provider.poll_errors = [Killed()]
    with pytest.raises(Killed):
        ask(provider)
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert len(provider.items) == 5


def test_results_that_break_off_are_read_again(ask):
    provider = Provider()
    provider.results_break = 3
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert provider.reads == 4
    assert len(provider.items) == 5


def test_results_of_strangers_are_left_alone(ask):
    provider = Provider()
    theirs = provider.results

    async def results(batch):
        for name in (
            "strange-0",
            "strange",
            "",
            "-1",
            f"{next(iter(provider.tags))}-99",
            f"{next(iter(provider.tags))}-x",
        ):
            yield name, Reply("Sad")
        async for one in theirs(batch):
            yield one

    provider.results = results
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5


def test_a_provider_that_loses_everything_is_asked_so_often_and_no_more(ask):
    provider = Provider()

    async def results(batch):
        for item in ():
            yield item

    provider.results = results
    assert ask(provider, limits={"attempts": 3}) == [Unanswered("batch", "no batch brought an answer")] * 5
    assert len(provider.batches) == 3


def test_looks_that_fail_are_sat_out_for_as_long_as_the_patience_lasts(ask):
    provider = Provider()
    provider.poll_errors = [RequestError("server", "oops")] * 20
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    provider = Provider()
    provider.poll_errors = [RequestError("server", "oops")] * 1000
    halt = ask(provider, 6)
    assert halt.message == "batch batch-0 cannot be looked at: oops; the same command goes on with it"
    provider.poll_errors.clear()
    assert ask(provider, 6) == [Stored(GLAD, batch=True)] * 6
    assert len(provider.items) == 1


def test_a_batch_of_another_account_is_kept_and_a_forgotten_one_given_up(ask, tmp_path):
    provider = Provider()
    provider.poll_errors = [RequestError("bad_request", "not found", status=404)]
    assert "cannot be looked at: not found" in ask(provider).message
    provider.poll_errors = [RequestError("bad_request", "not found", status=404)]
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE batches SET created = created - ?", [FORGOTTEN + 1])
    db.close()
    assert "the provider does not know it any more; the same command asks anew" in ask(provider).message
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert len(provider.batches) == 2


def test_a_batch_that_failed_as_a_whole_says_why_and_is_asked_anew(ask):
    provider = Provider()
    provider.state = BatchState(True, 0, 5, "the file was not valid")
    assert ask(provider).message == "batch batch-0 failed: the file was not valid; the same command asks anew"
    provider.state = None
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5


def test_a_busy_provider_is_handed_the_batch_later(ask):
    provider = Provider()
    provider.submit_error = [RequestError("rate_limit", "too many batches", retry_after=60)] * 5
    assert ask(provider, limits={"attempts": 2}) == [Stored(GLAD, batch=True)] * 5


def test_patience_with_a_busy_provider_ends(ask, tmp_path):
    provider = Provider()
    provider.submit_error = [RequestError("rate_limit", "too many batches", retry_after=60)] * 50
    assert ask(provider).message == "the batch was not accepted: too many batches"
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("SELECT COUNT(*) FROM batch_items").fetchone() == (0,)
    db.close()


def test_items_that_stop_everything_are_heeded_when_the_others_are_read(ask):
    provider = Provider()
    theirs = provider.results

    async def results(batch):
        async for name, reply in theirs(batch):
            yield name, RequestError("quota", "no money") if name.endswith("-1") else reply

    provider.results = results
    assert ask(provider).message == "quota: no money"
    provider.results = theirs
    assert ask(provider) == [Stored(GLAD, batch=True)] * 5
    assert len(provider.items) == 6


def test_one_run_at_a_time_asks_a_model_by_batches(ask, tmp_path):
    import fcntl

    provider, brake = Provider(), Brake()
    (tmp_path / ".locks").mkdir()
    with (tmp_path / ".locks" / "batches-asker").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        sleep, waited = brake.sleep, []

        async def until_free(seconds):
            waited.append(seconds)
            if len(waited) == 3:
                fcntl.flock(handle, fcntl.LOCK_UN)
            await sleep(seconds)

        brake.sleep = until_free
        assert ask(provider, brake=brake) == [Stored(GLAD, batch=True)] * 5
    assert len(waited) == 3


def test_only_one_batch_is_filled_while_another_is_handed_in(virtual, tmp_path):
    provider, most = Provider(), 0
    theirs = provider.submit

    async def main():
        meter, brake = Meter(), Brake()
        with ReplyCache(tmp_path / FILE) as cache:
            engine = Engine(
                provider, "vlm", "asker", Options(batch=True, batch_requests=3), cache=cache, meter=meter, brake=brake,
                budget=Budget(None, meter, brake), terms=Terms(None),
            )  # fmt: skip
            batches = Batches(engine, brake, lambda *_: None)

            async def submit(items, tag):
                nonlocal most
                await asyncio.sleep(100)
                most = max(most, len(batches._shard.requests))
                return await theirs(items, tag)

            provider.submit = submit
            await batches.run(lambda ask: asyncio.gather(*(ask(request(number), None) for number in range(30))))

    virtual(main())
    assert len(provider.batches) == 10
    assert most == 0


def test_the_size_of_an_item_is_not_underestimated():
    import base64
    import json

    prompt = Prompt(
        'Which "one"?\n' * 50, "Sei höflich. " * 100, (Message("user", "So:", bytes(999)), Message("assistant", "Glad"))
    )
    body = json.dumps(
        [prompt.system, prompt.text, base64.b64encode(bytes(5000)).decode(), base64.b64encode(bytes(999)).decode()],
        ensure_ascii=False,
    ).encode()
    assert len(body) <= size_of(Request(b"", bytes(5000), prompt, None)) <= 2 * len(body) + 2048
