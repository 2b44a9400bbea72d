"""The labeler `simulated`: the truth through a confusion matrix, for studies of label noise."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.builtins.labeler_options import SimulatedOptions
from harness.components import Scores
from harness.errors import ConfigError, DataError
from harness.expressions import LabelSpace


class Simulated:
    """A components.LookupLabeler that needs the truth. ConfigError if the matrix does not fit the label space."""

    def __init__(self, options: SimulatedOptions, label_space: LabelSpace) -> None:
        self.options = options
        self.names = label_space.names
        self.matrix = _matrix(options, label_space)

    def look_up(self, frames: pd.DataFrame, truth: pd.DataFrame | None) -> Scores:
        """Probabilities (N, C); NaN where a frame is not annotated with a class, or by `abstain_rate`.

        What a frame gets depends on its clip, frame, truth and the seed alone. DataError without annotations.
        """
        labels = None if truth is None else truth["label"].to_numpy(np.int64)
        if labels is None or (len(labels) and not (labels >= 0).any()):
            raise DataError("labeler 'simulated' needs a target with annotations: none of its faces has a true class")
        chances = np.array([_chances(self.options.seed, clip, int(frame)) for clip, frame in _pairs(frames)])
        chances = chances.reshape(len(frames), 4)
        classes = len(self.names)
        said = (chances[:, :1] >= self.matrix[labels].cumsum(1)).sum(1).clip(max=classes - 1)
        probabilities = self._probabilities(said, said == labels, chances[:, 2:])
        silent = (labels < 0) | (chances[:, 1] < self.options.abstain_rate)
        probabilities[silent] = np.nan
        return Scores(probabilities.astype(np.float32), self._explain(labels, said, silent))

    def _probabilities(
        self, said: NDArray[np.int64], right: NDArray[np.bool_], chances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        classes = len(self.names)
        if self.options.confidence == "posterior":  # of the true class, by Bayes' rule with equal priors
            columns: NDArray[np.float64] = self.matrix.T[said]
            return np.asarray(columns / columns.sum(1, keepdims=True))
        certainty = np.ones(len(said))
        if self.options.confidence == "graded":  # the larger of two draws where right, the smaller where wrong
            drawn = np.where(right, chances.max(1), chances.min(1))
            certainty = (1 + 1e-3 + (classes - 1 - 1e-3) * drawn) / classes
        rest = (1 - certainty) / (classes - 1)
        probabilities = np.repeat(rest[:, None], classes, axis=1)
        probabilities[np.arange(len(said)), said] = certainty
        return probabilities

    def _explain(self, labels: NDArray[np.int64], said: NDArray[np.int64], silent: NDArray[np.bool_]) -> list[str]:
        return [
            "simulated: no label" if quiet else f"simulated: {self.names[true]} called {self.names[name]}"
            for true, name, quiet in zip(labels, said, silent, strict=True)
        ]


def _matrix(options: SimulatedOptions, space: LabelSpace) -> NDArray[np.float64]:
    """(C, C): row a true class, column what it is called."""
    classes = len(space)
    if options.matrix is None:
        spread = (1 - options.accuracy) / (classes - 1)
        return np.full((classes, classes), spread) + np.eye(classes) * (options.accuracy - spread)
    if len(options.matrix) != classes:
        raise ConfigError(
            f"labeler 'simulated': matrix is for {len(options.matrix)} classes, but {space.name!r} has {classes}"
        )
    return np.array(options.matrix)


def _pairs(frames: pd.DataFrame) -> zip[tuple[str, int]]:
    return zip(frames["clip"], frames["frame"], strict=True)


def _chances(seed: int, clip: str, frame: int) -> NDArray[np.float64]:
    """Four numbers in [0, 1) that belong to this frame: a hash, so that neither order nor choice of frames matters."""
    digest = hashlib.blake2b(f"{seed}\0{frame}\0{clip}".encode(), digest_size=32).digest()
    return np.frombuffer(digest, "<u8") / 2.0**64
