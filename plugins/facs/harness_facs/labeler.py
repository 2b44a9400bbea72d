"""The labeler `facs`: Face Mesh landmarks, measures, baselines, prototypes; one explanation a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.components import Scores
from harness.expressions import LabelSpace
from harness.weights import find
from harness_facs.action_units import EFFECT, NOISE, UNITS
from harness_facs.face_mesh import FACE_LANDMARK, LANDMARKS, FaceMesh
from harness_facs.measures import measure
from harness_facs.model import BALANCE_CLIPS, Mixture, infer, mixture
from harness_facs.options import FacsOptions
from harness_facs.prototypes import presence

if TYPE_CHECKING:
    import pandas as pd

# Median and spread of the measures over faces at rest and expressive ones: what `fixed` takes for granted, and what
# few clips are drawn towards.
# Taken from the meshes of rendered faces and of one video of a real actress: a starting point, no norm of people.
CENTRE = np.array([0.197, 0.204, 0.306, 0.083, -0.282, -0.433, -0.131, 0.061, 0.631, 0.072, 0.097, 0.761, 0.300])
SPREAD = np.array([0.041, 0.034, 0.012, 0.007, 0.009, 0.009, 0.011, 0.020, 0.049, 0.046, 0.006, 0.044, 0.031])
CLIPS_TO_TRUST = 5  # clips at which the faces' own centre and spread weigh as much as these
UNIT_MEAN, UNIT_VARIANCE = 0.25, 0.35**2  # of a unit's intensity before anything is known of the expression
SHOWN = 0.45  # intensity from which a unit stands in the explanation
NO_FACE = "no face found by Face Mesh"


class FacsLabeler:
    """A components.JointScorer over the classes of `label_space`. WeightsError, ConfigError as their sources say."""

    def __init__(self, options: FacsOptions, label_space: LabelSpace) -> None:
        self.options = options
        self.names = label_space.names
        self.model = mixture(presence(label_space, options.prototypes, options.prototypes_file))
        self.mesh = FaceMesh(find(FACE_LANDMARK, options.weights), options.threads)

    def score(self, faces: NDArray[np.uint8]) -> Scores:
        """faces (N, S, S, 3) -> probabilities (N, C), each face by itself, as with baseline `fixed`."""
        return self._judge(self.measure(faces), None)

    def measure(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """faces (N, S, S, 3) -> their measures (N, K); NaN rows where Face Mesh finds no face."""
        landmarks = np.full((len(faces), LANDMARKS, 3), np.nan, np.float32)
        for row, face in enumerate(faces):
            points, logit = self.mesh(face)
            if logit >= self.options.presence:
                landmarks[row] = points
        return measure(landmarks)

    def judge(self, measures: NDArray[np.float32], frames: pd.DataFrame) -> Scores:
        """measures (N, K) of all faces of a run, frames with the column clip -> probabilities (N, C)."""
        fixed = self.options.baseline == "fixed"
        return self._judge(measures, None if fixed else np.unique(frames["clip"].to_numpy(), return_inverse=True)[1])

    def _judge(self, measures: NDArray[np.float32], clips: NDArray[np.int64] | None) -> Scores:
        """clips (N,): faces of one clip share a number; None: every face is judged by itself."""
        probabilities = np.full((len(measures), len(self.names)), np.nan, np.float32)
        explanations = [NO_FACE] * len(measures)
        seen = np.isfinite(measures).all(1)
        if seen.any():
            together = None if clips is None else np.unique(clips[seen], return_inverse=True)[1]
            probabilities[seen], units = self._classify(measures[seen].astype(np.float64), together)
            for row, chosen, shown in zip(np.flatnonzero(seen), probabilities[seen], units, strict=True):
                explanations[row] = self._explain(chosen, shown)
        return Scores(probabilities, explanations)

    def _classify(
        self, rows: NDArray[np.float64], clips: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Probabilities (N, C) and unit intensities (N, A) of measures (N, K) of faces in clips (N,)."""
        count = 0 if clips is None else int(clips.max()) + 1
        scaled = _scaled(rows, self.model, count)
        groups = clips if clips is not None and self.options.baseline == "clip" else np.zeros(len(rows), np.int64)
        classes = len(self.names)
        posterior, baselines = infer(
            scaled, groups, self.model,
            own_rest=clips is not None,
            evidence=1 / self.options.temperature,
            balance=self.options.balance * count / (count + BALANCE_CLIPS * classes),
        )  # fmt: skip
        owner = self.model.owner
        probabilities = np.stack([posterior[:, owner == one].sum(1) for one in range(classes)], 1)
        # A face at rest shows none of the classes: all of them are as likely, and the confidence is low.
        probabilities += posterior[:, owner < 0].sum(1, keepdims=True) / classes
        return probabilities.astype(np.float32), intensities(scaled - baselines)

    def _explain(self, probabilities: NDArray[np.float32], units: NDArray[np.float64]) -> str:
        shown = " ".join(f"AU{unit} {value:.1f}" for unit, value in zip(UNITS, units, strict=True) if value >= SHOWN)
        best = int(probabilities.argmax())
        return f"{shown or 'no clear action unit'}: {self.names[best]} {probabilities[best]:.2f}"


def intensities(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measures less their baselines (N, K), in units of EFFECT -> expected intensities (N, A) of UNITS, 0 to 1.

    The posterior mean of the linear Gaussian model z = a E + noise, clipped.
    """
    gain = UNIT_VARIANCE * EFFECT @ np.linalg.inv(UNIT_VARIANCE * EFFECT.T @ EFFECT + np.diag(NOISE**2))
    mean = np.full(len(UNITS), UNIT_MEAN)
    expected: NDArray[np.float64] = mean + (rows - mean @ EFFECT) @ gain.T
    return expected.clip(0, 1)


def _scaled(rows: NDArray[np.float64], model: Mixture, clips: int) -> NDArray[np.float64]:
    """Measures with the model's centre and spread: robustly from the faces themselves, the less so the fewer clips."""
    trust = clips / (clips + CLIPS_TO_TRUST)
    centre = trust * np.median(rows, axis=0) + (1 - trust) * CENTRE
    deviation = 1.4826 * np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    spread = np.sqrt(trust * deviation**2 + (1 - trust) * SPREAD**2)
    return (rows - centre) / spread * model.spread + model.centre
