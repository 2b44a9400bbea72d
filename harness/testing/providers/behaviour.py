"""How the server answers: what it says, what goes wrong, and when. Everything but a callable is JSON-able."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import ConfigError, nearest

if TYPE_CHECKING:
    from harness.testing.providers.log import Request

Fault = Literal[
    "", "drop-before", "reset-before", "drop-accepted", "drop-during", "reset-during", "drop-after", "never",
    "malformed", "empty", "html",
]  # fmt: skip
Item = Literal["", "lost", "twice", "expired", "canceled"]


@dataclass(frozen=True)
class Answer:
    """One answer, or what becomes of it.

    text         what the model says; None: a label chosen by the image among those that the request names
    wrong        another label than the one it would have chosen
    stop         end; length: cut in half by the token limit; refusal: declined by the provider; filter: content filter
    model        the model id as answered; "": as asked
    latency      seconds until it is sent; None: the server's
    status       HTTP status; from 400 on there is an error instead of a reply
    code         the provider's code of the error, e.g. "insufficient_quota"; "": the usual one of the status
    message      the error's text; "": the usual one
    retry_after  seconds, or any text, of a Retry-After header
    fault        drop-before: closed unread; reset-before: likewise, by RST; drop-accepted: done (billed, batch made),
                 but closed without a word; drop-during: half the body, then closed; reset-during: likewise, by RST;
                 drop-after: whole, then closed though keep-alive was promised; never: no answer until the client
                 leaves; malformed: 200 with half a JSON text; empty: 200 without a body; html: a gateway's page
    item         what becomes of this request in a batch: lost: no result; twice: two; expired; canceled
    """

    text: str | None = None
    wrong: bool = False
    stop: Literal["end", "length", "refusal", "filter"] = "end"
    model: str = ""
    latency: float | None = None
    status: int = 200
    code: str = ""
    message: str = ""
    retry_after: float | str | None = None
    fault: Fault = ""
    item: Item = ""


DEFAULT = Answer()

# Answers by name, for rules that are written down. Fault names are answers, too.
ANSWERS: Mapping[str, Answer] = {
    "default": DEFAULT,
    "wrong-label": Answer(wrong=True),
    "other-model": Answer(model="another-model-20260101"),
    "refusal": Answer(stop="refusal"),
    "content-filter": Answer(stop="filter"),
    "refusal-in-words": Answer("I'm sorry, but I can't identify the emotions of real people in images."),
    "no-text": Answer(""),
    "truncated": Answer(stop="length"),
    "rate-limit": Answer(status=429),
    "rate-limit-retry-after": Answer(status=429, retry_after=1),
    "quota": Answer(status=429, code="insufficient_quota"),
    "spend-limit": Answer(status=429, code="enforced_spend_limit_reached"),
    "billing": Answer(status=402),
    "bad-request": Answer(status=400),
    "authentication": Answer(status=401),
    "permission": Answer(status=403),
    "unknown-model": Answer(status=404, code="model_not_found"),
    "too-large": Answer(status=413),
    "server-error": Answer(status=500),
    "bad-gateway": Answer(status=502, fault="html"),
    "unavailable": Answer(status=503),
    "overloaded": Answer(status=529),
    **{
        name: Answer(fault=name)
        for name in (
            "drop-before", "reset-before", "drop-accepted", "drop-during", "reset-during", "drop-after", "never",
            "malformed", "empty", "html",
        )
    },
    **{name: Answer(item=name) for name in ("lost", "twice", "expired", "canceled")},
}  # fmt: skip

Chooser = Callable[["Request"], "Answer | str | None"]
Answering = Answer | str | Chooser


def answer_of(value: Answering | Mapping[str, Any]) -> Answer | Chooser:
    """An answer by name, as an object, as a mapping of its fields, or a callable; ConfigError names the nearest."""
    if isinstance(value, str):
        if value not in ANSWERS:
            raise ConfigError(f"answer {value!r} is not known{nearest(value, ANSWERS)}")
        return ANSWERS[value]
    if isinstance(value, Mapping):
        return Answer(**_known(Answer, value, "answer"))
    return value


@dataclass(frozen=True)
class Rule:
    """When an answer is given; every condition that is set must hold. The first rule that holds decides.

    answer       an Answer, its name in ANSWERS, or a callable(request) -> Answer, text, or None for "not this one"
    on           the operation: reply, batch.item, batch.create, batch.retrieve, batch.list, batch.cancel,
                 batch.results, file.create, file.retrieve, file.content, file.list, file.delete, models.retrieve,
                 models.list; or "*"
    numbers      which requests of that operation, counted from 1
    every        every so-manieth of them
    probability  of each of them, drawn with the server's seed
    image        beginning of the image's sha256, in hexadecimal
    contains     a piece of the texts
    tries        only the first so many times that the very same thing is asked
    times        at most so often
    """

    answer: Answering
    on: str = "reply"
    numbers: tuple[int, ...] = ()
    every: int = 0
    probability: float = 1.0
    image: str = ""
    contains: str = ""
    tries: int = 0
    times: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", answer_of(self.answer))
        object.__setattr__(self, "numbers", tuple(self.numbers))


def script(*answers: Answering, on: str = "reply") -> tuple[Rule, ...]:
    """The first request gets the first answer, the second the second, and so on; later ones the default."""
    return tuple(Rule(answer, on=on, numbers=(number,)) for number, answer in enumerate(answers, 1))


@dataclass(frozen=True)
class Model:
    """What the server knows of a model; dates in RFC 3339. A retired one is listed, but asking it is a 404."""

    id: str
    lifecycle: Literal["active", "deprecated", "retired"] = "active"
    deprecated_at: str | None = None
    retires_at: str | None = None
    display_name: str = ""


@dataclass(frozen=True)
class Behaviour:
    """Everything that can be set.

    latency      seconds from the whole request to its answer; jitter: up to so many more, drawn with the seed
    label        the text of every default answer; None: chosen by the image's hash among the labels that the request
                 names (in its schema, or quoted in its text)
    rate         replies a second that the server permits; beyond it 429. None: any number
    burst        how many may come at once under that rate
    retry_after  whether those 429 say how long to wait: no; seconds (whole, rounded up); milliseconds
    capacity     replies at a time that the server permits; beyond it 529. None: any number
    api_key      the one key that is not answered with 401; None: any
    models       the models that exist; others are a 404. None: any model id exists
    obeys        False: schemas, forced tools and log-probabilities are accepted and ignored
    batch_polls  times that a batch must be looked at before it has ended; batch_seconds: and its age
    seed         of everything that is drawn
    log          keep every request; False: counts only, which is much faster
    rules        see Rule; a bare answer is a rule for every reply
    """

    latency: float = 0.0
    jitter: float = 0.0
    label: str | None = None
    rate: float | None = None
    burst: int = 1
    retry_after: Literal["no", "seconds", "milliseconds"] = "no"
    capacity: int | None = None
    api_key: str | None = None
    models: tuple[Model, ...] | None = None
    obeys: bool = True
    batch_polls: int = 1
    batch_seconds: float = 0.0
    seed: int = 0
    log: bool = True
    rules: tuple[Rule, ...] = field(default=())

    def changed(self, changes: Mapping[str, Any]) -> Behaviour:
        """With other values of some fields, as objects or as JSON gave them; ConfigError for an unknown field."""
        changes = _known(Behaviour, changes, "behaviour")
        if "rules" in changes:
            changes["rules"] = tuple(_rule(one) for one in _several(changes["rules"]))
        if changes.get("models") is not None:
            changes["models"] = tuple(_model(one) for one in changes["models"])
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; ConfigError if a rule answers by a callable."""
        if any(callable(rule.answer) for rule in self.rules):
            raise ConfigError("a rule that calls a function cannot be handed to another process; use an Answer")
        return asdict(self)


def _several(rules: Any) -> Iterable[Any]:
    return [rules] if isinstance(rules, str | Answer | Rule | Mapping) or callable(rules) else rules


def _rule(value: Any) -> Rule:
    if isinstance(value, Rule):
        return value
    if isinstance(value, Mapping) and "answer" in value:
        return Rule(**_known(Rule, value, "rule"))
    return Rule(answer_of(value))


def _model(value: Any) -> Model:
    if isinstance(value, Model):
        return value
    return Model(value) if isinstance(value, str) else Model(**_known(Model, value, "model"))


def _known(kind: type, values: Mapping[str, Any], what: str) -> dict[str, Any]:
    names = [one.name for one in fields(kind)]
    for name in values:
        if name not in names:
            raise ConfigError(f"{what}: field {name!r} is not known{nearest(name, names)}")
    return dict(values)
