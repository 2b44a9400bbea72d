"""The tables of an experiment file as pydantic models: unknown keys are refused, every key carries its description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, model_validator

from harness.fusion.options import Smoothing
from harness.training.options import FineTuning, HeadOptions, Recipe


class Section(BaseModel):
    """A table of the file: unknown keys are refused; options of a component without its name are the default one's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _of_the_default(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        defaults = {name: field.default for name, field in cls.model_fields.items() if name in value}
        return {**value, **{
            name: {"use": default.use, **value[name]}
            for name, default in defaults.items()
            if isinstance(default, Component) and isinstance(value[name], Mapping)
        }}  # fmt: skip


class Component(BaseModel):
    """A component by name, with its options beside: "facs", or {use = "facs", temperature = 0.5}."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str = Field(description="the component's name, as `harness plugins list` shows it")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """The options written beside the name, unchecked."""
        return dict(self.model_extra or {})


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | Mapping) else value


Components = Annotated[list[Component], BeforeValidator(_as_list)]


class Data(Section):
    """Where the clips come from."""

    target: Component = Field(
        description="the clips to label and to score on; their annotations are used for scoring only"
    )
    pretrain: Component | None = Field(
        None, description="annotated data the networks are trained on first; none: pseudo-labels only"
    )
    allow_remote: bool = Field(
        False,
        description="the target's faces may be sent to a labeler on another machine; say so only if the licence of the "
        "data, and the people in it, allow that",
    )


class Faces(Section):
    """How one face a frame is found, chosen and cut out."""

    detector: Component = Field(Component(use="retinaface"), description="the face detector")
    choose: Literal["largest", "score", "centre"] = Field(
        "largest", description="which of several faces is kept; the paper: the biggest box"
    )
    others: StrictBool | Annotated[StrictInt, Field(ge=0)] = Field(
        False,
        description="how many of a frame's further faces are cut out beside the chosen one, in the same order of "
        "preference; true: all of them. Labels, training and charts see the chosen one alone; fusion.faces uses them",
    )
    gaps: Literal["closest", "leave"] = Field(
        "closest", description="a frame without a face: copy the closest frame's face, or leave it without"
    )
    align: Literal["five-point", "box", "none"] = Field(
        "five-point", description="similarity transform by five landmarks, or a square box crop"
    )
    size: int = Field(224, ge=16, le=1024, description="side of the crops, pixels")
    margin: float = Field(0.0, ge=0, le=1, description="border kept around the aligned face, as a fraction of its side")
    min_score: float = Field(0.5, ge=0, le=1, description="faces below this detector score do not count")
    format: Literal["png", "jpeg"] = Field(
        "jpeg",
        description="how crops are stored and sent to labelers: png is exact, jpeg a quarter of the size and faster",
    )
    quality: int = Field(95, ge=1, le=100, description="JPEG quality")
    batch: int = Field(16, ge=1, description="frames a detector call")


class Sample(Section):
    """Which of the distinct faces are labelled."""

    rule: Literal["all", "every", "per-clip", "changes"] = Field(
        "all",
        description="all faces; every k-th of a clip; n evenly spread over a clip; or, of each clip, the first and "
        "then each that looks different from the last one taken",
    )
    every: int = Field(1, ge=1, description="k of rule 'every'")
    per_clip: int = Field(10, ge=1, description="n of rule 'per-clip'")
    change: float = Field(
        0.1,
        ge=0,
        le=1,
        description="how different rule 'changes' wants a face: structural dissimilarity, (1 - SSIM) / 2, of small "
        "grey crops; 0 takes all, 0.05 about one face in six of a lively video clip, 0.1 one in twelve",
    )
    seed: int = Field(0, description="seed of the sampling")


class Labeling(Section):
    """Who labels the target's faces, and which labels are believed."""

    labelers: Components = Field(
        [Component(use="facs")],
        min_length=1,
        description="one labeler or several; several are combined by the aggregator",
    )
    aggregator: Component = Field(
        Component(use="mean-probability"),
        description="how several voters (labelers, prompts, repetitions) become one label",
    )
    sample: Sample = Field(Sample(), description="which faces are labelled")
    confidence: Literal["auto", "probability", "agreement"] = Field(
        "auto",
        description="what makes a label believable: the aggregator's probability of it, or the share of the voters "
        "asked (prompts, repetitions, labelers; whatever they answered) that say it; auto: agreement if there are "
        "several voters and none of them gives probabilities",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="labels below this confidence are not trained on; none: 1 for agreement (all voters agree), 0.5 "
        "for probability",
    )
    batch: int = Field(64, ge=1, description="faces a labeler call")


class Training(Section):
    """The networks, and how they are trained."""

    backbones: Components = Field(
        [], description="the networks of the ensemble, in the order that breaks ties; none: labels only"
    )
    image_size: int | None = Field(None, ge=16, le=1024, description="input side, pixels; none: each backbone's own")
    centre_crop: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the stored crop's side that networks see: labelers want context, they do not",
    )
    head: HeadOptions = Field(HeadOptions(), description="the classifier put on each backbone")
    loss: Component = Field(Component(use="bal-ce+dice"), description="the loss")
    pretrain: Recipe = Field(Recipe(), description="training on the annotated data")
    finetune: FineTuning = Field(FineTuning(), description="training on the pseudo-labels")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: the faster of the two here, found by a short probe"
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")


class Fusion(Section):
    """How the networks' predictions become one decision a frame."""

    aggregator: Component = Field(Component(use="majority-vote"), description="votes in, decisions out")
    faces: Literal["chosen", "maximum"] = Field(
        "chosen",
        description="what a frame with several faces is judged by: its chosen face; or, of each voter and class, the "
        "highest probability among its faces, renormalised, ahead of the aggregator (needs faces.others)",
    )
    gaps: Literal["leave", "interpolate"] = Field(
        "leave",
        description="frames without a face, where faces.gaps leaves them so: without a decision; or with probabilities "
        "interpolated between the frames before and after, ahead of smoothing",
    )
    smoothing: Smoothing = Field(Smoothing(), description="smoothing over time")


class Evaluation(Section):
    """How runs are scored."""

    resamples: int = Field(2000, ge=100, le=100_000, description="bootstrap resamples for the 95% intervals")
    clusters: Literal["clip", "subject", "frame"] = Field(
        "clip",
        description="what a resample draws with replacement: clips; subjects, where one is seen in several clips; "
        "single frames, which makes intervals far too narrow because those of a clip are alike",
    )
    interval: Literal["studentised", "percentile", "bca"] = Field(
        "studentised",
        description="how the ends are read off the resamples: with some 50 clips studentised intervals hold the truth "
        "about as often as they say, percentile and bca ones are narrower and hold it less often",
    )
    unanswered: Literal["wrong", "excluded"] = Field(
        "wrong", description="frames without a prediction count as wrong, or not at all"
    )
    reference_distribution: str | list[float] | None = Field(
        None,
        description="class frequencies that are known of the target: counts or shares in class-id order, or "
        "'c-expr-db'; every system then shows how far the classes it predicts are from them (KL divergence)",
    )


class OwnLabel(Section):
    """One class of a label space of the user's own."""

    name: str
    aliases: list[str] = []
    basics: list[str] = []


class OwnLabelSpace(Section):
    """A label space of the user's own; a class's id is its position."""

    name: str
    labels: list[OwnLabel]
