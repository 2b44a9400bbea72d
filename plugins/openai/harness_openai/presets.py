"""Servers that speak OpenAI's wire format: where they listen and what they can do.

A flag is false where a server refuses a field, or is known to accept and ignore it: then it is not sent at all, so
that a record never claims what did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Preset:
    """One kind of server.

    base_url    where its documentation says it listens
    key         environment variable that holds its API key
    json_schema answers bound to a JSON schema
    logprobs    log-probabilities of the reply's tokens
    seed        a sampling seed
    detail      the level of detail at which an image is read
    batch       the files and batches API
    store       the field that forbids keeping the request for later retrieval
    streams     streams responses unless told not to
    max_tokens  how chat completions name the limit of a reply's tokens
    """

    base_url: str
    key: str
    json_schema: bool = True
    logprobs: bool = True
    seed: bool = True
    detail: bool = False
    batch: bool = False
    store: bool = False
    streams: bool = False
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        "https://api.openai.com/v1", "OPENAI_API_KEY",
        detail=True, batch=True, store=True, max_tokens="max_completion_tokens",
    ),
    "vllm": Preset("http://127.0.0.1:8000/v1", "VLLM_API_KEY"),
    "sglang": Preset("http://127.0.0.1:30000/v1", "SGLANG_API_KEY"),
    "ollama": Preset("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
    "llama.cpp": Preset("http://127.0.0.1:8080/v1", "LLAMA_API_KEY"),
    "lm-studio": Preset("http://127.0.0.1:1234/v1", "LM_STUDIO_API_KEY", logprobs=False),
    "tgi": Preset("http://127.0.0.1:8080/v1", "TGI_API_KEY", json_schema=False),
    "transformers-serve": Preset(
        "http://127.0.0.1:8000/v1", "TRANSFORMERS_API_KEY", json_schema=False, logprobs=False, streams=True
    ),
    "gemini": Preset(
        "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", logprobs=False, seed=False
    ),
    "openrouter": Preset("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", detail=True),
    "mistral": Preset("https://api.mistral.ai/v1", "MISTRAL_API_KEY", logprobs=False, seed=False),
}  # fmt: skip
