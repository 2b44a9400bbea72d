"""From probabilities of basic emotions to those of a label space's classes.

The score of a class is a rule over the probabilities of the basic emotions that it blends; a face's scores, divided by
their sum, are its probabilities. HSEmotion (Savchenko, ABAW 6 to 8) takes the mean; the others are what one would
try beside it. A class of a single emotion has that emotion's probability, whatever the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError, listed
from harness.expressions import Label, LabelSpace
from harness_hsemotion.emotions import canonical
from harness_hsemotion.options import ComposingOptions

Array = NDArray[np.float64]
# Probabilities below it count as it: no score is ever 0, so that there always is something to divide by.
FLOOR = 1e-12

# probabilities (N, K) of the K emotions of a class, weights (K,) -> scores (N,)
RULES: Mapping[str, Callable[[Array, Array], Array]] = {
    "mean": lambda rows, _: rows.mean(1),
    "geometric": lambda rows, _: np.exp(np.log(rows).mean(1)),
    "harmonic": lambda rows, _: 1 / (1 / rows).mean(1),
    "product": lambda rows, _: rows.prod(1),
    "minimum": lambda rows, _: rows.min(1),
    "weighted": lambda rows, weights: rows @ weights / weights.sum(),
}


class Composition:
    """The classes of `label_space` out of a network's `emotions`; ConfigError for classes that it cannot compose."""

    def __init__(
        self, options: ComposingOptions, label_space: LabelSpace, emotions: Sequence[str], labeler: str
    ) -> None:
        self._rule, self._spread = RULES[options.compose], options.rest == "spread"
        self._members = [[emotions.index(name) for name in names] for names in _basics(label_space, emotions, labeler)]
        self._weights = _weights(options, label_space, labeler)
        used = {member for members in self._members for member in members}
        self._rest = [number for number in range(len(emotions)) if number not in used]

    def __call__(self, basics: Array) -> Array:
        """basics (N, B): probabilities of the network's emotions, rows of sum 1 -> (N, C) likewise of the classes."""
        floored = np.maximum(basics, FLOOR)
        pairs = zip(self._members, self._weights, strict=True)
        scores = np.stack([self._rule(floored[:, members], weights) for members, weights in pairs], axis=1)
        composed: Array = scores / scores.sum(1, keepdims=True)
        if self._spread and self._rest:
            rest = basics[:, self._rest].sum(1, keepdims=True).clip(0, 1)
            composed = (1 - rest) * composed + rest / composed.shape[1]
        return composed


def probabilities(outputs: NDArray[np.floating], kind: str, temperature: float) -> Array:
    """A network's outputs (N, B), logits or probabilities, -> (N, B) rows that sum to 1: softmax(log p / temperature).

    Probabilities that do not quite sum to 1 are divided by their sum. Rows with NaN or infinities become NaN.
    """
    rows = outputs.astype(np.float64)
    rows[~np.isfinite(rows).all(1)] = np.nan
    logarithms = np.log(np.maximum(rows, np.finfo(np.float64).tiny)) if kind == "probabilities" else rows
    logarithms = (logarithms - logarithms.max(1, keepdims=True, initial=-np.inf)) / temperature
    raised: Array = np.exp(logarithms)
    normalised: Array = raised / raised.sum(1, keepdims=True)
    return normalised


def _basics(space: LabelSpace, emotions: Sequence[str], labeler: str) -> list[list[str]]:
    """The emotions of each class, by the network's names."""
    without = [label.name for label in space.labels if not label.basics]
    if without:
        raise ConfigError(
            f"labeler {labeler!r} composes classes of basic emotions, but label space {space.name!r} gives none for "
            f'{listed(map(repr, without))}; add their basics, e.g. basics = ["fear", "surprise"]'
        )
    found = [[_canonical(name, label, space, labeler) for name in label.basics] for label in space.labels]
    unseen = {label.name: sorted(set(names) - set(emotions)) for label, names in zip(space.labels, found, strict=True)}
    lacking = [f"{name!r} ({', '.join(missing)})" for name, missing in unseen.items() if missing]
    if lacking:
        raise ConfigError(
            f"labeler {labeler!r} cannot score {listed(lacking)} of label space {space.name!r}: its network knows only "
            f"{', '.join(emotions)}"
        )
    return found


def _canonical(name: str, label: Label, space: LabelSpace, labeler: str) -> str:
    try:
        return canonical(name)
    except ValueError as error:
        raise ConfigError(f"labeler {labeler!r}, label space {space.name!r}, class {label.name!r}: {error}") from None


def _weights(options: ComposingOptions, space: LabelSpace, labeler: str) -> list[Array]:
    """The weights (K,) of each class's emotions."""
    given: dict[int, tuple[float, ...]] = {}
    for name, values in options.pair_weights.items():
        class_id = space.find(name)
        if class_id is None or len(values) != len(space.labels[class_id].basics):
            raise ConfigError(
                f"labeler {labeler!r}: pair_weights of {name!r} fit no class of label space {space.name!r}; give one "
                "number for each of a class's basic emotions"
            )
        given[class_id] = values
    weights = []
    for class_id, label in enumerate(space.labels):
        own = given.get(class_id, tuple(options.emotion_weights.get(canonical(one), 1.0) for one in label.basics))
        if not sum(own) > 0:
            raise ConfigError(f"labeler {labeler!r}: all weights of {label.name!r} are 0, so it could never be chosen")
        weights.append(np.array(own))
    return weights
