"""The stages `data` (media written, where a data set generates its own) and `truth` (annotations as class ids)."""

from __future__ import annotations

import collections
from typing import Any

from harness.documents import readable_json, write_atomically
from harness.errors import DataError, listed
from harness.expressions import LabelSpace
from harness.stage import StageContext


def run_data(context: StageContext) -> None:
    """Stage `data`: params {"dataset"}; writes generated media, if any, and summary.json (clips, subjects,
    licence, faces_may_leave)."""
    dataset = context.build("datasets", context.params["dataset"], folder=context.folder)
    dataset.prepare(lambda done, total: context.progress("generating", done, total))
    clips = dataset.clips()
    if not clips:
        raise DataError(f"data set {context.params['dataset']['use']!r} holds no clip")
    repeated = [name for name, count in collections.Counter(clip.id for clip in clips).items() if count > 1]
    if repeated:
        raise DataError(f"data set {context.params['dataset']['use']!r}: clip ids are not unique: {listed(repeated)}")
    _forward_notices(dataset, context)
    summary = {
        "clips": len(clips),
        "subjects": len({clip.subject or clip.id for clip in clips}),
        "licence": dataset.licence.name,
        "faces_may_leave": dataset.licence.faces_may_leave,
    }
    write_atomically(context.folder / "summary.json", readable_json(summary))


def run_truth(context: StageContext) -> None:
    """Stage `truth`: params {"dataset", "label_space"}, inputs {"data"}; writes truth.parquet (clip, frame, label).

    label is a class id, or -1 for a frame annotated as none of the space. No rows: nothing is annotated.
    """
    import pandas as pd

    dataset = context.build("datasets", context.params["dataset"], folder=context.inputs["data"])
    annotations = dataset.annotations()
    _forward_notices(dataset, context)
    if annotations is None:
        annotations = pd.DataFrame({"clip": [], "frame": [], "label": []})
    table = pd.DataFrame(
        {
            "clip": annotations["clip"].astype("str"),
            "frame": annotations["frame"].astype("int32"),
            "label": _class_ids(annotations["label"], context.label_space, context),
        }
    )
    table.to_parquet(context.folder / "truth.parquet", index=False)


def _forward_notices(dataset: Any, context: StageContext) -> None:
    """A data set may have `notices`: lines about what it left out or took for granted."""
    for line in getattr(dataset, "notices", ()):
        context.notice(line)


def _class_ids(names: Any, space: LabelSpace, context: StageContext) -> Any:
    known = {name: space.find(name) for name in names.unique()}
    outside = {name: int((names == name).sum()) for name, found in known.items() if name and found is None}
    if outside:
        counts = listed(f"{name} ({count})" for name, count in outside.items())
        context.notice(f"annotations outside label space {space.name!r} are left out: {counts}")
    return names.map(lambda name: -1 if known[name] is None else known[name]).astype("int16")
