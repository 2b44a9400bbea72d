"""Options of the labeler `facs`; importing them loads nothing but pydantic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.components import Options


class FacsOptions(Options):
    """Action units from Face Mesh landmarks, matched against prototypes of the expressions."""

    prototypes: Literal["du-2014", "emotionet"] = Field(
        "du-2014",
        description="which action units make up an expression: 'du-2014' (Du, Tao & Martinez 2014, Table 1) or "
        "'emotionet' (the same with Sadly Fearful 1 4 15 25 and Sadly Angry 4 7 15)",
    )
    prototypes_file: Path | None = Field(
        None, description="TOML file of prototypes of your own, put in place of those of the same basic emotions"
    )
    baseline: Literal["clip", "batch", "fixed"] = Field(
        "clip",
        description="what counts as a face at rest: estimated for each clip, or for all faces labelled together "
        "('batch'), both from the unlabelled faces themselves; or the constants of the package ('fixed')",
    )
    temperature: float = Field(
        1.0, gt=0, description="divides the log-likelihoods: above 1 softer probabilities, below 1 harder ones"
    )
    balance: float = Field(
        1.0,
        ge=0,
        le=1,
        description="how far the classes are taken to be equally frequent; its effect grows with the number of clips, "
        "so that one clip of one expression stays one expression",
    )
    presence: float = Field(
        0.0,
        description="Face Mesh's face-presence logit below which the labeler abstains; about 20 to 45 on a clear face",
    )
    weights: Path | None = Field(None, description="path of face_landmark.tflite; none: found or taken from a package")
    threads: int = Field(1, ge=1, le=64, description="threads of LiteRT")

    def sources(self) -> Sequence[Path]:
        """The prototypes file; the weights need none, their sha256 is pinned."""
        return [self.prototypes_file] if self.prototypes_file is not None else []
