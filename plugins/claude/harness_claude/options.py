"""Options of the labeler `claude`; importing them loads nothing but pydantic."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from harness.vlm import BatchOptions
from harness_claude.models import image_tokens, no_thinking


class ClaudeOptions(BatchOptions):
    """Claude through the Messages API, or through Message Batches."""

    without_effect: ClassVar[frozenset[str]] = BatchOptions.without_effect | {
        "api_key_env", "prompt_cache", "service_tier", "http", "check_model",
    }  # fmt: skip

    model: str = Field(
        "claude-haiku-5-5",
        min_length=1,
        description="model id; claude-haiku-5-5 is made for classifying in bulk and costs a tenth of the one before it",
    )
    max_tokens: int = Field(1024, ge=1, description="most tokens of a reply, thinking included")
    thinking: Literal["off", "default", "adaptive"] = Field(
        "off",
        description="off: no thinking first, as far as the model allows that; adaptive: as much as the model finds "
        "right; default: what the model does when nothing is said",
    )
    effort: Literal["default", "low", "medium", "high", "xhigh", "max"] = Field(
        "default", description="how much a thinking model puts into a reply; default: the model's own"
    )
    structured: Literal["output_config", "tool"] = Field(
        "output_config",
        description="how a JSON answer is asked for: as output format, or as the input of a tool that must be called "
        "(for compatible servers without the former)",
    )
    base_url: str = Field(
        "https://api.anthropic.com", description="address of the API, without /v1; environment variables change nothing"
    )
    api_key_env: str = Field(
        "ANTHROPIC_API_KEY", min_length=1, description="environment variable with the API key; a loopback server "
        "needs none"
    )  # fmt: skip
    prompt_cache: Literal["auto", "1h", "off"] = Field(
        "auto",
        description="mark few-shot examples and long system prompts for the provider's prompt cache, kept 5 minutes "
        "(auto) or an hour",
    )
    service_tier: Literal["auto", "standard_only"] = Field(
        "auto", description="auto: priority capacity where you have it"
    )
    http: Literal["aiohttp", "httpx"] = Field("aiohttp", description="HTTP library; aiohttp takes less CPU")
    check_model: bool = Field(True, description="look at the model's life cycle before the first request")

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http:// or https:// address with a host")
        if parts.username or parts.password:
            raise ValueError("must not hold a user name or password: they would show in records")
        if parts.query or parts.fragment:
            raise ValueError("must have no query and no fragment")
        return url.rstrip("/").removesuffix("/v1").rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> ClaudeOptions:
        if self.thinking == "off" and self.effort in ("xhigh", "max"):
            raise ValueError(f"effort = {self.effort!r} needs thinking = 'adaptive'")
        if self.batch_requests > 100_000:
            raise ValueError("batch_requests: Anthropic takes at most 100000 requests a batch")
        if self.batch_megabytes > 256:
            raise ValueError("batch_megabytes: Anthropic takes at most 256 megabytes a batch")
        return self

    def thinking_type(self) -> str | None:
        """What is sent as `thinking.type`, or None for nothing."""
        return {"off": no_thinking(self.model), "default": None, "adaptive": "adaptive"}[self.thinking]

    def asking(self) -> dict[str, Any]:
        """What identifies the answerer in the key of a reply: as sent, so that two ways to say the same are one."""
        return {**super().asking(), "thinking": self.thinking_type()}

    def destination(self) -> str:
        """The URL that images go to."""
        return self.base_url

    def image_tokens(self, width: int, height: int) -> int:
        """Visual tokens of an image of width x height pixels, by the documented rule."""
        return image_tokens(self.model, width, height)
