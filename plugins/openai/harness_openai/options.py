"""Options of the labeler `openai`; importing them loads nothing but pydantic."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from harness import vlm
from harness.errors import nearest
from harness_openai.image_tokens import image_tokens
from harness_openai.presets import PRESETS, Preset

# Fields of a request's body that options or the engine decide; more of them may not come in by extra_body.
OWN_FIELDS = frozenset(
    {"model", "messages", "input", "instructions", "stream", "n", "response_format", "text", "store"}
)
MOST_BATCH_REQUESTS, MOST_BATCH_MEGABYTES = 50_000, 200.0  # of one batch, as OpenAI documents them


class OpenAIOptions(vlm.BatchOptions):
    """A model behind OpenAI's API, or behind a server that speaks it."""

    without_effect: ClassVar[frozenset[str]] = vlm.BatchOptions.without_effect | {"api_key_env", "http"}

    preset: str = Field("openai", description=f"kind of server: {', '.join(PRESETS)}")
    base_url: str | None = Field(None, description="where the server listens; none: where the preset says")
    api_key_env: str | None = Field(
        None, description="environment variable that holds the API key; none: the preset's (never the key itself)"
    )
    api: Literal["chat", "responses"] = Field("chat", description="which API: chat completions or responses")
    detail: Literal["low", "high", "original", "auto"] = Field(
        "high", description="how closely an image is read; 'low' may shrink it. Not sent where the preset has none"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of a reply, those of its reasoning included")
    temperature: float | None = Field(None, ge=0, le=2, description="sampling temperature; none: the model's own")
    sampling_seed: int | None = Field(None, description="seed of the sampling, a best effort; none: not sent")
    reasoning_effort: str | None = Field(
        None, description="how much a reasoning model thinks, e.g. 'none' or 'low'; none: the model's own"
    )
    logprobs: bool = Field(False, description="ask for log-probabilities: the confidence of a reply")
    json_schema: bool | None = Field(
        None, description="whether the server binds answers to a JSON schema; none: as the preset says"
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="more fields of the request, as the server spells them"
    )
    http: Literal["aiohttp", "httpx"] = Field("aiohttp", description="transport; aiohttp needs less time of the CPU")

    @field_validator("preset")
    @classmethod
    def _known(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError(f"preset {preset!r} is not known{nearest(preset, PRESETS)}")
        return preset

    @field_validator("base_url")
    @classmethod
    def _plain(cls, url: str | None) -> str | None:
        """A base URL stands in records and error messages: nothing secret may be in it."""
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must look like https://host/v1")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ValueError("base_url must hold no user, password or query; name the key's variable in api_key_env")
        return url.rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _additional(cls, fields: dict[str, Any]) -> dict[str, Any]:
        if own := sorted(OWN_FIELDS & fields.keys()):
            raise ValueError(f"extra_body may not set {', '.join(own)}: other options or the prompt set decide that")
        return fields

    @model_validator(mode="after")
    def _able(self) -> OpenAIOptions:
        server, name = self.server, self.preset
        if self.logprobs and not server.logprobs:
            raise ValueError(f"servers of preset {name!r} give no log-probabilities; leave out logprobs")
        if self.sampling_seed is not None and not server.seed:
            raise ValueError(f"servers of preset {name!r} take no seed; leave out sampling_seed")
        if self.sampling_seed is not None and self.api == "responses":
            raise ValueError("the responses API takes no seed; leave out sampling_seed or set api = 'chat'")
        if self.batch and not server.batch:
            raise ValueError(f"servers of preset {name!r} have no batch API; leave out batch")
        if self.batch_requests > MOST_BATCH_REQUESTS or self.batch_megabytes > MOST_BATCH_MEGABYTES:
            raise ValueError(f"a batch holds at most {MOST_BATCH_REQUESTS} requests and {MOST_BATCH_MEGABYTES:.0f} MB")
        return self

    @property
    def server(self) -> Preset:
        """What is known of the server's kind."""
        return PRESETS[self.preset]

    @property
    def structured(self) -> bool:
        """Whether a JSON schema is sent along where the prompt set has one."""
        return self.server.json_schema if self.json_schema is None else self.json_schema

    @property
    def key_variable(self) -> str:
        """The environment variable with the API key."""
        return self.api_key_env or self.server.key

    def destination(self) -> str:
        """The base URL in effect."""
        return self.base_url or self.server.base_url

    def asking(self) -> dict[str, Any]:
        """The answerer: what is sent and to whom, with the preset resolved, so that its name re-asks nobody."""
        facts = {
            "model": self.model,
            "base_url": self.destination(),
            "api": self.api,
            "detail": self.detail if self.server.detail else None,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "sampling_seed": self.sampling_seed,
            "reasoning_effort": self.reasoning_effort,
            "logprobs": self.logprobs or None,
            "json_schema": self.structured,
            "extra_body": self.extra_body or None,
        }
        return {name: value for name, value in facts.items() if value is not None}

    def facts(self) -> dict[str, Any]:
        """What the preset's name stands for in this version."""
        return {"base_url": self.destination(), "json_schema": self.structured, "detail": self.server.detail}

    def image_tokens(self, width: int, height: int) -> int | None:
        """OpenAI's published formula for the models that it names; None for all others."""
        host = urlsplit(self.destination()).hostname or ""
        if host != "openai.com" and not host.endswith(".openai.com"):
            return None
        return image_tokens(self.model, self.detail, width, height)
