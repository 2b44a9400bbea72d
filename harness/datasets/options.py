"""Options of the built-in data sets that lie on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.components import Options

Rate = Annotated[float, Field(gt=0, le=1000)]
SLACK = 3


class VideosOptions(Options):
    """A user's own videos: `root` is a folder of videos, folders of frame images and single images, or one video."""

    root: Path = Field(description="folder of clips (searched to any depth), or one video file")
    pattern: str | None = Field(
        None, description="keep only clips whose path below root matches, e.g. 'session1/*' or '*.mp4'"
    )
    frames: Literal["all"] = Field("all", description="which frames of a clip take part")
    cropped: bool = Field(False, description="every image is a face crop already: it is used whole, without detection")
    annotations: Path | None = Field(
        None,
        description="CSV or Parquet with the columns clip, frame (0-based), label (empty: none of the classes); or "
        "clip, begin, end, label: time segments, in seconds or hh:mm:ss.ms",
    )
    frames_per_second: Rate | None = Field(
        None, description="rate that turns time segments into frames; none: what the video says of itself"
    )
    licence: str = Field("unknown", description="name of the licence, for the record")
    faces_may_leave: bool = Field(
        False, description="the licence, and the people in it, allow that faces are sent to another machine"
    )


class RafDbOptions(Options):
    """RAF-DB as its authors hand it out: `root` is the folder that holds `compound` and `basic`."""

    root: Path = Field(description="the folder that holds compound/ and basic/, or one of the two")
    part: Literal["compound", "basic"] = Field("compound", description="11 compound or 7 basic expressions")
    split: Literal["train", "test", "both"] = Field("train", description="the images whose names begin so")
    images: Literal["aligned", "original"] = Field(
        "aligned",
        description="aligned: face crops of 100 x 100, used whole; original: photographs, faces are looked for",
    )

    def sources(self) -> Sequence[Path]:
        """The part alone: what lies beside it decides nothing."""
        part = self.root / self.part
        return [part if part.is_dir() else self.root]


class RafCeOptions(Options):
    """RAF-CE: three lists in `root`, and the images of RAF-AU or RAF-ML that they name."""

    root: Path = Field(description="folder of RAFCE_emolabel.txt, RAFCE_partition.txt and RAFCE_AUlabel.txt")
    images_root: Path | None = Field(
        None, description="folder of the images, if they do not lie in root: the one that holds aligned/ or original/"
    )
    split: Literal["train", "validation", "test", "all"] = Field("train", description="as RAFCE_partition.txt has it")
    images: Literal["aligned", "original"] = Field(
        "aligned", description="aligned: face crops, used whole; original: photographs, faces are looked for"
    )


class CExprDbOptions(Options):
    """The 56 challenge videos of C-EXPR-DB, or their frame list alone; annotated by a third party, if at all."""

    root: Path | None = Field(
        None,
        description="folder of 01.mp4 .. 56.mp4, or of folders 01 .. 56 of their frames; none: clips without media",
    )
    frame_list: Path | None = Field(
        None, description="the challenge's list of frames (01/00001.jpg, ...); without root the clips come from it"
    )
    annotations: Path | None = Field(
        None,
        description="a folder of one file a video (time segments, frame and label, or one label a line), or one file: "
        "clip,frame,label or the layout of a submission",
    )
    frames_per_second: Rate | dict[str, Rate] | None = Field(
        None,
        description="frame rate of all clips, or a table of rates by clip; none: what the video says, else 25 or 30, "
        "as the annotation fits the number of frames",
    )
    slack: int = Field(
        SLACK, ge=0, le=100, description="frames that an annotation or frame list may disagree with a clip's length"
    )

    @model_validator(mode="after")
    def _has_clips(self) -> CExprDbOptions:
        if self.root is None and self.frame_list is None:
            raise ValueError("root (the videos) or frame_list (clips without media) is needed")
        return self


class FolderOptions(Options):
    """Images with labels: a folder a class, or a table of files and labels."""

    root: Path = Field(description="folder of class folders; with a manifest: where its files are looked for")
    manifest: Path | None = Field(
        None, description="CSV or Parquet with the columns file, label and, if there are any, subject and split"
    )
    split: str | None = Field(
        None, description="only images of this split: of the manifest's column, or of the folder of that name in root"
    )
    labels: dict[str, str] = Field(
        {}, description='what folders or labels mean where they are no class names, e.g. {"0" = "Neutral"}'
    )
    cropped: bool = Field(False, description="the images are face crops already: used whole, without detection")
    licence: str = Field("unknown", description="name of the licence, for the record")
    faces_may_leave: bool = Field(
        False, description="the licence, and the people in it, allow that faces are sent to another machine"
    )
