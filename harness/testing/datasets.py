"""Do data sets keep their contract?"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from harness.components import Clip, Dataset, Licence
from harness.expressions import LabelSpace
from harness.testing.expect import expect

if TYPE_CHECKING:
    import pandas as pd


def check_dataset(dataset: Dataset, label_space: LabelSpace | None = None) -> None:
    """Prepares the data set, then looks at its clips and annotations; the media themselves are not decoded.

    label_space: that every annotated class must belong to.
    """
    steps: list[tuple[int, int]] = []
    dataset.prepare(lambda done, total: steps.append((done, total)))
    expect(
        all(0 <= done <= total for done, total in steps), "prepare() must report progress(done, total), done <= total"
    )
    licence = getattr(dataset, "licence", None)
    expect(isinstance(licence, Licence), f"licence must be a Licence, not {licence!r}")
    clips = list(dataset.clips())
    _check_clips(clips)
    expect(clips == list(dataset.clips()), "clips() must give the same clips in the same order every time")
    annotations = dataset.annotations()
    if annotations is not None:
        _check_annotations(annotations, {clip.id for clip in clips}, label_space)


def _check_clips(clips: list[Clip]) -> None:
    expect(clips, "clips() must give at least one clip")
    for clip in clips:
        expect(isinstance(clip, Clip), f"clips() must give Clips, not {type(clip).__name__}")
        expect(clip.id, "a clip's id must be a text that is not empty")
        expect(clip.subject is None or clip.subject, f"clip {clip.id!r}: an unknown subject is None, not empty")
        if clip.source is None:
            expect(clip.frames and clip.frames > 0, f"clip {clip.id!r}: without a source it must say how many frames")
            rate = clip.frames_per_second
            expect(rate is None or 0 < rate < inf, f"clip {clip.id!r}: an unknown frame rate is None, not {rate}")
        else:
            expect(clip.source.exists(), f"clip {clip.id!r}: its source does not exist after prepare()")
    expect(len({clip.id for clip in clips}) == len(clips), "clip ids must be unique")


def _check_annotations(table: pd.DataFrame, clips: set[str], label_space: LabelSpace | None) -> None:
    columns = list(table.columns)
    expect(
        columns == ["clip", "frame", "label"], f"annotations must have the columns clip, frame, label, not {columns}"
    )
    strangers = sorted(set(table["clip"]) - clips)
    expect(not strangers, f"annotations name clips that are not in the data set: {strangers[:3]}")
    expect(table["frame"].dtype.kind == "i", f"annotated frames must be whole numbers, not {table['frame'].dtype}")
    expect((table["frame"] >= 0).all(), "annotated frames must count from 0")
    expect(not table.duplicated(["clip", "frame"]).any(), "a frame must be annotated once")
    labels = set(table["label"])
    expect(all(isinstance(one, str) for one in labels), "labels must be texts; '' is none of the space")
    if label_space is not None:
        unknown = sorted(one for one in labels if one and label_space.find(one) is None)
        expect(not unknown, f"annotated labels that are not in {label_space.name!r}: {unknown[:3]}")
