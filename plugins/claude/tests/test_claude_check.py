import json

import pytest

from harness.testing.providers import Answer, Model, Rule
from harness.vlm import RequestError

THE_MODEL = "claude-haiku-5-5"


def check(claude):
    return claude.check()


def test_an_active_model_gives_no_warning(server, run):
    assert run(server.url, check) == []
    assert [one.operation for one in server.requests] == ["models.retrieve"]


def test_a_deprecated_model_gives_a_warning_with_its_last_day(server, run):
    server.behave(models=(Model(THE_MODEL, "deprecated", retires_at="2027-02-01T00:00:00Z"),))
    assert run(server.url, check) == [f"model {THE_MODEL} is deprecated and ends on 2027-02-01; choose another model"]
    server.behave(models=(Model(THE_MODEL, "deprecated"),))
    assert run(server.url, check) == [f"model {THE_MODEL} is deprecated and will end; choose another model"]


def test_a_retired_model_gives_a_warning_that_requests_will_fail(server, run):
    server.behave(models=(Model(THE_MODEL, "retired", retires_at="2026-02-01T00:00:00Z"),))
    (warning,) = run(server.url, check)
    assert warning == f"model {THE_MODEL} was retired on 2026-02-01: requests will fail; choose another model"


def test_an_unknown_model_is_an_error(server, run):
    server.behave(models=(Model("claude-other"),))
    with pytest.raises(RequestError, match="not_found_error: model: claude-haiku-5-5") as caught:
        run(server.url, check)
    assert caught.value.kind == "unknown_model"


def test_a_key_that_is_not_accepted_is_an_error(server, run):
    server.behave(api_key="another")
    with pytest.raises(RequestError, match="authentication_error"):
        run(server.url, check)


@pytest.mark.parametrize("answer", ["drop-before", "overloaded", "rate-limit", "html", "empty"])
def test_what_may_pass_is_left_to_the_requests(server, run, answer):
    server.behave(rules=Rule(answer, on="*"))
    assert run(server.url, check) == []


def test_a_server_without_a_list_of_models_is_no_error(listener, run):
    listener.answer = (404, {}, b'{"detail": "Not Found"}')
    assert run(listener.url, check) == []
    listener.answer = (200, {}, b"[]")
    assert run(listener.url, check) == []


@pytest.mark.parametrize(
    ("model", "warning"),
    [
        ("claude-sonnet-4-5", "model claude-sonnet-4-5 is deprecated; its end of life is November 30th, 2026; choose "
                              "another model"),
        ("claude-3-5-sonnet-20241022", "model claude-3-5-sonnet-20241022 is past its end of life: requests will fail; "
                                       "choose another model"),
    ],
)  # fmt: skip
def test_without_asking_the_sdk_still_knows_some_ends(server, run, model, warning):
    assert run(server.url, check, model=model, check_model=False) == [warning]
    assert not server.requests


def test_what_the_api_says_counts_more_than_the_sdk(server, run):
    assert run(server.url, check, model="claude-sonnet-4-5") == []


def test_a_model_id_is_one_part_of_the_path(listener, run):
    listener.answer = (200, {}, b"{}")
    run(listener.url, check, model="vendor/claude?x")
    assert listener.paths == ["/v1/models/vendor%2Fclaude%3Fx"]


def test_what_the_model_cannot_do_is_said(listener, run):
    lacking = {"supported": False}
    abilities = {"image_input": lacking, "batch": lacking, "structured_outputs": lacking}
    listener.answer = (200, {}, json.dumps({"lifecycle": "active", "capabilities": abilities}).encode())
    assert run(listener.url, check) == [f"model {THE_MODEL} takes no images"]
    assert run(listener.url, check, batch=True, answer="enum") == [
        f"model {THE_MODEL} takes no images",
        f"model {THE_MODEL} is not offered by the batch API",
        f"model {THE_MODEL} does not bind answers to a schema",
    ]


def test_a_model_that_cannot_be_kept_from_thinking_is_named(server, run):
    (warning,) = run(server.url, check, model="claude-opus-5-5")
    assert warning.startswith("model claude-opus-5-5 may think before each reply, at the price of output tokens")
    assert run(server.url, check, model="claude-opus-5-5", thinking="adaptive") == []


def test_an_unencrypted_address_elsewhere_is_named(run):
    assert run("http://api.example", check, check_model=False) == [
        "faces and the API key travel unencrypted to http://api.example"
    ]


def test_a_missing_key_is_found_before_the_first_face(run, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(RequestError, match="no API key: set the environment variable ANTHROPIC_API_KEY"):
        run("https://api.anthropic.com", check)


def test_the_message_of_a_warning_has_no_key(server, run, key):
    server.behave(rules=Rule(Answer(status=401, message=key), on="models.retrieve"))
    with pytest.raises(RequestError) as caught:
        run(server.url, check)
    assert key not in str(caught.value)
