"""Settings of the smoothing over time; importing them loads nothing but pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import ConfigError
from harness.validation import explain


class Smoothing(BaseModel):
    """Smoothing of the fused probabilities over a clip's frames."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["none", "box", "gaussian"] = Field(default="none", description="the kernel over time")
    window: int = Field(default=5, ge=1, description="box: frames averaged, odd, with the frame itself in the middle")
    sigma: float = Field(default=2.0, gt=0, allow_inf_nan=False, description="gaussian: standard deviation in frames")
    fill: bool = Field(default=False, description="give frames without any vote the smoothed value of their neighbours")

    @model_validator(mode="after")
    def _odd_window(self) -> Smoothing:
        if self.kind == "box" and self.window % 2 == 0:
            raise ValueError(f"window {self.window} is even, so it has no middle frame; use {self.window + 1}")
        return self

    @classmethod
    def read(cls, params: Mapping[str, Any]) -> Smoothing:
        """The settings in a stage's parameters; ConfigError, one line, for what cannot be used."""
        try:
            return cls.model_validate(params)
        except ValidationError as error:
            raise ConfigError(f"smoothing: {explain(error, cls)}") from error
