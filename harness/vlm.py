"""The contract of vision-language labelers (public): what they are asked, what they answer, how they fail.

A provider implements one coroutine, `reply`. Prompts, retries, limits, the reply cache, parsing and money belong to the
engine in `harness.labeling`. A provider with a batch API implements `BatchModel` as well.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from harness.components import Options, Outcome

# --- what is asked ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """One message of a conversation; image: encoded JPEG or PNG bytes that stand before the text, or None."""

    role: Literal["user", "assistant"]
    text: str
    image: bytes | None = None


@dataclass(frozen=True)
class Prompt:
    """The question about one face.

    text    stands after the face's image, in one message with it
    system  the system prompt, or ""
    before  messages before the face: few-shot examples, the same for every face (worth a provider's prompt cache)
    after   messages after the face: what the model described in a first step, and the question that follows
    """

    text: str
    system: str = ""
    before: tuple[Message, ...] = ()
    after: tuple[Message, ...] = ()

    def messages(self, image: bytes) -> tuple[Message, ...]:
        """The whole conversation, alternating from the user, without the system prompt."""
        return (*self.before, Message("user", self.text, image), *self.after)


def media_type(image: bytes) -> str:
    """ "image/jpeg" or "image/png", by the first bytes; ValueError for anything else."""
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    raise ValueError("an image to send must be JPEG or PNG")


# --- what is answered ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usage:
    """Tokens of one reply, as the provider counted them; input_tokens are those that were neither read from nor
    written to a prompt cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


StopReason = Literal["end", "length", "refusal", "other"]


@dataclass(frozen=True)
class Reply:
    """One reply.

    text         what the model said; with a schema, the JSON text
    stop_reason  end: it had finished; length: cut by the token limit; refusal: the provider declined to answer
    usage        tokens
    model        the model id as answered
    id           the provider's id of the reply or request
    detail       the provider's own words for the stop, e.g. a refusal's category
    logprob      natural logarithm of the probability of the reply's text, where the provider gives it
    """

    text: str
    stop_reason: StopReason = "end"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    id: str = ""
    detail: str = ""
    logprob: float | None = None


ErrorKind = Literal[
    "rate_limit", "overloaded", "server", "timeout", "connection",
    "refused", "bad_request", "authentication", "quota", "unknown_model",
]  # fmt: skip
TRANSIENT: frozenset[ErrorKind] = frozenset({"rate_limit", "overloaded", "server", "timeout", "connection"})
FATAL: frozenset[ErrorKind] = frozenset({"authentication", "quota", "unknown_model"})


class RequestError(Exception):
    """A request that failed, as a provider reports it to the engine.

    kind         rate_limit, overloaded, server, timeout, connection: asked again within the limits;
                 refused (by the provider's policy) and bad_request: an answer about this face alone;
                 authentication, quota, unknown_model: the whole stage stops at once
    retry_after  seconds that the provider wants to be left alone, or None
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.retry_after = retry_after
        self.status = status
        self.request_id = request_id


def kind_of_status(status: int) -> ErrorKind:
    """What an HTTP error status means when the body says no more."""
    known: Mapping[int, ErrorKind] = {
        401: "authentication", 402: "quota", 403: "authentication", 404: "unknown_model", 408: "timeout",
        429: "rate_limit", 529: "overloaded",
    }  # fmt: skip
    return known.get(status, "server" if status >= 500 else "bad_request")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After (or retry-after-ms) header, never negative; None if there is none to be understood."""
    from email.utils import parsedate_to_datetime

    milliseconds, seconds = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return None if seconds is None else max(0.0, float(seconds))
    except ValueError:
        pass
    try:
        from datetime import UTC, datetime

        moment = parsedate_to_datetime(seconds or "")
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


# --- who answers --------------------------------------------------------------------------------------------------


@runtime_checkable
class VisionLanguageModel(Protocol):
    """A model that is asked in words. Built as target(options).

    Built, asked and closed by the engine in one event loop. Retries of an SDK must be off. It may have
    `async def check() -> Sequence[str]`, called once before the first request: warnings for the user, or a
    RequestError if it cannot be asked at all; and `async def close() -> None`.
    """

    async def reply(self, image: bytes, prompt: Prompt, schema: Mapping[str, Any] | None) -> Reply:
        """image: the encoded bytes to send as they are; schema: a JSON schema of the answer, or None for free text.

        RequestError for whatever goes wrong. Cancellation must pass through.
        """


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch; id: 1 to 64 of [A-Za-z0-9_-], the tag of its batch, a hyphen and a number."""

    id: str
    image: bytes
    prompt: Prompt
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BatchState:
    """How a submitted batch stands; failed: why the provider gave it up as a whole, or ""."""

    ended: bool
    done: int
    total: int
    failed: str = ""


@runtime_checkable
class BatchModel(VisionLanguageModel, Protocol):
    """A provider that answers many requests later, at a lower price.

    The engine writes down tag and items before it submits, and the batch's id when it has it. After a crash between
    the two it asks `find`, so that nothing is paid twice.
    """

    async def submit(self, items: Iterable[BatchItem], tag: str) -> str:
        """Hand the items in; returns the provider's id of the batch. RequestError if it is not accepted."""

    async def find(self, tag: str, since: float, count: int) -> str | None:
        """The id of the batch that was submitted under a tag of `count` items after `since` (Unix time), or None.

        May wait until it can tell.
        """

    async def poll(self, batch: str) -> BatchState:
        """How the batch stands now."""

    def results(self, batch: str) -> AsyncIterator[tuple[str, Reply | RequestError]]:
        """Item ids and what became of them, in any order; an expired or cancelled item is a RequestError of kind
        "timeout"."""


# --- how it is asked ----------------------------------------------------------------------------------------------


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageOptions(_Table):
    """What is done to a stored face before it is sent. By default nothing: its bytes go out as they are."""

    min_side: int = Field(0, ge=0, le=8000, description="enlarge to at least so many pixels a side (small faces are "
                          "judged worse); 0: never")  # fmt: skip
    max_side: int = Field(0, ge=0, le=8000, description="shrink to at most so many pixels a side; 0: never")
    grey: bool = Field(False, description="without colour")
    format: Literal["stored", "jpeg", "png"] = Field("stored", description="encoding of an image that was changed")
    quality: int = Field(95, ge=1, le=100, description="JPEG quality of an image that was changed")


class Limits(_Table):
    """How fast and how stubbornly a provider is asked; changes no label."""

    connections: int = Field(32, ge=1, le=4096, description="most requests at a time; fewer when the provider objects")
    requests_per_minute: float | None = Field(None, gt=0, description="the provider's limit for you; none: unlimited")
    input_tokens_per_minute: float | None = Field(None, gt=0, description="likewise, tokens sent (images included)")
    output_tokens_per_minute: float | None = Field(None, gt=0, description="likewise, tokens answered")
    attempts: int = Field(6, ge=1, description="most attempts a request; those that the provider turned away with 429 "
                          "or 529 do not count")  # fmt: skip
    timeout: float = Field(60.0, gt=0, description="seconds for one attempt")
    give_up_after: float = Field(600.0, gt=0, description="seconds for one request with all its attempts and the waits "
                                 "between them")  # fmt: skip


class Rung(_Table):
    """One step of the escalation ladder: how a face is asked again that got no label."""

    change: Literal["prompt", "larger-crop", "grey", "model"] = Field(
        description="prompt: another prompt set; larger-crop: more of the frame around the face; grey: without colour; "
        "model: another labeler"
    )
    prompts: str = Field("", description="of change 'prompt': the prompt set, name or .toml file")
    margin: float = Field(0.3, gt=0, le=1, description="of change 'larger-crop': faces.margin of the larger crop")
    labeler: dict[str, Any] = Field(
        default_factory=dict, description='of change \'model\': the labeler, e.g. {use = "openai", model = "..."}'
    )
    after: tuple[Outcome, ...] = Field(
        ("refused_text", "refused_provider", "unparsed", "truncated"), description="outcomes that lead to this rung"
    )


class LanguageModelOptions(Options):
    """Options that every vision-language labeler has; a provider adds its own.

    What a provider adds is part of the key of every reply, unless it is named in `without_effect`.
    """

    without_effect: ClassVar[frozenset[str]] = frozenset({"limits", "max_cost", "prices", "max_failed", "prompts"})

    model: str = Field(description="model id, as the provider spells it")
    prompts: str = Field("table-1", description="prompt set: a built-in name or a .toml file")
    answer: Literal["prompt-set", "text", "enum"] = Field(
        "prompt-set", description="free text, or a JSON answer bound to the class names; prompt-set: what the set says"
    )
    votes: int = Field(1, ge=1, le=1000, description="times that each prompt is asked of each face")
    shuffle: bool = Field(False, description="list the classes in another order for each face, against position bias")
    seed: int = Field(0, ge=0, description="seed of that order")
    image: ImageOptions = Field(ImageOptions(), description="what is done to a face before it is sent")
    escalation: tuple[Rung, ...] = Field((), description="how faces without a label are asked again, rung by rung")
    limits: Limits = Field(Limits(), description="how fast and how stubbornly the provider is asked")
    max_cost: float | None = Field(
        None, gt=0, description="stop before the replies of one run cost more than so many US dollars; none: no cap"
    )
    prices: Path | None = Field(None, description="a .toml file of prices that go before the built-in ones")
    max_failed: float = Field(
        0.0, ge=0, le=1, description="share of requests that may stay unanswered; above it the stage stops, resumably"
    )

    def asking(self) -> dict[str, Any]:
        """What identifies the answerer in the key of a reply, JSON-ready: the model and the provider's own options."""
        engine = set(LanguageModelOptions.model_fields) - {"model"}
        return self.model_dump(mode="json", exclude=engine | self.without_effect)

    def destination(self) -> str | None:
        """The URL that images go to, or None if they stay in this process."""
        return None

    @property
    def remote(self) -> bool:
        """Whether faces would leave this machine."""
        url = self.destination()
        return url is not None and not is_loopback(url)

    def image_tokens(self, width: int, height: int) -> int | None:  # noqa: ARG002 - for providers that know
        """Tokens that an image of that size costs, estimated before asking; None if nobody knows."""
        return None

    def sources(self) -> Sequence[Path]:
        """No file of these options decides a label by its path: the prompt set's content is among the facts."""
        return []


class BatchOptions(LanguageModelOptions):
    """Options of a provider with a batch API."""

    without_effect: ClassVar[frozenset[str]] = LanguageModelOptions.without_effect | {
        "batch", "batch_requests", "batch_megabytes", "batch_poll", "batch_ask_expired",
    }  # fmt: skip

    batch: bool = Field(False, description="ask through the batch API: cheaper, answered within a day")
    batch_requests: int = Field(10_000, ge=1, description="most requests a batch")
    batch_megabytes: float = Field(100.0, gt=0, description="most megabytes a batch")
    batch_poll: float = Field(30.0, gt=0, description="seconds between two looks at a batch")
    batch_ask_expired: bool = Field(True, description="ask again what expired; otherwise its outcome is an error")


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself: localhost, 127.0.0.0/8, ::1."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
