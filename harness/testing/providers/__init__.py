"""A server on loopback that speaks the wire formats of Anthropic and OpenAI, and misbehaves on request."""

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
