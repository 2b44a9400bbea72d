"""An experiment file (TOML) as pydantic models. Unknown keys are refused; every key carries its description."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from harness.errors import ConfigError, nearest
from harness.evaluation.divergence import reference
from harness.expressions import BUILT_IN, LabelSpace, label_space
from harness.fusion.options import Smoothing
from harness.training.options import FineTuning, HeadOptions, Recipe
from harness.validation import explain

EXPERIMENTS = Path(__file__).parent / "experiments"


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


class Experiment(Section):
    """One experiment file."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="prefix of the run's name: lower case, digits, . _ -"
    )
    benchmark: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the leaderboard that the run joins")
    seed: int = Field(0, ge=0, description="seed of splits, initial weights, batches and resampling")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [],
        description="several of them instead: networks are trained, fused and scored once for each, on the same "
        "labels; scores are then means with their spread, and charts and predictions are those of the first",
    )
    label_space: str | OwnLabelSpace = Field(
        "abaw-compound-7", description="a built-in label space, or a table with a name and labels"
    )
    data: Data
    faces: Faces = Faces()
    labeling: Labeling = Labeling()
    training: Training = Training()
    fusion: Fusion = Fusion()
    evaluation: Evaluation = Evaluation()
    executor: Component = Field(Component(use="local"), description="what runs the stages; changes no result")

    @model_validator(mode="after")
    def _gaps_are_left_to_fill(self) -> Experiment:
        if self.fusion.gaps == "interpolate" and self.faces.gaps != "leave":
            raise ValueError("fusion.gaps = 'interpolate' needs faces.gaps = 'leave'; as it is, faces are copied there")
        return self

    @model_validator(mode="after")
    def _further_faces_are_cut_out(self) -> Experiment:
        if self.fusion.faces == "maximum" and not self.faces.others:
            raise ValueError(
                "fusion.faces = 'maximum' needs faces.others = true; as it is, a frame's chosen face alone is cut out"
            )
        if self.faces.others and self.faces.align == "none":
            raise ValueError(
                "faces.others needs faces.align = 'five-point' or 'box'; with 'none' all crops are the whole frame"
            )
        return self

    @model_validator(mode="after")
    def _each_seed_once(self) -> Experiment:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds} hold one twice; that would count one training as two")
        return self

    @property
    def every_seed(self) -> tuple[int, ...]:
        """The seeds that networks are trained with, each once; of a run without networks the first alone."""
        seeds = tuple(self.seeds) or (self.seed,)
        return seeds if self.training.backbones else seeds[:1]

    @property
    def space(self) -> LabelSpace:
        """The label space; ConfigError if its name is not known or its classes clash."""
        if isinstance(self.label_space, str):
            return label_space(self.label_space)
        if self.label_space.name in BUILT_IN:
            raise ConfigError(
                f"label_space: the name {self.label_space.name!r} is taken by a built-in one; choose another"
            )
        return LabelSpace.from_dict(self.label_space.model_dump())


def load(config: str, overrides: Iterable[str] = ()) -> Experiment:
    """The experiment of a TOML file, of a finished run's experiment.json, or of a built-in name such as "demo", with
    `key=value` overrides.

    ConfigError, one line, for whatever is wrong with the file, a key or a value.
    """
    data = read(config)
    for override in overrides:
        data = apply_override(data, override)
    return parse(data, config)


def read(config: str) -> dict[str, Any]:
    """What an experiment file, a finished run's experiment.json or a built-in experiment says, unchecked."""
    path = _find(config)
    try:
        text = path.read_text(encoding="utf-8")
        data: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{config}: not valid {path.suffix[1:].upper() or 'TOML'}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config}: cannot be read: {error}") from error
    return data


def built_in() -> list[str]:
    """Names of the experiments that come with the harness."""
    return sorted(path.stem for path in EXPERIMENTS.glob("*.toml"))


def _find(config: str) -> Path:
    path = Path(config).expanduser()
    if path.suffix in (".toml", ".json") or path.exists():
        if path.is_file():
            return path
        raise ConfigError(f"{config}: no such experiment file")
    shipped = EXPERIMENTS / f"{config}.toml"
    if not shipped.is_file():
        raise ConfigError(f"experiment {config!r} is neither a file nor a built-in name{nearest(config, built_in())}")
    return shipped


def apply_override(data: Mapping[str, Any], override: str) -> dict[str, Any]:
    """`data` with one "a.b=value" applied; the value is read as TOML, or else taken as text.

    A component written as a bare name becomes a table when one of its options is set: faces.detector.runtime=torch.
    One of a list is named by its number from 0, the only one of a list by nothing: labeling.labelers.model=...
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {override!r}: write key=value, for example faces.detector=haar")
    changed: dict[str, Any] = _with(copy.deepcopy(dict(data)), "", parts, _value(text.strip()), override)
    return changed


def _with(inner: Any, name: str, parts: list[str], value: Any, override: str) -> Any:
    """`inner`, which stands under `name`, with what `parts` leads to set to a value."""
    if not parts:
        return value
    if isinstance(inner, list):
        number, rest = _element(inner, name, parts, override)
        inner[number] = _with(inner[number], name, rest, value, override)
        return inner
    if isinstance(inner, str):
        inner = {"use": inner}
    if not isinstance(inner, dict):
        raise ConfigError(f"--set {override!r}: {name!r} holds a {type(inner).__name__}, not a table")
    first, *rest = parts
    inner[first] = _with(inner.get(first, {}), first, rest, value, override)
    return inner


def _element(items: list[Any], name: str, parts: list[str], override: str) -> tuple[int, list[str]]:
    """Which element of a list is meant, and the parts that lead on from it."""
    if parts[0].isdecimal():
        if int(parts[0]) >= len(items):
            raise ConfigError(f"--set {override!r}: {name!r} holds {len(items)}, counted from 0")
        return int(parts[0]), parts[1:]
    if len(items) != 1:
        raise ConfigError(
            f"--set {override!r}: {name!r} holds {len(items)}; say which, counted from 0: {name}.0.{parts[0]}"
        )
    return 0, parts


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def parse(data: Mapping[str, Any], source: str) -> Experiment:
    """The experiment that `data` describes; ConfigError names `source`, the key and what is wrong with it."""
    try:
        experiment = Experiment.model_validate(data)
        _check_reference(experiment)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, Experiment)}") from error
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    return experiment


def _check_reference(experiment: Experiment) -> None:
    space, given = experiment.space, experiment.evaluation.reference_distribution
    if given is not None:
        try:
            reference(given, space)
        except ConfigError as error:
            raise ConfigError(f"evaluation.reference_distribution: {error}") from error
