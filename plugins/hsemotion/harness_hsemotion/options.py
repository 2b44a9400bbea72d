"""Options of the labelers; importing them loads nothing but pydantic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from harness.components import Options
from harness.weights import Weights
from harness_hsemotion.catalogue import FER2013, HALF, HSEMOTION, IMAGENET_MEAN, IMAGENET_STD, Card, Colour, Output
from harness_hsemotion.emotions import canonical

Rule = Literal["mean", "geometric", "harmonic", "product", "minimum", "weighted"]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Sha256 = Field(
    None, description="sha256 of `weights`, if it is not the published file of the network", pattern="^[0-9a-f]{64}$"
)


def _canonical_keys(weights: Mapping[str, float]) -> dict[str, float]:
    found = {canonical(name): value for name, value in weights.items()}
    if len(found) < len(weights):
        raise ValueError(f"{', '.join(weights)}: two of these name the same emotion")
    return found


class ComposingOptions(Options):
    """How basic emotions become the classes of the label space; all labelers of this package have these."""

    compose: Rule = Field(
        "mean",
        description="what the score of a class is, given the probabilities of the basic emotions that it blends: their "
        "arithmetic, geometric or harmonic mean, their product, the smallest, or their weighted mean",
    )
    emotion_weights: Annotated[dict[str, Weight], AfterValidator(_canonical_keys)] = Field(
        default_factory=dict,
        description="of compose 'weighted': weights of basic emotions, e.g. {surprise = 0.5}; 1 for those not named",
    )
    pair_weights: dict[str, tuple[Weight, ...]] = Field(
        default_factory=dict,
        description="of compose 'weighted': weights of the basic emotions of a class, in the label space's order, e.g. "
        '{"Fearfully Surprised" = [2.0, 1.0]}; they replace emotion_weights there',
    )
    temperature: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="divides the network's logits (logarithms of probabilities): above 1 softer, below 1 harder",
    )
    rest: Literal["ignore", "spread"] = Field(
        "ignore",
        description="probability of emotions that no class of the label space blends, such as neutral and contempt: "
        "left out; or spread evenly over the classes, so that a neutral face gets a low confidence",
    )
    centre_crop: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the stored crop's side that the network sees; 1 / (1 + 2 faces.margin) is the face "
        "without its margin",
    )
    threads: int = Field(1, ge=1, le=64, description="threads of the runtime")

    @model_validator(mode="after")
    def _weights_are_used(self) -> ComposingOptions:
        if self.compose != "weighted" and (self.emotion_weights or self.pair_weights):
            raise ValueError(f"emotion_weights and pair_weights are of compose 'weighted', not of {self.compose!r}")
        return self


class PublishedOptions(ComposingOptions, ABC):
    """Options of a network whose weight file is published and pinned."""

    weights: Path | None = Field(None, description="path of the weight file; none: found or downloaded")
    weights_sha256: str | None = Sha256

    @property
    @abstractmethod
    def published(self) -> tuple[Card, Weights]:
        """The network's card and its weight file."""

    def required_weights(self) -> Weights:
        """The weight file, with the sha256 that it must have."""
        public = self.published[1]
        return Weights(public.name, self.weights_sha256) if self.weights and self.weights_sha256 else public

    def facts(self) -> dict[str, Any]:
        """The sha256 of the weights: whatever is found has this one, or is refused."""
        return {"weights": self.required_weights().sha256}

    def sources(self) -> Sequence[Path]:
        """None: the weights' sha256 is pinned."""
        return []


class HSEmotionOptions(PublishedOptions):
    """EmotiEffLib's (HSEmotion's) networks, trained on AffectNet."""

    model: Literal[
        "enet_b0_8_best_afew", "enet_b0_8_best_vgaf", "enet_b0_8_va_mtl", "enet_b2_7", "enet_b2_8",
        "mbf_va_mtl", "mobilevit_va_mtl",
    ] = Field("enet_b0_8_best_vgaf", description="the network, by EmotiEffLib's name")  # fmt: skip

    @property
    def published(self) -> tuple[Card, Weights]:
        """Card and weight file of `model`."""
        return HSEMOTION[self.model]


class Fer2013Options(PublishedOptions):
    """A small network of seven basic emotions, trained on FER2013, that installs from the package index."""

    @property
    def published(self) -> tuple[Card, Weights]:
        """Card and weight file of the package fer."""
        return FER2013


class BasicOnnxOptions(ComposingOptions):
    """An ONNX network of your own that tells basic emotions apart."""

    weights: Path = Field(description="path of the .onnx file")
    emotions: tuple[Annotated[str, AfterValidator(canonical)], ...] = Field(
        min_length=2,
        description="its outputs in order, e.g. ['neutral', 'happy', 'sad', ...]; 'other' for what is no basic emotion",
    )
    ignored: int = Field(0, ge=0, description="outputs after these that mean something else, such as valence, arousal")
    output: Output = Field("logits", description="what the outputs are: logits (softmax is applied) or probabilities")
    output_name: str = Field("", description="name of the output, if the network has several; none: the first")
    size: int | None = Field(None, ge=8, le=2048, description="side of its input in pixels; none: what the file says")
    colour: Colour = Field("rgb", description="order of the channels; grey is repeated if the network wants three")
    layout: Literal["auto", "nchw", "nhwc"] = Field("auto", description="order of the axes; auto: what the file says")
    highest: float = Field(1.0, gt=0, description="value of white before mean and std: 1, or 255 for raw pixels")
    mean: tuple[Finite, ...] | None = Field(
        None, description="subtracted, one number or one a channel; none: ImageNet's, or 0.5 for grey"
    )
    std: tuple[Spread, ...] | None = Field(None, description="divides, likewise; none: ImageNet's, or 0.5 for grey")

    @model_validator(mode="after")
    def _fitting(self) -> BasicOnnxOptions:
        named = [name for name in self.emotions if name != "other"]
        if repeated := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"emotions: {', '.join(repeated)} is named twice; each output needs an emotion of its own")
        for key, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) not in (1, 3):
                raise ValueError(f"{key}: {len(values)} numbers; give one, or one for each of three channels")
        return self

    @property
    def card(self) -> Card:
        """The card that these options write; mean and std that are not given are in the unit of `highest`."""
        mean, std = (HALF[:1], HALF[:1]) if self.colour == "grey" else (IMAGENET_MEAN, IMAGENET_STD)
        return Card(
            self.emotions, self.size, self.colour, self.highest,
            self.mean or tuple(value * self.highest for value in mean),
            self.std or tuple(value * self.highest for value in std),
            self.output, self.ignored,
        )  # fmt: skip
