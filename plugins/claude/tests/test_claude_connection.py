import asyncio

import pytest
from harness_claude.connection import NO_KEY, SPARE, Connection, api_key
from harness_claude.labeler import Claude
from harness_claude.options import ClaudeOptions

from harness.vlm import Prompt, RequestError

PROMPT = Prompt("Which of 'Sad', 'Angry' is it?")


def bearer(listener):
    return {name.lower(): value for name, value in listener.headers[-1].items()}["authorization"]


def ask(face):
    return lambda claude: claude.reply(face, PROMPT, None)


def test_the_key_of_the_environment_is_sent(listener, run, face, key):
    run(listener.url, ask(face))
    assert bearer(listener) == f"Bearer {key}"


def test_another_variable_can_hold_the_key(listener, run, face, monkeypatch):
    monkeypatch.setenv("LAB_KEY", " sk-lab \n")
    run(listener.url, ask(face), api_key_env="LAB_KEY")
    assert bearer(listener) == "Bearer sk-lab"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_one_line_that_names_the_variable(monkeypatch, run, face, value):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    if value is not None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", value)
    with pytest.raises(RequestError) as caught:
        run("https://api.anthropic.com", ask(face))
    assert caught.value.kind == "authentication"
    assert str(caught.value) == "no API key: set the environment variable ANTHROPIC_API_KEY (option api_key_env)"


@pytest.mark.parametrize("value", ["sk-a b", "sk-\x00", "sk-ü", "sk-a\nX-Evil: 1"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(monkeypatch, value):
    if "\x00" in value:
        value = "sk-\x01"  # no environment holds a zero byte
    monkeypatch.setenv("ANTHROPIC_API_KEY", value)
    with pytest.raises(RequestError, match="ANTHROPIC_API_KEY holds no API key") as caught:
        api_key(ClaudeOptions())
    assert value not in str(caught.value)


def test_a_loopback_server_needs_no_key_and_gets_no_other(listener, run, face, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "a-token-of-someone")
    run(listener.url, ask(face))
    assert bearer(listener) == f"Bearer {NO_KEY}"


def test_the_environment_redirects_nothing(listener, another_listener, run, face, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", another_listener.url)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, another_listener.url)
    monkeypatch.delenv("no_proxy", raising=False)
    for http in ("aiohttp", "httpx"):
        run(listener.url, ask(face), http=http)
    assert len(listener.paths) == 2
    assert not another_listener.paths


def test_a_proxy_of_the_environment_is_used_for_servers_elsewhere(listener, run, face, monkeypatch):
    monkeypatch.setenv("http_proxy", listener.url)
    for http in ("aiohttp", "httpx"):
        run("http://api.example", ask(face), http=http)
    assert listener.paths == ["http://api.example/v1/messages"] * 2


def test_nothing_is_reported_to_a_collector(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")

    async def traces():
        connection = Connection(ClaudeOptions())
        try:
            return connection.client.open_telemetry["traces"]
        finally:
            await connection.close()

    assert asyncio.run(traces())["enabled"] is False


def test_nothing_shows_the_key(key):
    async def shown():
        claude = Claude(ClaudeOptions())
        client = claude._connection.client
        text = repr(claude) + repr(claude._connection) + repr(claude.options) + repr(client) + str(vars(claude))
        await claude.close()
        return text

    assert key not in asyncio.run(shown())


@pytest.mark.parametrize("http", ["aiohttp", "httpx"])
def test_there_are_as_many_connections_as_the_limits_allow(server, run, face, http):
    server.behave(latency=0.3)

    async def many(claude):
        return await asyncio.gather(*(claude.reply(face, PROMPT, None) for _ in range(130)))

    assert len(run(server.url, many, http=http, limits={"connections": 130})) == 130
    assert server.counts.most_at_once == 130  # more than the default pools of the libraries


def test_the_pool_has_room_beside_the_replies(server, run, face):
    server.behave(latency=0.2)

    async def many(claude):
        return await asyncio.gather(*(claude.reply(face, PROMPT, None) for _ in range(12)))

    run(server.url, many, limits={"connections": 2})
    assert server.counts.most_at_once == 2 + SPARE


def test_connections_are_used_again(server, run, face):
    async def one_by_one(claude):
        for _ in range(5):
            await claude.reply(face, PROMPT, None)

    run(server.url, one_by_one)
    assert server.counts.connections == 1


def test_closing_twice_or_unused_does_no_harm():
    async def closed():
        claude = Claude(ClaudeOptions())
        await claude.close()
        await claude.close()

    asyncio.run(closed())
