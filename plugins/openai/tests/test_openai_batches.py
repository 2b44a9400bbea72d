"""Batches through the real SDK: handed in, found again, followed, read."""

import asyncio
import json
import time

import pytest
from harness_openai import batches
from harness_openai.labeler import OpenAI
from harness_openai.options import OpenAIOptions

from harness.testing.providers import Rule
from harness.vlm import FATAL, BatchItem, BatchModel, Limits, Prompt, Reply, RequestError

TAG = "0123456789abcdef"
PROMPT = Prompt("Which one: 'Happily Surprised' or 'Sadly Angry'?")
both_apis = pytest.mark.parametrize("api", ["chat", "responses"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(batches, "SETTLE", 0.01)


def items(count=5, tag=TAG, size=100):
    return [
        BatchItem(f"{tag}-{number}", b"\xff\xd8\xff" + number.to_bytes(2, "big") * size, PROMPT)
        for number in range(count)
    ]


@pytest.fixture
def batched(server):
    """batched(coroutine function): what it returns for a labeler of this server."""

    def run(work, **options):
        async def one():
            made = {
                "model": "gpt-x",
                "base_url": server.openai_url,
                "batch": True,
                "limits": Limits(timeout=5),
            } | options
            labeler = OpenAI(OpenAIOptions(**made))
            try:
                return await work(labeler)
            finally:
                await labeler.close()

        return asyncio.run(one())

    return run


async def followed(labeler, asked=None, tag=TAG):
    """Hand in, poll to the end; the results as {id: outcome} and the rows as a list."""
    batch = await labeler.submit(asked or items(), tag)
    while not (state := await labeler.poll(batch)).ended:
        await asyncio.sleep(0)
    rows = [row async for row in labeler.results(batch)]
    return batch, state, rows


def outcomes(rows):
    return {name: "reply" if isinstance(one, Reply) else one.kind for name, one in rows}


@both_apis
@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_every_item_of_a_batch_is_answered_once(batched, server, api, http):
    batch, state, rows = batched(followed, api=api, http=http)
    assert batch.startswith("batch_")
    assert (state.ended, state.done, state.total, state.failed) == (True, 5, 5, "")
    assert sorted(name for name, _ in rows) == [f"{TAG}-{number}" for number in range(5)]
    for _, reply in rows:
        assert reply.text in ("Happily Surprised", "Sadly Angry")
        assert reply.usage.input_tokens > 0
    assert len([one for one in server.requests if one.operation == "batch.item"]) == 5


def test_a_labeler_with_batches_is_a_batch_model(batched):
    async def is_one(labeler):
        return isinstance(labeler, BatchModel)

    assert batched(is_one)


def test_a_batch_that_runs_says_so(batched, server):
    server.behave(batch_polls=3)

    async def watched(labeler):
        batch = await labeler.submit(items(), TAG)
        return [(await labeler.poll(batch)).ended for _ in range(4)]

    assert batched(watched) == [False, False, True, True]


def test_requests_in_a_batch_are_the_same_as_alone(batched, ask, server):
    asked = items(1)
    ask(PROMPT, image=asked[0].image)
    batched(lambda labeler: followed(labeler, asked))
    alone, inside = (one.key for one in server.requests if one.operation in ("reply", "batch.item"))
    assert alone == inside


@both_apis
def test_items_that_are_lost_twice_there_late_or_declined_each_have_their_outcome(batched, server, api):
    server.behave(
        rules=[
            Rule(answer, on="batch.item", numbers=(number,))
            for number, answer in enumerate(
                ["lost", "twice", "expired", "canceled", "bad-request", "server-error", "quota", "refusal"], 1
            )
        ]
    )
    _, state, rows = batched(lambda labeler: followed(labeler, items(9)), api=api)
    assert state.ended
    assert len(rows) == 8  # neither the lost one nor the second copy
    assert outcomes(rows) == {
        f"{TAG}-1": "reply", f"{TAG}-2": "timeout", f"{TAG}-3": "timeout", f"{TAG}-4": "bad_request",
        f"{TAG}-5": "server", f"{TAG}-6": "quota", f"{TAG}-7": "reply", f"{TAG}-8": "reply",
    }  # fmt: skip
    assert dict(rows)[f"{TAG}-7"].stop_reason == "refusal"


def test_a_batch_without_one_answer_has_only_an_error_file(batched, server):
    server.behave(rules=Rule("expired", on="batch.item"))
    _, _, rows = batched(followed)
    assert set(outcomes(rows).values()) == {"timeout"}


def test_a_batch_that_the_provider_turns_down_says_why(batched, server):
    async def refused(labeler):
        one = items(1)[0]
        return await labeler.poll(await labeler.submit([one, one], TAG))

    state = batched(refused)
    assert state.ended
    assert state.failed == f"The custom_id '{TAG}-0' is used more than once."


# --- found again --------------------------------------------------------------------------------------------------


def test_a_batch_is_found_by_its_tag_among_others(batched):
    async def searched(labeler):
        made = {tag: await labeler.submit(items(2, tag), tag) for tag in ("tag-a", "tag-b", "tag-c")}
        return made, await labeler.find("tag-b", time.time(), 2), await labeler.find("tag-x", time.time(), 2)

    made, found, missing = batched(searched)
    assert found == made["tag-b"]
    assert missing is None


@pytest.mark.parametrize("fault", ["drop-accepted", "malformed", "empty", "html", "drop-during"])
def test_a_batch_whose_creation_was_cut_off_is_found_and_not_paid_twice(batched, server, fault):
    server.behave(rules=Rule(fault, on="batch.create", numbers=(1,)))

    async def cut_off(labeler):
        with pytest.raises(RequestError) as caught:
            await labeler.submit(items(), TAG)
        batch = await labeler.find(TAG, time.time(), 5)
        assert batch is not None
        return caught.value, [row async for row in labeler.results(batch) if (await labeler.poll(batch)).ended]

    error, _ = batched(cut_off)
    assert error.kind in ("connection", "server")
    assert len([one for one in server.requests if one.operation == "batch.item"]) == 5


@pytest.mark.parametrize("on", ["file.create", "batch.create"])
def test_what_never_arrived_is_not_found_and_may_be_handed_in_again(batched, server, on):
    server.behave(rules=Rule("drop-before", on=on, numbers=(1,)))

    async def lost(labeler):
        with pytest.raises(RequestError) as caught:
            await labeler.submit(items(), TAG)
        assert caught.value.kind == "connection"
        assert await labeler.find(TAG, time.time(), 5) is None
        return await followed(labeler)

    assert len(batched(lost)[2]) == 5


def test_a_batch_that_appears_a_little_later_is_found(batched, server, monkeypatch):
    monkeypatch.setattr(batches, "SETTLE", 1.5)

    async def late(labeler):
        search = asyncio.create_task(labeler.find(TAG, time.time(), 5))
        while not [one for one in server.requests if one.operation == "batch.list"]:
            await asyncio.sleep(0.01)
        return await labeler.submit(items(), TAG), await search

    made, found = batched(late)
    assert made == found


def test_the_search_goes_over_pages_and_ends_at_batches_that_are_too_old(batched, server, monkeypatch):
    async def far(labeler):
        first = await labeler.submit(items(1, "tag-first"), "tag-first")
        for number in range(101):
            await labeler.submit(items(1, f"tag-{number}"), f"tag-{number}")
        return first, await labeler.find("tag-first", time.time() - 60, 1)

    first, found = batched(far)
    assert first == found
    monkeypatch.setattr(batches, "CLOCKS", -3600.0)

    async def too_old(labeler):
        return await labeler.find("tag-first", time.time(), 1)

    assert batched(too_old) is None


def test_of_two_batches_with_one_tag_the_one_that_was_taken_is_found(batched):
    async def two(labeler):
        good = await labeler.submit(items(), TAG)
        broken = await labeler.submit([items(1)[0]] * 2, TAG)
        assert (await labeler.poll(broken)).failed
        only = await labeler.submit([items(1, "other")[0]] * 2, "other")
        assert (await labeler.poll(only)).failed
        return (good, only), (await labeler.find(TAG, time.time(), 5), await labeler.find("other", time.time(), 1))

    expected, found = batched(two)
    assert expected == found


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["file.create", "batch.create"])
@pytest.mark.parametrize(
    ("answer", "kind"), [("rate-limit", "rate_limit"), ("quota", "quota"), ("authentication", "authentication")]
)
def test_a_batch_that_is_not_accepted_is_a_request_error(batched, server, on, answer, kind):
    server.behave(rules=Rule(answer, on=on))

    async def refused(labeler):
        with pytest.raises(RequestError) as caught:
            await labeler.submit(items(), TAG)
        return caught.value.kind

    assert batched(refused) == kind


def test_a_batch_that_the_server_does_not_know_stops_the_stage(batched):
    async def unknown(labeler):
        with pytest.raises(RequestError, match="No batch found with id 'batch_1'") as caught:
            await labeler.poll("batch_1")
        return caught.value.kind

    assert batched(unknown) in FATAL


def test_looking_for_and_at_a_batch_can_fail(batched, server):
    server.behave(rules=(Rule("server-error", on="batch.list"), Rule("overloaded", on="batch.retrieve")))

    async def failing(labeler):
        kinds = []
        for work in (labeler.find(TAG, time.time(), 5), labeler.poll("batch_1"), anext(labeler.results("batch_1"))):
            with pytest.raises(RequestError) as caught:
                await work
            kinds.append(caught.value.kind)
        return kinds

    assert batched(failing) == ["server", "overloaded", "overloaded"]


@pytest.mark.parametrize("fault", ["malformed", "empty", "html", "drop-during"])
def test_an_answer_about_a_batch_that_is_none_is_the_servers_fault(batched, server, fault):
    server.behave(rules=(Rule(fault, on="batch.list"), Rule(fault, on="batch.retrieve")))

    async def failing(labeler):
        kinds = set()
        batch = await labeler.submit(items(), TAG)
        for work in (labeler.find(TAG, time.time(), 5), labeler.poll(batch)):
            with pytest.raises(RequestError) as caught:
                await work
            kinds.add(caught.value.kind)
        return kinds

    assert batched(failing) <= {"server", "connection"}


# aiohttp repeats a GET by itself if the connection that it reused turns out to be closed.
@pytest.mark.parametrize(("fault", "numbers"), [("drop-during", [1]), ("drop-before", [1, 2]), ("server-error", [1])])
def test_results_that_break_off_are_an_error_and_can_be_read_again(batched, server, fault, numbers):
    server.behave(rules=Rule(fault, on="file.content", numbers=numbers))

    async def broken(labeler):
        batch = await labeler.submit(items(40), TAG)
        await labeler.poll(batch)
        with pytest.raises(RequestError) as caught:
            _ = [row async for row in labeler.results(batch)]
        assert caught.value.kind in ("connection", "server")
        return [row async for row in labeler.results(batch)]

    assert len(batched(broken)) == 40


def row(number, **fields):
    body = {"id": "x", "model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "a"}}]}
    response = {"status_code": 200, "request_id": "r", "body": body}
    return json.dumps({"custom_id": f"{TAG}-{number}", "response": response, "error": None} | fields)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (row(1), "reply"),
        (row(1, response=None), "server"),
        (row(1, response={"status_code": 200, "body": {}}), "server"),
        (row(1, response={"status_code": 429, "body": {"error": {"code": "rate_limit_exceeded"}}}), "rate_limit"),
        (row(1, response={"status_code": 500, "body": {"message": "bare"}}), "server"),
        (row(1, response=None, error={"code": "batch_cancelled", "message": "cancelled"}), "timeout"),
        ("{broken", None),
        ("[1]", None),
        ('{"custom_id": 7}', None),
    ],
)
def test_a_line_of_a_result_file_is_a_row_or_nothing(line, kind):
    read = batches._row(line)
    if kind is None:
        assert read is None
    else:
        assert outcomes([("x", batches._outcome(read, "chat"))]) == {"x": kind}


def test_a_large_batch_is_streamed_and_nothing_stays_on_the_disk(batched, server, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def many():
        for number in range(200):
            seen.append(list(tmp_path.iterdir()))
            yield BatchItem(f"{TAG}-{number}", b"\xff\xd8\xff" + number.to_bytes(2, "big") * 50_000, PROMPT)

    _, _, rows = batched(lambda labeler: followed(labeler, many()))
    assert len(rows) == 200
    assert not any(seen)  # the file has no name
