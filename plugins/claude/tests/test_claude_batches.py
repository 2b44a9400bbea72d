"""Message Batches through the SDK: handed in, found again after a crash, looked at, read."""

import asyncio
import hashlib
import json
import time

import pytest
from harness_claude import batches

from harness.testing.providers import Answer, Rule
from harness.vlm import BatchItem, BatchState, Prompt, Reply, RequestError

PROMPT = Prompt("Which of 'Sadly Angry', 'Happily Surprised' is it?")
TAG = "run7"
NOW = 1_790_000_000.0


@pytest.fixture
def items(face):
    return [BatchItem(f"{TAG}-{number}", face + bytes([number]), PROMPT) for number in range(5)]


async def outcomes(claude, batch):
    return [row async for row in claude.results(batch)]


def whole(items, tag=TAG):
    """Submit, look until it has ended, read: the rows of the results."""

    async def work(claude):
        batch = await claude.submit(iter(items), tag)
        while not (await claude.poll(batch)).ended:
            await asyncio.sleep(0)
        return await outcomes(claude, batch)

    return work


def failing(work, kind):
    """work(claude), which must fail with a RequestError of that kind: the error."""

    async def checked(claude):
        with pytest.raises(RequestError) as caught:
            await work(claude)
        assert caught.value.kind == kind
        return caught.value

    return checked


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_every_item_gets_its_reply(server, run, items, http):
    rows = dict(run(server.url, whole(items), http=http))
    assert rows.keys() == {item.id for item in items}
    assert all(isinstance(row, Reply) and row.text and row.model for row in rows.values())
    images = {one.custom_id: one.image for one in server.requests if one.operation == "batch.item"}
    assert images == {item.id: hashlib.sha256(item.image).hexdigest() for item in items}


def test_an_item_asks_what_a_single_request_asks(server, run, items):
    async def both(claude):
        await claude.reply(items[0].image, PROMPT, None)
        await claude.submit(items[:1], TAG)

    run(server.url, both)
    single, item = (one for one in server.requests if one.operation in ("reply", "batch.item"))
    assert single.key == item.key


def test_a_batch_says_how_it_stands(server, run, items):
    server.behave(batch_polls=2)

    async def states(claude):
        batch = await claude.submit(items, TAG)
        return [await claude.poll(batch) for _ in range(2)]

    assert run(server.url, states) == [BatchState(False, 0, 5), BatchState(True, 5, 5)]


def test_what_becomes_of_an_item_is_told_by_kind(server, run, items):
    rules = [Rule(answer, on="batch.item", numbers=(number,)) for number, answer in enumerate(
        ["expired", "canceled", "bad-request", "overloaded", "refusal"], 1)]  # fmt: skip
    server.behave(rules=rules)
    rows = dict(run(server.url, whole(items)))
    expired, canceled, bad, overloaded, refusal = (rows[item.id] for item in items)
    assert [one.kind for one in (expired, canceled, bad, overloaded)] == ["timeout", "timeout", "bad_request",
                                                                         "overloaded"]  # fmt: skip
    assert str(expired) == "the batch expired first"
    assert str(canceled) == "the batch was canceled first"
    assert str(bad).startswith("invalid_request_error: ")
    assert refusal.stop_reason == "refusal"


def test_lost_and_doubled_results_are_shown_as_they_come(server, run, items):
    server.behave(rules=[Rule("lost", on="batch.item", numbers=(1,)), Rule("twice", on="batch.item", numbers=(2,))])
    ids = [item for item, _ in run(server.url, whole(items))]
    assert sorted(ids) == [f"{TAG}-{number}" for number in (1, 1, 2, 3, 4)]


@pytest.mark.parametrize("answer", ["drop-accepted", "reset-before", "overloaded", "quota", "malformed"])
def test_a_batch_that_is_not_accepted_is_an_error(server, run, items, answer):
    server.behave(rules=Rule(answer, on="batch.create"))
    kinds = {"overloaded": "overloaded", "quota": "quota", "malformed": "server"}
    run(server.url, failing(lambda claude: claude.submit(items, TAG), kinds.get(answer, "connection")))


def test_an_image_that_is_none_stops_the_batch_before_it_is_sent(server, run, items):
    wrong = BatchItem(f"{TAG}-9", b"BM", PROMPT)
    error = run(server.url, failing(lambda claude: claude.submit([*items, wrong], TAG), "bad_request"))
    assert "must be JPEG or PNG" in str(error)
    assert not server.requests


def test_a_batch_without_items_is_refused_by_the_provider(server, run):
    run(server.url, failing(lambda claude: claude.submit([], TAG), "bad_request"))


def test_a_big_batch_goes_over_the_disk_in_pieces(server, run, items, monkeypatch):
    monkeypatch.setattr(batches, "IN_MEMORY", 100)
    monkeypatch.setattr(batches, "CHUNK", 333)
    assert len(run(server.url, whole(items))) == len(items)


def test_a_batch_has_a_length_and_more_time_than_a_reply(listener, run, items):
    listener.answer = (200, {}, b'{"id": "msgbatch_1"}')
    assert run(listener.url, lambda claude: claude.submit(items, TAG), limits={"timeout": 5}) == "msgbatch_1"
    headers = {name.lower(): value for name, value in listener.headers[-1].items()}
    assert int(headers["content-length"]) == len(listener.bodies[-1])
    assert headers["x-stainless-timeout"] == str(batches.UPLOAD_TIMEOUT)
    assert [one["custom_id"] for one in listener.sent["requests"]] == [item.id for item in items]


# --- found again


def test_a_batch_whose_creation_was_not_confirmed_is_found_again(server, run, items):
    server.behave(rules=Rule("drop-accepted", on="batch.create"))
    began = time.time()

    async def crash_and_search(claude):
        with pytest.raises(RequestError):
            await claude.submit(items, TAG)
        batch = await claude.find(TAG, began, len(items))
        return batch, await outcomes(claude, batch)

    batch, rows = run(server.url, crash_and_search, batch_poll=0.01)
    assert batch
    assert {item for item, _ in rows} == {item.id for item in items}
    assert len([one for one in server.requests if one.operation == "batch.item"]) == len(items)


def test_a_batch_is_waited_for_until_it_can_be_told(server, run, items):
    server.behave(batch_polls=3)

    async def search(claude):
        return await claude.submit(items, TAG), await claude.find(TAG, time.time(), len(items))

    batch, found = run(server.url, search, batch_poll=0.01)
    assert batch == found
    assert len([one for one in server.requests if one.operation == "batch.retrieve"]) == 3


def test_batches_of_others_are_not_taken_for_ours(server, run, items, face):
    others = [BatchItem(f"other-{number}", face, PROMPT) for number in range(len(items))]
    longer = [BatchItem(f"{TAG}1-{number}", face, PROMPT) for number in range(len(items))]

    async def search(claude):
        ours = await claude.submit(items, TAG)
        await claude.submit(others, "other")
        await claude.submit(longer, f"{TAG}1")
        await claude.submit(items[:2], TAG)  # as many items as another batch of the same run
        since = time.time()
        return ours, await claude.find(TAG, since, len(items)), await claude.find("third", since, len(items))

    ours, found, third = run(server.url, search, batch_poll=0.01)
    assert ours == found
    assert third is None


def test_without_a_candidate_nobody_waits(server, run, items):
    server.behave(batch_polls=10**9)

    async def search(claude):
        nothing = await claude.find(TAG, time.time(), len(items))
        await claude.submit(items, TAG)
        return nothing, await claude.find(TAG, time.time(), 4), await claude.find(TAG, time.time() + 3600, 5)

    assert run(server.url, search, batch_poll=60) == (None, None, None)


def test_all_pages_of_the_list_are_searched(server, run, items, face, monkeypatch):
    monkeypatch.setattr(batches, "PAGE", 2)

    async def search(claude):
        ours = await claude.submit(items, TAG)
        for number in range(5):
            await claude.submit([BatchItem(f"o{number}-0", face, PROMPT)], f"o{number}")
        return ours, await claude.find(TAG, time.time(), len(items))

    ours, found = run(server.url, search, batch_poll=0.01)
    assert ours == found
    assert len([one for one in server.requests if one.operation == "batch.list"]) == 3


def listed(*rows, **more):
    return (200, {}, json.dumps({"data": list(rows), "has_more": False, **more}).encode())


def test_batches_that_are_kept_no_more_are_passed_over(listener, run):
    counts = {"processing": 0, "succeeded": 5}
    row = {"id": "msgbatch_1", "created_at": "2026-11-01T00:00:00Z", "processing_status": "ended",
           "archived_at": "2026-12-01T00:00:00Z", "request_counts": counts}  # fmt: skip
    listener.answer = listed(row)
    assert run(listener.url, lambda claude: claude.find(TAG, NOW, 5)) is None
    listener.answer = (200, {}, json.dumps(row).encode())
    state = run(listener.url, lambda claude: claude.poll("msgbatch_1"))
    assert state == BatchState(True, 5, 5, "its results were archived on 2026-12-01")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "the list of batches is no list"),
        (b'{"data": [{}]}', "an answer that is no batch"),
        (b'{"data": [{"request_counts": {}, "created_at": "yesterday"}]}', "a batch without a date of creation"),
        (b"{", "an answer of 1 bytes that is not JSON"),
    ],
)
def test_an_odd_list_is_the_servers_fault(listener, run, body, message):
    listener.answer = (200, {}, body)
    error = run(listener.url, failing(lambda claude: claude.find(TAG, NOW, 5), "server"))
    assert str(error) == message


# --- odd answers


def test_an_unknown_batch_does_not_speak_of_the_model(server, run):
    for work in (lambda claude: claude.poll("msgbatch_0"), lambda claude: outcomes(claude, "msgbatch_0")):
        error = run(server.url, failing(work, "bad_request"))
        assert "No batch found with id 'msgbatch_0'" in str(error)


@pytest.mark.parametrize("batch", ["", "../models", "a/b", "a?b"])
def test_what_is_no_id_of_a_batch_is_not_put_into_an_address(server, run, batch):
    error = run(server.url, failing(lambda claude: claude.poll(batch), "bad_request"))
    assert str(error) == f"{batch!r} is no id of a batch"
    assert not server.requests


def test_answers_that_name_no_batch_are_the_servers_fault(listener, run, items):
    listener.answer = (200, {}, b"{}")
    error = run(listener.url, failing(lambda claude: claude.submit(items, TAG), "server"))
    assert str(error) == "the answer to a batch names no batch"
    run(listener.url, failing(lambda claude: claude.poll("msgbatch_1"), "server"))


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [("drop-during", "connection"), ("reset-during", "connection"), ("drop-accepted", "connection"),
     ("never", "timeout"), ("overloaded", "overloaded"), ("malformed", "server")],
)  # fmt: skip
def test_results_that_break_off_are_an_error(server, run, items, http, answer, kind):
    async def work(claude):
        batch = await claude.submit(items, TAG)
        await claude.poll(batch)
        server.behave(rules=Rule(answer, on="batch.results"))
        await outcomes(claude, batch)

    run(server.url, failing(work, kind), http=http, limits={"timeout": 0.3})


def test_results_may_be_left_before_their_end(server, run, items):
    async def work(claude):
        batch = await claude.submit(items, TAG)
        await claude.poll(batch)
        rows = claude.results(batch)
        first = await anext(rows)
        await rows.aclose()
        return first, len(await outcomes(claude, batch))

    (item, reply), count = run(server.url, work)
    assert item.startswith(TAG)
    assert isinstance(reply, Reply)
    assert count == len(items)


def line(**result):
    return json.dumps({"custom_id": "run7-0", "result": result}).encode() + b"\n"


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        (line(type="new"), "server", "a result of an unknown kind: 'new'"),
        (line(type="succeeded", message={}), "server", "an answer that is no message"),
        (line(type="errored", error={}), "server", "error: None"),
        (line(type="errored", error={"request_id": "req_1", "error": {"type": "invalid_request_error",
              "message": "Your credit balance is too low"}}), "quota", "invalid_request_error: Your credit balance"),
    ],
)  # fmt: skip
def test_odd_results_are_errors_of_their_item(listener, run, row, kind, message):
    listener.answer = (200, {"content-type": "application/binary"}, row)
    ((item, error),) = run(listener.url, lambda claude: outcomes(claude, "msgbatch_1"))
    assert item == "run7-0"
    assert (error.kind, str(error)[: len(message)]) == (kind, message)


@pytest.mark.parametrize("body", [b"[]\n", b'{"result": {}}\n', b"{\n"])
def test_lines_that_name_no_item_are_the_servers_fault(listener, run, body):
    listener.answer = (200, {}, body)
    run(listener.url, failing(lambda claude: outcomes(claude, "msgbatch_1"), "server"))


def test_results_are_split_at_line_feeds_only(listener, run):
    said = "Sadly\u2028Angry\x85"
    message = {"content": [{"type": "text", "text": said}], "stop_reason": "end_turn", "id": "msg_1"}
    row = json.dumps({"custom_id": "a-0", "result": {"type": "succeeded", "message": message}}, ensure_ascii=False)
    listener.answer = (200, {}, f"{row}\n\n{row}".encode())  # the last line without its end
    rows = run(listener.url, lambda claude: outcomes(claude, "msgbatch_1"))
    assert [reply.text for _, reply in rows] == [said, said]


def test_results_are_read_from_the_address_of_the_options(listener, run):
    """Not from the results_url that a batch names: the key goes nowhere else."""
    listener.answer = (200, {}, b"")
    assert run(listener.url, lambda claude: outcomes(claude, "msgbatch_1")) == []
    assert listener.paths == ["/v1/messages/batches/msgbatch_1/results"]


def test_a_key_in_a_result_is_not_shown(listener, run, key):
    listener.answer = (200, {}, line(type="errored", error={"error": {"type": "api_error", "message": key}}))
    ((_, error),) = run(listener.url, lambda claude: outcomes(claude, "msgbatch_1"))
    assert str(error) == "api_error: ***"


def test_a_wrong_key_stops_a_batch(server, run, items):
    server.behave(rules=Rule(Answer(status=401), on="batch.create"))
    run(server.url, failing(lambda claude: claude.submit(items, TAG), "authentication"))
