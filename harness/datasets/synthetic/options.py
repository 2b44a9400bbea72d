"""Options of the synthetic data set; light, so that announcing it imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from harness.components import Options
from harness.datasets.synthetic.prototypes import PROTOTYPES
from harness.errors import nearest


class SyntheticOptions(Options):
    """What to render, how much of it, and from which seed."""

    part: Literal["stills", "clips"] = Field(
        "stills", description="stills: annotated images of one face; clips: H.264 videos of other people elsewhere"
    )
    stills: int = Field(700, ge=1, description="number of stills")
    stills_per_subject: int = Field(4, ge=1, description="stills of each person")
    smallest_still: int = Field(160, ge=64, description="least side of a still in pixels")
    largest_still: int = Field(200, ge=64, description="greatest side of a still in pixels")
    balance: Literal["balanced", "raf-db"] = Field(
        "balanced", description="classes of the stills: as many of each, or in the proportions of RAF-DB's compounds"
    )
    clips: int = Field(24, ge=1, description="number of clips")
    clips_per_subject: int = Field(1, ge=1, description="clips of each person")
    seconds: float = Field(3.0, ge=0.5, description="length of a clip")
    frames_per_second: int = Field(12, ge=1, le=60, description="frame rate of the clips")
    width: int = Field(400, ge=160, description="width of the clips in pixels; some are narrower")
    height: int = Field(300, ge=120, description="height of the clips in pixels; some are lower")
    crf: int = Field(27, ge=0, le=51, description="H.264 compression of the clips: 0 lossless to 51 worst")
    label_from: float = Field(
        0.5, gt=0, le=1, description="a frame carries the label where the intensity is at least this share of the apex"
    )
    classes: tuple[str, ...] = Field(
        (), description="compound expressions to render; none named: all that have a prototype"
    )
    seed: int = Field(0, ge=0, description="the same seed and options give the same frames")

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        for name in classes:
            if name not in PROTOTYPES:
                raise ValueError(f"class {name!r} has no prototype{nearest(name, PROTOTYPES)}")
        if len(set(classes)) != len(classes):
            raise ValueError("a class is named twice")
        return classes

    @model_validator(mode="after")
    def _ordered(self) -> SyntheticOptions:
        if self.largest_still < self.smallest_still:
            raise ValueError(f"largest_still {self.largest_still} is below smallest_still {self.smallest_still}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The classes to render."""
        return self.classes or tuple(PROTOTYPES)
