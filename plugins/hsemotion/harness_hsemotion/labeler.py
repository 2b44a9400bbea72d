"""The labelers: a network's basic emotions of each face, composed; one explanation a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.components import Scores
from harness.errors import ConfigError, WeightsError
from harness.expressions import LabelSpace
from harness.weights import find
from harness_hsemotion.catalogue import Card
from harness_hsemotion.compose import Array, Composition, probabilities
from harness_hsemotion.networks import LiteRtNetwork, Network, OnnxNetwork
from harness_hsemotion.options import (
    BasicOnnxOptions,
    ComposingOptions,
    Fer2013Options,
    HSEmotionOptions,
    PublishedOptions,
)
from harness_hsemotion.picture import Preparation

SHOWN = 0.1  # probability from which an emotion stands in the explanation
NO_NUMBERS = "the network gave no finite numbers"
LOOK_LIKE_PROBABILITIES = (
    "the network's outputs look like probabilities already, and softmax makes them all alike; set output = "
    "'probabilities'"
)


def hsemotion(options: HSEmotionOptions, label_space: LabelSpace) -> BasicEmotionLabeler:
    """The labeler `hsemotion`."""
    network = OnnxNetwork(find_weights(options), options.threads)
    return BasicEmotionLabeler("hsemotion", network, options.published[0], options, label_space)


def fer2013(options: Fer2013Options, label_space: LabelSpace) -> BasicEmotionLabeler:
    """The labeler `fer2013`."""
    network = LiteRtNetwork(find_weights(options), options.threads)
    return BasicEmotionLabeler("fer2013", network, options.published[0], options, label_space)


def basic_onnx(options: BasicOnnxOptions, label_space: LabelSpace) -> BasicEmotionLabeler:
    """The labeler `basic-onnx`."""
    path = options.weights.expanduser()
    if not path.is_file():
        raise WeightsError(f"weights file {path} does not exist; give the path of the network's .onnx file")
    network = OnnxNetwork(path, options.threads, output=options.output_name, layout=options.layout)
    return BasicEmotionLabeler("basic-onnx", network, options.card, options, label_space)


def find_weights(options: PublishedOptions) -> Path:
    """Path of the published or the user's weight file; WeightsError says what to do if there is none."""
    try:
        return find(options.required_weights(), options.weights)
    except WeightsError as error:
        if options.weights is not None and not options.weights_sha256 and "wrong sha256" in str(error):
            raise WeightsError(f"{error}; for weights of your own set weights_sha256 too") from error
        raise


class BasicEmotionLabeler:
    """A components.Scorer. ConfigError if network, card, options and label space do not fit each other."""

    def __init__(
        self, name: str, network: Network, card: Card, options: ComposingOptions, label_space: LabelSpace
    ) -> None:
        self.notices: list[str] = []
        self._name, self._network, self._card, self._options = name, network, card, options
        self._names = label_space.names
        self._compose = Composition(options, label_space, card.emotions, name)
        self._prepare = _preparation(name, network, card, options)

    def score(self, faces: NDArray[np.uint8]) -> Scores:
        """faces (N, S, S, 3) -> probabilities (N, C); a face without finite outputs is an abstention."""
        basics = self.basics(faces)
        composed = np.full((len(faces), len(self._names)), np.nan, np.float32)
        seen = np.isfinite(basics).all(1)
        composed[seen] = self._compose(basics[seen])
        return Scores(composed, [self._explain(one, other) for one, other in zip(basics, composed, strict=True)])

    def basics(self, faces: NDArray[np.uint8]) -> Array:
        """faces (N, S, S, 3) -> (N, B) probabilities of the network's emotions, in its order; rows of NaN as above."""
        wanted = len(self._card.emotions)
        if not len(faces):
            return np.zeros((0, wanted))
        outputs = self._network(self._prepare(faces))
        if outputs.shape[1] != wanted + self._card.ignored:
            raise ConfigError(
                f"labeler {self._name!r}: the network gives {outputs.shape[1]} numbers a face, but {wanted} emotions "
                f"and {self._card.ignored} ignored outputs were expected"
            )
        outputs = outputs[:, :wanted]
        self._judge_kind(outputs)
        return probabilities(outputs, self._card.output, self._options.temperature)

    def _judge_kind(self, outputs: NDArray[np.float32]) -> None:
        """Are the outputs what the card says?"""
        finite = outputs[np.isfinite(outputs).all(1)]
        alike = (finite >= 0).all() and np.allclose(finite.sum(1), 1, atol=0.02)
        if self._card.output == "probabilities" and not alike:
            raise ConfigError(
                f"labeler {self._name!r}: the network's outputs are no probabilities, not >= 0 with a sum of 1; set "
                "output = 'logits'"
            )
        if self._card.output == "logits" and len(finite) and alike and LOOK_LIKE_PROBABILITIES not in self.notices:
            self.notices.append(LOOK_LIKE_PROBABILITIES)

    def _explain(self, basics: Array, composed: NDArray[np.float32]) -> str:
        if not np.isfinite(basics).all():
            return NO_NUMBERS
        order = np.argsort(-basics, kind="stable")
        shown = [number for number in order if basics[number] >= SHOWN] or order[:1]
        seen = " ".join(f"{self._card.emotions[number]} {basics[number]:.2f}" for number in shown)
        best = int(composed.argmax())
        return f"{seen}: {self._names[best]} {composed[best]:.2f}"


def _preparation(name: str, network: Network, card: Card, options: ComposingOptions) -> Preparation:
    side = card.side or network.side
    if side is None:
        raise ConfigError(f"labeler {name!r}: the network takes images of any size; set size as it was trained")
    if network.side is not None and network.side != side:
        raise ConfigError(f"labeler {name!r}: the network wants images of {network.side} pixels a side, not {side}")
    for key, values in (("mean", card.mean), ("std", card.std)):
        if len(values) not in (1, network.channels):
            raise ConfigError(
                f"labeler {name!r}: {key} has {len(values)} numbers, but the network's images have {network.channels} "
                "channel(s)"
            )
    if network.channels == 1 and card.colour != "grey":
        raise ConfigError(f"labeler {name!r}: the network wants images of one channel; set colour = 'grey'")
    return Preparation(
        options.centre_crop, side, network.channels, network.layout, card.colour, card.highest, card.mean, card.std
    )
