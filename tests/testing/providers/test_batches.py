"""Batches of both providers, end to end through the real SDKs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from harness.testing.providers import Behaviour, ProviderServer, Rule, answered_more_than

Talk = Callable[..., Any]
QUESTION = [{"role": "user", "content": "'Sad', 'Happy' or 'Angry'?"}]
FATES = [
    Rule("twice", on="batch.item", numbers=(1,)),
    Rule("lost", on="batch.item", numbers=(2,)),
    Rule("expired", on="batch.item", numbers=(3,)),
    Rule("server-error", on="batch.item", numbers=(4,)),
    Rule("truncated", on="batch.item", numbers=(5,)),
]
BOTH = pytest.mark.parametrize("aiohttp", [True, False], ids=["aiohttp", "httpx2"])


def rows(count: int, tag: str = "tag") -> list[Any]:
    params = {"model": "a-model", "max_tokens": 9, "messages": QUESTION}
    return [{"custom_id": f"{tag}-{number}", "params": params} for number in range(1, count + 1)]


def lines(count: int, endpoint: str = "/v1/chat/completions", **changes: Any) -> bytes:
    body = {"model": "a-model", "messages": QUESTION}
    if endpoint == "/v1/responses":
        body = {"model": "a-model", "input": QUESTION}
    each = [
        {"custom_id": f"tag-{number}", "method": "POST", "url": endpoint, "body": body} | changes
        for number in range(1, count + 1)
    ]
    return b"".join(json.dumps(one).encode() + b"\n" for one in each)


async def submit(gpt: openai.AsyncOpenAI, content: bytes, endpoint: Any = "/v1/chat/completions", **more: Any) -> Any:
    file = await gpt.files.create(file=("batch.jsonl", content), purpose="batch")
    return await gpt.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)


@BOTH
def test_a_message_batch_from_creation_to_results(server: ProviderServer, talk: Talk, aiohttp: bool) -> None:
    server.behave(batch_polls=2, rules=FATES)

    async def work(claude: anthropic.AsyncAnthropic, _: openai.AsyncOpenAI) -> None:
        batch = await claude.messages.batches.create(requests=rows(6))
        assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 6)
        with pytest.raises(anthropic.AnthropicError, match="results_url"):
            await claude.messages.batches.results(batch.id)
        assert (await claude.messages.batches.retrieve(batch.id)).processing_status == "ended"
        batch = await claude.messages.batches.retrieve(batch.id)
        counts = batch.request_counts
        assert (counts.succeeded, counts.errored, counts.expired, counts.processing) == (4, 1, 1, 0)
        got = [(row.custom_id, row.result) async for row in await claude.messages.batches.results(batch.id)]
        assert [name for name, _ in got] == ["tag-6", "tag-5", "tag-4", "tag-3", "tag-1", "tag-1"]
        by_name = dict(got)
        assert by_name["tag-3"].type == "expired"
        assert by_name["tag-4"].type == "errored"
        assert by_name["tag-4"].error.error.type == "api_error"
        assert by_name["tag-5"].type == "succeeded"
        assert by_name["tag-5"].message.stop_reason == "max_tokens"
        assert by_name["tag-6"].type == "succeeded"
        assert by_name["tag-6"].message.content[0].text in ("Sad", "Happy", "Angry")
        assert by_name["tag-6"].message.usage.service_tier == "batch"

    talk(work, aiohttp=aiohttp)
    items = [one for one in server.requests if one.operation == "batch.item"]
    assert [one.outcome for one in items] == ["answered", "broken", "error", "error", "answered", "answered"]
    assert items[0].texts == (QUESTION[0]["content"],)


@BOTH
@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses"])
def test_an_openai_batch_from_upload_to_files(server: ProviderServer, talk: Talk, endpoint: str, aiohttp: bool) -> None:
    server.behave(batch_polls=2, rules=FATES)

    async def work(_: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        batch = await submit(gpt, lines(6, endpoint), endpoint, metadata={"tag": "tag"})
        assert batch.status == "validating"
        assert (await gpt.batches.retrieve(batch.id)).status == "in_progress"
        batch = await gpt.batches.retrieve(batch.id)
        assert (batch.status, batch.metadata) == ("expired", {"tag": "tag"})
        assert (batch.request_counts.completed, batch.request_counts.failed, batch.request_counts.total) == (4, 2, 6)
        assert batch.usage.input_tokens > 0
        output, errors = [
            [json.loads(line) for line in (await gpt.files.content(name)).text.splitlines()]
            for name in (batch.output_file_id, batch.error_file_id)
        ]
        assert [row["custom_id"] for row in output] == ["tag-6", "tag-5", "tag-1", "tag-1"]
        assert output[0]["response"]["body"]["object"] in ("chat.completion", "response")
        failed, expired = errors
        assert (failed["custom_id"], failed["response"]["status_code"]) == ("tag-4", 500)
        assert (expired["custom_id"], expired["error"]["code"]) == ("tag-3", "batch_expired")

    talk(work, aiohttp=aiohttp)


def test_every_item_can_expire(server: ProviderServer, talk: Talk) -> None:
    server.behave(rules=Rule("expired", on="batch.item"))

    async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        batch = await claude.messages.batches.create(requests=rows(3))
        batch = await claude.messages.batches.retrieve(batch.id)
        assert batch.request_counts.expired == 3
        other = await submit(gpt, lines(3))
        other = await gpt.batches.retrieve(other.id)
        assert (other.status, other.output_file_id) == ("expired", None)
        assert len((await gpt.files.content(other.error_file_id)).text.splitlines()) == 3

    talk(work)


def test_a_batch_ends_after_seconds_too(server: ProviderServer, talk: Talk) -> None:
    server.behave(batch_polls=0, batch_seconds=60)

    async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        batch = await claude.messages.batches.create(requests=rows(1))
        for _ in range(3):
            assert (await claude.messages.batches.retrieve(batch.id)).processing_status == "in_progress"
        server.behave(batch_seconds=0)
        assert (await claude.messages.batches.retrieve(batch.id)).processing_status == "ended"
        assert (await submit(gpt, lines(1))).status == "completed"

    talk(work)


@pytest.mark.parametrize("fault", ["drop-accepted", "drop-during", "drop-before"])
def test_a_batch_whose_creation_was_never_confirmed_can_be_found(
    server: ProviderServer, talk: Talk, fault: str
) -> None:
    server.behave(rules=Rule(fault, on="batch.create"))
    made = fault != "drop-before"

    async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        with pytest.raises(anthropic.APIConnectionError):
            await claude.messages.batches.create(requests=rows(2))
        with pytest.raises(openai.APIConnectionError):
            await submit(gpt, lines(2), metadata={"tag": "lost one"})
        found = [batch async for batch in claude.messages.batches.list()]
        assert [batch.request_counts.processing for batch in found] == [2] * made
        others = [batch async for batch in gpt.batches.list()]
        assert [batch.metadata for batch in others] == [{"tag": "lost one"}] * made

    talk(work)
    assert len([one for one in server.requests if one.operation == "batch.item"]) == 4 * made


def test_lists_come_in_pages_newest_first(server: ProviderServer, talk: Talk) -> None:
    async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        names = [(await claude.messages.batches.create(requests=rows(1))).id for _ in range(5)]
        assert [one.id async for one in claude.messages.batches.list(limit=2)] == names[::-1]
        page = await claude.messages.batches.list(limit=2, before_id=names[0])
        assert [one.id for one in page.data] == [names[2], names[1]]
        others = [(await submit(gpt, lines(1))).id for _ in range(3)]
        assert [one.id async for one in gpt.batches.list(limit=2)] == others[::-1]
        assert len([one async for one in gpt.files.list(purpose="batch", limit=2)]) == 3

    talk(work)


def test_a_canceled_batch_answers_nothing_more(server: ProviderServer, talk: Talk) -> None:
    server.behave(batch_polls=9)

    async def work(claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        batch = await claude.messages.batches.create(requests=rows(2))
        assert (await claude.messages.batches.cancel(batch.id)).processing_status == "canceling"
        batch = await claude.messages.batches.retrieve(batch.id)
        assert (batch.processing_status, batch.request_counts.canceled) == ("ended", 2)
        other = await submit(gpt, lines(2))
        assert (await gpt.batches.cancel(other.id)).status == "cancelling"
        other = await gpt.batches.retrieve(other.id)
        assert (other.status, other.output_file_id) == ("cancelled", None)
        assert "batch_cancelled" in (await gpt.files.content(other.error_file_id)).text

    talk(work)
    assert answered_more_than(0, server.requests) == {}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ([], "1 to 100000"),
        (rows(1) + rows(1), "unique"),
        (rows(1, "not an id"), "custom_id"),
        ([{"custom_id": "a", "params": 1}], "params"),
        ([{"params": {}}], "Field required"),
    ],
)
def test_a_message_batch_that_cannot_be_is_refused(talk: Talk, wrong: list[Any], complaint: str) -> None:
    async def work(claude: anthropic.AsyncAnthropic, _: openai.AsyncOpenAI) -> None:
        with pytest.raises(anthropic.BadRequestError, match=complaint):
            await claude.messages.batches.create(requests=wrong)

    talk(work)


def test_a_bad_request_of_a_batch_is_an_errored_item(talk: Talk) -> None:
    async def work(claude: anthropic.AsyncAnthropic, _: openai.AsyncOpenAI) -> None:
        requests: list[Any] = [{"custom_id": "a", "params": {"model": "m", "messages": QUESTION}}]
        batch = await claude.messages.batches.create(requests=requests)
        await claude.messages.batches.retrieve(batch.id)
        results = [row async for row in await claude.messages.batches.results(batch.id)]
        assert results[0].result.type == "errored"
        assert results[0].result.error.error.type == "invalid_request_error"

    talk(work)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lines(2) + lines(1), "duplicate_custom_id"),
        (b"{\n", "invalid_json_line"),
        (lines(1, "/v1/responses"), "mismatched_url"),
        (lines(1, body={"model": "b"}) + lines(2, body={"model": "c"}), "mismatched_model"),
        (b"\n", "invalid_json_line"),
    ],
)
def test_a_bad_input_file_fails_the_batch_later(talk: Talk, content: bytes, code: str) -> None:
    async def work(_: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        batch = await submit(gpt, content)
        assert batch.status == "validating"
        batch = await gpt.batches.retrieve(batch.id)
        assert batch.status == "failed"
        assert code in [problem.code for problem in batch.errors.data]

    talk(work)


def test_a_batch_of_an_unknown_file_endpoint_or_metadata_is_refused(talk: Talk) -> None:
    async def work(_: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="No such File"):
            await gpt.batches.create(input_file_id="file_x", endpoint="/v1/chat/completions", completion_window="24h")
        with pytest.raises(openai.BadRequestError, match="Supported values"):
            await submit(gpt, lines(1), "/v1/embeddings")
        with pytest.raises(openai.BadRequestError, match="metadata"):
            await submit(gpt, lines(1), metadata={"tag": "x" * 513})
        with pytest.raises(openai.NotFoundError, match="No batch"):
            await gpt.batches.retrieve("batch_x")
        file = await gpt.files.create(file=("notes.txt", b"x"), purpose="user_data")
        with pytest.raises(openai.BadRequestError, match="purpose"):
            await gpt.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")

    talk(work)


@BOTH
def test_files_are_kept_byte_for_byte(talk: Talk, aiohttp: bool) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--boundary\r\n\r\n"

    async def work(_: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI) -> None:
        file = await gpt.files.create(file=("ä face.jsonl", content), purpose="batch")
        assert file.bytes == len(content)
        assert (await gpt.files.retrieve(file.id)).purpose == "batch"
        assert (await gpt.files.content(file.id)).content == content
        assert (await gpt.files.delete(file.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await gpt.files.content(file.id)

    talk(work, aiohttp=aiohttp)


def test_behaviour_of_batches_survives_json() -> None:
    written = json.loads(json.dumps(Behaviour().changed({"rules": FATES}).as_dict()))
    assert Behaviour().changed(written).rules == tuple(FATES)
