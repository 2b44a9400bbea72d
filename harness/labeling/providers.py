"""The models of one labelling, ready to be asked: the labeler itself and those of its escalation ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from harness.components import Options
from harness.errors import ConfigError
from harness.expressions import LabelSpace
from harness.labeling.asking import Questioner, Voter, Way
from harness.labeling.brake import Brake
from harness.labeling.budget import MOST_OUTPUT, Budget, Terms
from harness.labeling.cache import ReplyCache
from harness.labeling.engine import Engine
from harness.labeling.images import prepare
from harness.labeling.keys import Keys, asker_of
from harness.labeling.meter import Meter
from harness.labeling.parsing import PARSER_VERSION, Parser
from harness.labeling.prices import Price, Prices, Rates
from harness.labeling.prompts import PromptSet, RenderedPrompt, load_prompt_set
from harness.labeling.prompts.rendering import Answer
from harness.plugins import Registry
from harness.vlm import LanguageModelOptions, VisionLanguageModel

NOTHING = Rates(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Asked:
    """One model to ask: the component's name, its checked options, its prompt set."""

    name: str
    options: LanguageModelOptions
    prompts: PromptSet

    @property
    def enum(self) -> bool:
        """Whether the answer is bound to the class names."""
        answer = self.prompts.answer if self.options.answer == "prompt-set" else self.options.answer
        return answer == "enum"

    @property
    def price(self) -> Price | None:
        """Of the model; a model on this machine costs nothing unless a price file names it. None: unknown."""
        known = Prices.load(self.options.prices).of(self.options.model)
        if self.options.remote or (self.options.prices and known):
            return known
        return Price(self.options.model, self.name, NOTHING)

    def render(self, space: LabelSpace) -> tuple[RenderedPrompt, ...]:
        """The prompts for a label space, with examples that look like the faces."""
        answer: Answer = "enum" if self.enum else "text"
        return self.prompts.render(space, answer, lambda image: prepare(image, self.options.image))

    def terms(self) -> Terms:
        """What asking it costs."""
        return Terms(self.price, int(getattr(self.options, "max_tokens", None) or MOST_OUTPUT))


def asked(registry: Registry, component: Mapping[str, Any]) -> Asked | None:
    """The model that a labeler's parameters describe, or None if the labeler is no language model."""
    name = component["use"]
    options: Options = registry.options("labelers", name, component.get("options", {}))
    if not isinstance(options, LanguageModelOptions):
        return None
    return Asked(name, options, load_prompt_set(options.prompts))


def ladder(registry: Registry, first: Asked) -> list[Asked]:
    """The model of every rung of the escalation ladder, in order. ConfigError for a rung that cannot be."""
    found = []
    for number, rung in enumerate(first.options.escalation, start=1):
        where = f"labeler {first.name!r}: escalation rung {number}"
        if rung.change == "model":
            component = dict(rung.labeler)
            if not component.get("use"):
                raise ConfigError(f"{where} changes the model; name a labeler: labeler = {{use = ..., model = ...}}")
            other = asked(registry, {"use": component.pop("use"), "options": component})
            if other is None:
                raise ConfigError(f"{where}: labeler {rung.labeler['use']!r} is no vision-language model")
            found.append(other)
        elif rung.change == "prompt":
            if not rung.prompts:
                raise ConfigError(f"{where} changes the prompt; name a prompt set: prompts = ...")
            found.append(Asked(first.name, first.options, load_prompt_set(rung.prompts)))
        else:
            found.append(first)
    return found


def cap_of(models: Sequence[Asked]) -> float | None:
    """The cap on what a labeler and its ladder may cost together, US dollars: the smallest that is set, or None.

    ConfigError for a cap that cannot be held because the price of one of them is not known.
    """
    cap = min((one.options.max_cost for one in models if one.options.max_cost is not None), default=None)
    for one in models:
        if cap is not None and one.price is None:
            raise ConfigError(
                f"labeler {one.name!r}: max_cost cannot be held, the price of model {one.options.model!r} is not "
                "known; name a file with its price (option prices), or take max_cost out"
            )
    return cap


def decides(first: Asked, rungs: Sequence[Asked]) -> dict[str, Any]:
    """What decides the labels beside the labeler's options, for the fingerprint: prompts as they are, the parser."""
    return {"prompts": [one.prompts.content() for one in (first, *rungs)], "parser": PARSER_VERSION}


def check_consent(models: Sequence[Asked], allowed: bool, data: str) -> None:
    """ConfigError if faces of a data set would leave this machine without the user having said so."""
    for one in models:
        if one.options.remote and not allowed:
            host = urlsplit(one.options.destination() or "").netloc
            raise ConfigError(
                f"labeler {one.name!r} would send the faces of data set {data!r} to {host}; nothing was sent. If the "
                "licence of the data and the people in it allow that, set data.allow_remote = true"
            )


def voters(name: str, prompts: Sequence[RenderedPrompt], votes: int) -> list[Voter]:
    """A labeler's voters: "name/prompt", and "name/prompt#2" and so on where a prompt is asked again."""
    return [
        Voter(f"{name}/{prompt.name}" + (f"#{vote + 1}" if vote else ""), prompt, vote)
        for prompt in prompts
        for vote in range(votes)
    ]


def parser_of(space: LabelSpace, spellings: Mapping[str, str]) -> Parser:
    """The parser of a space; one that was made before is used again, making one takes time."""
    return _parser(space, tuple(spellings.items()))


@lru_cache(maxsize=8)
def _parser(space: LabelSpace, spellings: tuple[tuple[str, str], ...]) -> Parser:
    return Parser(space, dict(spellings))


class Models:
    """The engines of one labelling: one for each model with its parameters, shared by the rungs that ask it."""

    def __init__(
        self, registry: Registry, cache: ReplyCache, meter: Meter, brake: Brake, cap: float | None, *,
        offline: bool = False, warn: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._cache = cache
        self._meter = meter
        self._brake = brake
        self._budget = Budget(cap, meter, brake)
        self._offline = offline
        self._warn = warn
        self.engines: dict[str, Engine] = {}

    def engine(self, one: Asked) -> Engine:
        """The engine that asks a model, the same for the same asker."""
        asker = asker_of(one.name, one.options.asking())
        if asker not in self.engines:
            self.engines[asker] = Engine(
                lambda: self._build(one), one.name, asker, one.options,
                cache=self._cache, meter=self._meter, brake=self._brake,
                budget=self._budget, terms=one.terms(), offline=self._offline, warn=self._warn,
            )  # fmt: skip
        return self.engines[asker]

    def _build(self, one: Asked) -> VisionLanguageModel:
        model = self._registry.build("labelers", one.name, one.options.model_dump())
        if not isinstance(model, VisionLanguageModel):
            raise ConfigError(f"labeler {one.name!r} is announced as a language model but has no `reply`")
        return model

    async def close(self) -> None:
        """Close the models that can be closed."""
        for engine in self.engines.values():
            await engine.close()

    def questioner(self, first: Asked, rungs: Sequence[Asked], space: LabelSpace) -> Questioner:
        """Asks the first model, then those of the ladder."""
        ways = [self._way(first, space)]
        for rung, one in zip(first.options.escalation, rungs, strict=True):
            prompts = one.render(space)[0] if rung.change in ("prompt", "model") else None
            ways.append(
                self._way(
                    one,
                    space,
                    prompt=prompts,
                    larger=rung.change == "larger-crop",
                    grey=rung.change == "grey",
                    after=frozenset(rung.after),
                )
            )
        return Questioner(ways, len(space))

    def _way(self, one: Asked, space: LabelSpace, *, grey: bool = False, **more: Any) -> Way:
        engine = self.engine(one)
        spellings = {spelling: name for prompt in one.render(space) for spelling, name in prompt.spellings.items()}
        image = one.options.image.model_copy(update={"grey": True}) if grey else one.options.image
        return Way(engine.ask, Keys(engine.asker), one.options, parser_of(space, spellings), one.enum, image, **more)
