"""The SDK's client: its key, its transport, and where it may not go."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import httpx2
import openai

from harness.errors import ConfigError
from harness.vlm import is_loopback
from harness_openai.options import OpenAIOptions

NO_KEY = "none"  # local servers take any; the SDK insists on one

# What the SDK tells every server about this machine; leaving it out also saves a tenth of a request's CPU time.
PLAIN: dict[str, openai.Omit] = dict.fromkeys(
    (
        "X-Stainless-Lang", "X-Stainless-Package-Version", "X-Stainless-OS", "X-Stainless-Arch", "X-Stainless-Runtime",
        "X-Stainless-Runtime-Version", "X-Stainless-Async", "x-stainless-retry-count", "x-stainless-read-timeout",
    ),
    openai.Omit(),
)  # fmt: skip


def api_key(options: OpenAIOptions) -> str:
    """The key from the environment; ConfigError without one, except for servers on this machine."""
    variable = options.key_variable
    key = os.environ.get(variable, "").strip()
    if not key and options.remote:
        raise ConfigError(
            f"labeler 'openai' needs an API key for {options.destination()}: put it into the environment variable "
            f"{variable} (option api_key_env names another)"
        )
    if not all("!" <= character <= "~" for character in key):
        raise ConfigError(f"the API key in {variable} holds characters that no key has; set it again")
    return key or NO_KEY


def connect(options: OpenAIOptions, key: str) -> openai.AsyncOpenAI:
    """A client that tries once, follows no redirect, and reaches loopback servers without a proxy."""
    server = options.destination()
    limits = options.limits
    transport = openai.DefaultAioHttpClient if options.http == "aiohttp" else openai.DefaultAsyncHttpxClient
    client = openai.AsyncOpenAI(
        api_key=key,
        base_url=server,
        max_retries=0,
        timeout=limits.timeout,
        # An explicit header wins over one that OPENAI_CUSTOM_HEADERS may hold for another server.
        default_headers={"Authorization": f"Bearer {key}"},
        http_client=transport(
            timeout=limits.timeout,
            follow_redirects=False,
            trust_env=not is_loopback(server),
            # Servers close idle connections after 5 s: stop using them a little earlier.
            limits=httpx2.Limits(
                max_connections=limits.connections + 8,
                max_keepalive_connections=limits.connections + 8,
                keepalive_expiry=4.0,
            ),
        ),
    )
    if not (urlsplit(server).hostname or "").endswith(".openai.com"):
        client.organization = client.project = None  # read from the environment, meant for OpenAI alone
    return client
