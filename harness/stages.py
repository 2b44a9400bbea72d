"""The stages: where each one's function is, and its version (raised when the same inputs give another artifact)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageSpec:
    """target "module:function", imported only where the stage runs; version, part of every fingerprint.

    patient: on Ctrl-C it is asked to stop, by StageContext.stopping, and given time for what cost money.
    of_network: it trains or asks one network, which an executor with several lanes does beside other networks.
    resumes: cut off, the next run goes on where it was.
    """

    target: str
    version: int = 1
    patient: bool = False
    of_network: bool = False
    resumes: bool = False


STAGES: Mapping[str, StageSpec] = {
    "data": StageSpec("harness.datasets.stage:run_data"),
    "truth": StageSpec("harness.datasets.stage:run_truth"),
    "faces": StageSpec("harness.faces.stage:run"),
    "label": StageSpec("harness.labeling.stage:run", 2, patient=True),
    "pseudo-label": StageSpec("harness.labeling.pseudo_labels:run", 2),
    "train": StageSpec("harness.training.stage:run", 2, of_network=True, resumes=True),
    "predict": StageSpec("harness.training.predict:run", of_network=True),
    "fuse": StageSpec("harness.fusion.stage:run"),
    "score": StageSpec("harness.evaluation.stage:run", 4),
}
