"""Options of the built-in data sets of a user's own media."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.components import Options


class VideosOptions(Options):
    """A user's own videos: `root` is a folder of videos, folders of frame images and single images, or one video."""

    root: Path = Field(description="folder of clips (searched to any depth), or one video file")
    pattern: str | None = Field(
        None, description="keep only clips whose path below root matches, e.g. 'session1/*' or '*.mp4'"
    )
    frames: Literal["all"] = Field("all", description="which frames of a clip take part")
    cropped: bool = Field(False, description="every image is a face crop already: it is used whole, without detection")
    annotations: Path | None = Field(
        None, description="CSV or Parquet with the columns clip, frame (0-based), label (empty: none of the classes)"
    )
