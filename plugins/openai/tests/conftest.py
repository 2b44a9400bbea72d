import asyncio

import pytest
from harness_openai.labeler import OpenAI
from harness_openai.options import OpenAIOptions

from harness.testing.providers import ProviderServer
from harness.vlm import Limits, Prompt, RequestError

KEY = "sk-secret-0123456789abcdef"
FACE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
PROMPT = Prompt("Which one: 'Happily Surprised' or 'Sadly Angry'?")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture(scope="module")
def running():
    with ProviderServer() as server:
        yield server


@pytest.fixture
def server(running):
    """A provider on loopback that behaves, for one test."""
    running.behave(rules=(), label=None, api_key=None, models=None, obeys=True, latency=0.0, batch_polls=1)
    running.reset()
    return running


@pytest.fixture
def ask(server):
    """ask(prompt, schema, **options): the Reply, or the RequestError."""

    def once(prompt=PROMPT, schema=None, image=FACE, limits=None, **options):
        async def one():
            model = OpenAI(
                OpenAIOptions(
                    **{"model": "gpt-x", "base_url": server.openai_url, "limits": limits or Limits(timeout=5)} | options
                )
            )
            try:
                return await model.reply(image, prompt, schema)
            except RequestError as error:
                return error
            finally:
                await model.close()

        return asyncio.run(one())

    return once
