"""A server on loopback that speaks Anthropic's and OpenAI's wire formats, and misbehaves on request.

For the tests of labelers and of whoever asks them, with the real SDKs and without a network:

    import anthropic
    from harness.testing.providers import Answer, ProviderServer, Rule

    async def main():
        with ProviderServer(latency=0.05, rules=[Rule("overloaded", numbers=(1,))]) as server:
            async with anthropic.AsyncAnthropic(api_key="test-key", base_url=server.url, max_retries=0) as claude:
                question = [{"role": "user", "content": "Is this 'Happy' or 'Sad'?"}]
                try:
                    await claude.messages.create(model="any", max_tokens=16, messages=question)
                except anthropic.OverloadedError:
                    reply = await claude.messages.create(model="any", max_tokens=16, messages=question)
                assert reply.content[0].text in ("Happy", "Sad")
                server.behave(rules=Answer("Neither."))
                reply = await claude.messages.create(model="any", max_tokens=16, messages=question)
                assert reply.content[0].text == "Neither."
        assert [one.outcome for one in server.replies] == ["error", "answered", "answered"]

What it speaks: messages, message batches, models (`server.url`); chat completions, responses, files, batches, models
(`server.openai_url`). It does not stream, and holds no conversation: it chooses one of the labels that a request names
(an enum of its schema, labels or quoted words in its text) by the hash of the image, or says what a rule tells it.

How it misbehaves: `Behaviour` lists all that can be set, as arguments of the server or later by `behave`; `Rule` says
when, `Answer` what; `ANSWERS` names the usual ones: rate-limit, quota, overloaded, drop-during, never, malformed,
truncated, refusal, twice ... A batch's items have rules of their own (`on="batch.item"`).

What it remembers: `server.requests`, each with its image's sha256, texts, times and outcome, and `server.counts`;
`answered_more_than(1, server.requests)` finds what was paid for twice. An answer counts once it is written to the
socket: a client that is killed within the next moment may not have read it.

`ProviderProcess` has the same face but runs in a process of its own, for clients that are killed and for measuring;
so does `python -m harness.testing.providers --port 8099`, where GET /_log, GET /_counts, POST /_behaviour (JSON) and
POST /_reset do what the methods do. For speed say `log=False, label="Sad"`: about 0.07 CPU seconds a thousand
requests instead of 0.2.
"""

from harness.testing.providers.behaviour import ANSWERS, Answer, Behaviour, Model, Rule, script
from harness.testing.providers.log import Counts, Request, answered_more_than
from harness.testing.providers.server import ProviderProcess, ProviderServer

__all__ = [
    "ANSWERS",
    "Answer",
    "Behaviour",
    "Counts",
    "Model",
    "ProviderProcess",
    "ProviderServer",
    "Request",
    "Rule",
    "answered_more_than",
    "script",
]
