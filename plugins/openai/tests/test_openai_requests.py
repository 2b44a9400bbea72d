"""One request after another through the real SDK, against a server that misbehaves."""

import asyncio
import math
import time
import traceback

import pytest
from harness_openai.labeler import OpenAI
from harness_openai.options import OpenAIOptions

from harness.errors import ConfigError
from harness.testing.providers import Answer, Model
from harness.vlm import Limits, Message, Prompt, Reply, RequestError, VisionLanguageModel

SCHEMA = {
    "type": "object", "properties": {"label": {"enum": ["Happily Surprised", "Sadly Angry"]}}, "required": ["label"],
    "additionalProperties": False,
}  # fmt: skip
both_apis = pytest.mark.parametrize("api", ["chat", "responses"])
both_transports = pytest.mark.parametrize("http", ["aiohttp", "httpx"])


@both_apis
@both_transports
def test_a_face_gets_a_reply(ask, server, api, http):
    reply = ask(api=api, http=http)
    assert reply.text in ("Happily Surprised", "Sadly Angry")
    assert (reply.stop_reason, reply.model, reply.logprob) == ("end", "gpt-x", None)
    assert reply.id
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


def test_the_server_gets_the_image_byte_for_byte(ask, server):
    from hashlib import sha256

    face = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    ask(image=face)
    (request,) = server.replies
    assert request.image == sha256(face).hexdigest()


@both_apis
def test_system_few_shot_and_two_step_prompts_arrive_in_order(ask, server, api):
    prompt = Prompt(
        "Which?", "You are terse.",
        before=(Message("user", "Example?", b"\xff\xd8\xff1"), Message("assistant", "b")),
        after=(Message("assistant", "Raised brows."), Message("user", "So?")),
    )  # fmt: skip
    assert isinstance(ask(prompt, api=api), Reply)
    assert server.replies[0].texts == ("You are terse.", "Example?", "b", "Which?", "Raised brows.", "So?")


@both_apis
def test_a_schema_is_obeyed_in_both_apis(ask, api):
    assert ask(schema=SCHEMA, api=api).text in ('{"label": "Happily Surprised"}', '{"label": "Sadly Angry"}')


@both_apis
def test_a_server_that_ignores_schemas_and_logprobs_still_answers(ask, server, api):
    server.behave(obeys=False)
    reply = ask(schema=SCHEMA, api=api, logprobs=True)
    assert reply.text in ("Happily Surprised", "Sadly Angry")
    assert reply.logprob is None


@both_apis
def test_logprobs_become_the_probability_of_the_reply(ask, api):
    assert 0.4 < math.exp(ask(api=api, logprobs=True).logprob) < 1


@both_apis
@pytest.mark.parametrize(
    ("answer", "stop"), [("refusal", "refusal"), ("content-filter", "refusal"), ("truncated", "length")]
)
def test_refusals_and_truncation_are_told_by_the_stop(ask, server, api, answer, stop):
    server.behave(rules=answer)
    reply = ask(api=api)
    assert reply.stop_reason == stop
    assert reply.detail
    assert bool(reply.text) == (answer != "content-filter")


def test_the_token_limit_is_the_servers(ask, server):
    server.behave(label="a very long answer that goes on and on")
    assert ask(max_tokens=2).stop_reason == "length"
    assert ask(max_tokens=2, preset="vllm").stop_reason == "length"


def test_another_model_than_asked_is_reported(ask, server):
    server.behave(rules="other-model")
    assert ask().model == "another-model-20260101"


@pytest.mark.parametrize(
    ("answer", "kind", "status", "message"),
    [
        ("rate-limit", "rate_limit", 429, "answers 429: Rate limit reached"),
        ("quota", "quota", 429, "answers 429: You exceeded your current quota"),
        (Answer(status=402, message="No credits."), "quota", 402, "answers 402: No credits."),
        ("bad-request", "bad_request", 400, "answers 400: Invalid request."),
        (Answer(status=400, code="content_policy_violation", message="Flagged."), "refused", 400, ": Flagged."),
        (Answer(status=400, code="moderation_blocked"), "refused", 400, "answers 400"),
        (Answer(status=400, message="foo is not a valid model ID"), "unknown_model", 400, "not a valid model ID"),
        (Answer(status=400, message="API key not valid."), "authentication", 400, "does not accept the API key in"),
        ("authentication", "authentication", 401, "the API key in OPENAI_API_KEY (401 invalid_api_key)"),
        ("permission", "authentication", 403, "does not accept the API key in OPENAI_API_KEY (403"),
        ("unknown-model", "unknown_model", 404, "answers 404: The model `gpt-x` does not exist"),
        ("too-large", "bad_request", 413, "answers 413: Request too large."),
        (Answer(status=422, message="Unprocessable."), "bad_request", 422, "answers 422: Unprocessable."),
        (Answer(status=408), "timeout", 408, "answers 408"),
        ("server-error", "server", 500, "answers 500: The server had an error"),
        ("bad-gateway", "server", 502, "answers 502: <html>"),
        ("unavailable", "server", 503, "answers 503: The engine is currently overloaded"),
        ("overloaded", "overloaded", 529, "answers 529: Overloaded."),
        (Answer(status=307), "unknown_model", 307, "answers with a redirect (307); images go nowhere but to base_url"),
    ],
)  # fmt: skip
def test_every_error_status_has_its_kind_and_is_sent_once(ask, server, answer, kind, status, message):
    server.behave(rules=answer)
    error = ask()
    assert isinstance(error, RequestError)
    assert (error.kind, error.status) == (kind, status)
    assert message in str(error)
    assert "\n" not in str(error)
    assert error.request_id
    assert len(server.replies) == 1


@pytest.mark.parametrize(("told", "seconds"), [(7, 7.0), (0.25, 0.25), (400, 400.0), (None, None), ("soon", None)])
def test_the_wish_to_be_left_alone_is_passed_on(ask, server, told, seconds):
    server.behave(rules=Answer(status=429, retry_after=told))
    assert ask().retry_after == seconds
    server.behave(rules=Answer(status=503, retry_after=told))
    assert ask().retry_after == seconds


@both_transports
@pytest.mark.parametrize("fault", ["drop-before", "reset-before", "drop-accepted", "drop-during", "reset-during"])
def test_a_lost_connection_is_a_connection_error(ask, server, fault, http):
    server.behave(rules=fault)
    error = ask(http=http)
    assert error.kind == "connection"
    assert f"the connection to {server.openai_url} failed: " in str(error)


@both_transports
def test_a_connection_that_closes_after_the_answer_does_no_harm(ask, server, http):
    server.behave(rules="drop-after")
    assert isinstance(ask(http=http), Reply)


@both_transports
def test_nobody_listening_is_a_connection_error(ask, http):
    assert ask(base_url="http://127.0.0.1:9/v1", http=http).kind == "connection"


@both_transports
def test_silence_is_a_timeout(ask, server, http):
    server.behave(rules="never")
    began = time.monotonic()
    error = ask(limits=Limits(timeout=0.2), http=http)
    assert error.kind == "timeout"
    assert "did not answer in time" in str(error)
    assert time.monotonic() - began < 2


@both_apis
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("malformed", "the server's answer is no JSON"), ("empty", "answered with an empty body"),
        ("html", "does base_url lead to the API?"),
    ],
)  # fmt: skip
def test_a_broken_body_is_the_servers_fault(ask, server, api, fault, message):
    server.behave(rules=fault)
    error = ask(api=api)
    assert error.kind == "server"
    assert message in str(error)


def test_a_wrong_path_stops_the_stage(ask, server):
    assert ask(base_url=f"{server.url}/v2").kind == "unknown_model"


# --- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_into_a_message(server, key, status):
    server.behave(rules=Answer(status=status, message=f"Incorrect API key provided: {key}."))

    async def one():
        model = OpenAI(OpenAIOptions(model="m", base_url=server.openai_url))
        try:
            await model.reply(b"\xff\xd8\xff", Prompt("?"), None)
        except RequestError:
            return traceback.format_exc() + repr(model)
        finally:
            await model.close()

    told = asyncio.run(one())
    assert key not in told
    assert "RequestError" in told


def test_a_server_that_knows_the_key_is_satisfied(ask, server, key):
    server.behave(api_key=key)
    assert isinstance(ask(), Reply)
    assert ask(api_key_env="ANOTHER_KEY_THAT_IS_NOT_SET").kind == "authentication"


def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(
        ConfigError,
        match="needs an API key for https://api.openai.com/v1: put it into the environment variable OPENAI_API_KEY",
    ):
        OpenAI(OpenAIOptions(model="m"))
    with pytest.raises(ConfigError, match="variable GEMINI_API_KEY"):
        OpenAI(OpenAIOptions(model="m", preset="gemini"))


def test_a_server_on_this_machine_needs_no_key(ask, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert isinstance(ask(), Reply)


def test_a_key_with_a_line_end_is_trimmed_and_one_with_odd_characters_is_refused(ask, server, key, monkeypatch):
    server.behave(api_key=key)
    monkeypatch.setenv("OPENAI_API_KEY", f"{key}\n")
    assert isinstance(ask(), Reply)
    monkeypatch.setenv("OPENAI_API_KEY", f"{key}é")
    with pytest.raises(ConfigError, match="the API key in OPENAI_API_KEY holds characters that no key has") as caught:
        ask()
    assert key not in str(caught.value)


# --- where faces go -----------------------------------------------------------------------------------------------


def test_no_environment_variable_and_no_proxy_comes_between_a_local_server_and_its_faces(ask, server, key, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer of-another-server")
    server.behave(api_key=key)
    assert isinstance(ask(), Reply)


def test_a_compatible_server_learns_nothing_of_this_machine_nor_of_the_organization(ask, server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    ask()
    names = set(server.replies[0].headers)
    assert not [name for name in names if name.startswith(("x-stainless", "openai-"))]
    assert "user-agent" in names


def test_a_redirect_is_not_followed(ask, server):
    async def redirecting():
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            where = f"{server.openai_url}/chat/completions"
            writer.write(f"HTTP/1.1 307 Elsewhere\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as elsewhere:
            port = elsewhere.sockets[0].getsockname()[1]
            return await asyncio.to_thread(ask, base_url=f"http://127.0.0.1:{port}/v1")

    error = asyncio.run(redirecting())
    assert (error.kind, error.status) == ("unknown_model", 307)
    assert server.requests == []


# --- many at a time -----------------------------------------------------------------------------------------------


@both_transports
def test_as_many_connections_are_open_as_the_limits_allow(server, http):
    server.behave(latency=0.8)

    async def many():
        limits = Limits(connections=130)
        model = OpenAI(OpenAIOptions(model="m", base_url=server.openai_url, http=http, limits=limits))
        asked = (model.reply(b"\xff\xd8\xff", Prompt("?"), None) for _ in range(130))
        try:
            return await asyncio.gather(*asked)
        finally:
            await model.close()

    assert len(asyncio.run(many())) == 130
    assert server.counts.most_at_once > 110  # 100 would be a transport's own limit


def test_cancellation_passes_through(server):
    server.behave(rules="never")

    async def cancelled():
        model = OpenAI(OpenAIOptions(model="m", base_url=server.openai_url))
        task = asyncio.create_task(model.reply(b"\xff\xd8\xff", Prompt("?"), None))
        await asyncio.sleep(0.1)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        finally:
            await model.close()

    assert asyncio.run(cancelled())


# --- the check before the first request ---------------------------------------------------------------------------


def warnings_of(server, model="gpt-x"):
    async def check():
        labeler = OpenAI(OpenAIOptions(model=model, base_url=server.openai_url))
        try:
            return list(await labeler.check())
        finally:
            await labeler.close()

    return asyncio.run(check())


def test_a_model_that_the_server_does_not_list_is_a_warning(server):
    server.behave(models=(Model("gpt-x"),))
    assert warnings_of(server) == []
    assert warnings_of(server, "gpt-y") == [
        f"{server.openai_url} does not list the model 'gpt-y'; it is asked all the same"
    ]


@pytest.mark.parametrize("answer", ["server-error", "authentication", "drop-before", "malformed", "html", "empty"])
def test_a_server_without_a_list_of_models_gives_no_warning(server, answer):
    from harness.testing.providers import Rule

    server.behave(rules=(Rule(answer, on="models.list"),))
    assert warnings_of(server) == []


def test_the_labeler_is_a_vision_language_model():
    async def made():
        labeler = OpenAI(OpenAIOptions(model="m"))
        await labeler.close()
        return isinstance(labeler, VisionLanguageModel)

    assert asyncio.run(made())
