"""Options of the built-in labelers; importing them loads nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from harness.components import Options

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ReplayOptions(Options):
    """Labels from a file: published ones, or those of an earlier run."""

    path: Path = Field(description="CSV or Parquet file (by its ending: .parquet), one row a labelled frame")
    label: str = Field("label", description="column of the labels: class names, aliases, class ids, or keys of `ids`")
    clip: str = Field("clip", description="column of the clip ids")
    frame: str = Field("frame", description="column of the frame numbers")
    image: str | None = Field(
        None, description="one column that holds clip and frame, in place of the two, e.g. 'img_name'"
    )
    pattern: str = Field(
        "{clip}/{frame}.jpg", description="how the image column is written; leading zeros of the frame do not count"
    )
    first_frame: Literal[0, 1] = Field(0, description="number of a clip's first frame in the file")
    ids: dict[str, int | str] = Field(
        default_factory=dict, description="what the file's labels mean: class ids or names, e.g. {'0' = 1, '1' = 5}"
    )
    abstain: tuple[str, ...] = Field(("",), description="values of the label column that mean: no label")
    separator: str = Field(",", min_length=1, description="what separates the columns of a CSV file")
    header: bool = Field(True, description="whether the first line names the columns; if not they are '0', '1', ...")

    @field_validator("pattern")
    @classmethod
    def _has_both(cls, pattern: str) -> str:
        if pattern.count("{clip}") != 1 or pattern.count("{frame}") != 1:
            raise ValueError(f"pattern {pattern!r} must hold {{clip}} and {{frame}}, once each")
        return pattern


class SimulatedOptions(Options):
    """The truth, made wrong on purpose: for studies of label noise, never for results."""

    accuracy: Share = Field(0.7, description="share of right labels; the wrong ones are spread evenly")
    matrix: tuple[tuple[Share, ...], ...] | None = Field(
        None,
        description="full confusion matrix in place of `accuracy`: a row a true class, what it is called; sums of 1",
    )
    abstain_rate: Share = Field(0.0, description="share of faces without a label")
    confidence: Literal["one-hot", "posterior", "graded"] = Field(
        "one-hot",
        description="probabilities: all on the label; those of the true class given the label; or a confidence that is "
        "higher on average where the label is right",
    )
    seed: int = Field(0, description="the same seed gives the same label to the same frame, whatever else is labelled")

    @field_validator("matrix")
    @classmethod
    def _rows_are_distributions(
        cls, matrix: tuple[tuple[float, ...], ...] | None
    ) -> tuple[tuple[float, ...], ...] | None:
        for number, row in enumerate(matrix or ()):
            if abs(sum(row) - 1) > 1e-6:
                raise ValueError(f"row {number} of the confusion matrix sums to {sum(row):g}, not to 1")
            if len(row) != len(matrix or ()):
                raise ValueError(f"row {number} of the confusion matrix has {len(row)} of {len(matrix or ())} entries")
        return matrix
