"""The parameters of the faces stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from harness.errors import ConfigError
from harness.faces.choice import Rule
from harness.faces.cropping import Format

Align = Literal["five-point", "box", "none"]
Gaps = Literal["closest", "leave"]


class Settings(BaseModel):
    """How faces are chosen, aligned and stored; components stand beside them in the stage's params."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    choose: Rule = Field("largest", description="which face of a frame is its face")
    align: Align = Field("five-point", description="landmarks to the template; the face's box; or the whole frame")
    size: int = Field(224, ge=8, le=2048, description="side of the crops in pixels")
    margin: float = Field(0.0, ge=0.0, le=4.0, description="border on every side, in sides of the template or box")
    others: StrictBool | Annotated[StrictInt, Field(ge=0)] = Field(
        False, description="further faces of a frame that are cut out too; true: all of them"
    )
    min_score: float = Field(0.0, ge=0.0, le=1.0, description="faces that score less do not count")
    # JPEG 95 4:4:4 keeps a 224 px crop of decoded video within 46 dB of itself, in a fifth of PNG's room, at a tenth
    # of its encoding time (0.25 ms against 3 ms) and a fifth of its decoding time.
    format: Format = Field("jpeg", description="how crops are stored; labelers are sent exactly these bytes")
    quality: int = Field(95, ge=1, le=100, description="JPEG quality")
    batch: int = Field(16, ge=1, le=1024, description="frames the detector is given at once")
    gaps: Gaps = Field("closest", description="a frame without a face takes the closest frame's, or is left out")

    @property
    def most_faces(self) -> int | None:
        """How many faces of a frame are cut out, its own included; None: all."""
        return None if self.others is True else 1 + self.others

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """The settings in a stage's parameters; ConfigError names the key."""
        try:
            return cls.model_validate({key: value for key, value in params.items() if key in cls.model_fields})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"faces.{place} = {first['input']!r} cannot be used: {first['msg'].lower()}") from None
