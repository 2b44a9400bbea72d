"""Options of the three labelers; importing them loads neither torch nor transformers."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from harness.components import Options
from harness.vlm import LanguageModelOptions, Limits
from harness_transformers.folder import HUB_ID, identity, locate


def _only(placeholder: str, *, needed: bool) -> AfterValidator:
    def check(text: str) -> str:
        try:
            found = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise ValueError(f"{text!r} is no template: {error}; write {{{{ and }}}} for braces") from error
        wrong = [name for name in found if name != placeholder]
        if wrong:
            raise ValueError(f"{text!r} has the placeholder {{{wrong[0]}}}; only {{{placeholder}}} is known")
        if needed and not found:
            raise ValueError(f"{text!r} has no {{{placeholder}}}: it would say the same of every class")
        return text

    return AfterValidator(check)


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


PromptText = Annotated[str, Field(min_length=1), _only("options", needed=False)]
TemplateText = Annotated[str, _only("label", needed=True)]


class LocalModelOptions(Options):
    """Which model, and where it runs."""

    # The model's name is in no fingerprint: what identifies its weights is, by facts() or sources().
    without_effect: ClassVar[frozenset[str]] = frozenset({"model", "revision", "device", "batch_size"})

    model: str = Field(min_length=1, description="folder of the model, or its hub id if the hub's cache here holds it")
    revision: str = Field("main", min_length=1, description="branch, tag or commit of a hub id")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:N or mps; auto: a GPU if "
        "there is one",
    )  # fmt: skip
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="number format of the weights; auto: bfloat16 on a GPU that has it, float32 otherwise"
    )
    batch_size: int = Field(
        8, ge=1, le=4096, description="most faces at a time; halved when the memory does not suffice"
    )

    def facts(self) -> dict[str, Any]:
        """The commit of a hub id; the contents of a folder are among the `sources`."""
        place = locate(self.model, self.revision)
        own = place is not None and not place.commit
        return {**super().facts(), "model": "folder" if own else identity(self.model, self.revision)}

    def sources(self) -> Sequence[Path]:
        """The model's folder, unless it is a snapshot of the hub: that is known by its commit."""
        place = locate(self.model, self.revision)
        if place is None and HUB_ID.fullmatch(self.model):
            return super().sources()
        own = place is None or not place.commit
        return [*super().sources(), *([Path(self.model)] if own else [])]


class ChatOptions(LocalModelOptions):
    """What the chat template is told besides the messages."""

    template_options: dict[str, Any] = Field(
        default_factory=dict, description="variables of the model's own chat template, e.g. {enable_thinking = false}"
    )


class LikelihoodOptions(ChatOptions):
    """What the labeler `transformers` asks, and how likelihoods become probabilities."""

    without_effect: ClassVar[frozenset[str]] = LocalModelOptions.without_effect | {"share_prompt"}

    prompt: Annotated[tuple[PromptText, ...], BeforeValidator(_one_or_more)] = Field(
        (
            "Which of the following expressions is the expression in the image: {options}? No explanation needed, "
            "just give me the name of a category.",
        ),
        min_length=1,
        description="the question, or several whose probabilities are averaged; {options} stands for the class names",
    )
    normalize: Literal["sum", "mean", "pmi"] = Field(
        "sum",
        description="log-likelihood of an answer: of all its tokens (sum), per token (mean), or how much the image "
        "adds to it (pmi: less the likelihood of the same answer without the image)",
    )
    temperature: float = Field(1.0, gt=0, description="divides the log-likelihoods: above 1 softer, below 1 harder")
    share_prompt: bool = Field(
        True,
        description="compute image and prompt once a face instead of once a class, where the model's own results show "
        "that it makes no difference",
    )


class GenerateOptions(ChatOptions, LanguageModelOptions):
    """How the labeler `transformers-generate` answers."""

    without_effect: ClassVar[frozenset[str]] = (
        LocalModelOptions.without_effect | LanguageModelOptions.without_effect | {"wait"}
    )

    max_tokens: int = Field(256, ge=1, description="most tokens of a reply")
    temperature: float = Field(0.0, ge=0, description="0: always the likeliest token; above, tokens are drawn")
    sampling_seed: int | None = Field(
        None, ge=0, description="seed of the drawn tokens; none: new ones in every run, as votes = k wants them"
    )
    wait: float = Field(
        0.005, ge=0, le=10, description="seconds to wait for more faces before a batch that is not full"
    )
    # A reply waits for its batch, and on a CPU one batch takes minutes: giving up would only ask the same again.
    limits: Limits = Field(
        Limits(connections=64, attempts=2, timeout=3600, give_up_after=14400),
        description="how many faces queue up for the model, and for how long one may wait",
    )

    def asking(self) -> dict[str, Any]:
        """As every labeler's; the model by its weights instead of its name."""
        return {**super().asking(), "model": identity(self.model, self.revision)}


class ClipOptions(LocalModelOptions):
    """What the labeler `clip` compares a face with."""

    templates: tuple[TemplateText, ...] = Field(
        (
            "a photo of a {label} face.",
            "a photo of a person with a {label} expression.",
            "a close-up of someone who looks {label}.",
            "a {label} facial expression.",
        ),
        min_length=1,
        description="sentences about a class, {label} stands for its name; their text embeddings are averaged",
    )
    temperature: float = Field(1.0, gt=0, description="divides the logits: above 1 softer, below 1 harder")
