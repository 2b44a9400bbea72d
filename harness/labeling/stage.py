"""The stage `label`: one labeler's votes on a sample of the distinct faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.components import JointScorer, LookupLabeler, Scorer, Scores
from harness.errors import ConfigError, DataError
from harness.faces.artifact import CROPS, OTHERS, read_crops, read_faces
from harness.labeling.changes import small_crops
from harness.labeling.language import run as run_language
from harness.labeling.providers import asked
from harness.labeling.sample import sample_faces
from harness.labeling.votes import scored, write_votes
from harness.stage import StageContext

if TYPE_CHECKING:
    import pandas as pd

Result = TypeVar("Result")


def run(context: StageContext) -> None:
    """Stage `label`: params {"labeler", "label_space", "sample", "batch"}; inputs {"faces"}, {"truth"} if needed.

    With the param "others", the votes are on the further faces of the sampled frames: a labeler that looks faces up by
    clip and frame knows nothing of them and has none.
    Writes votes.parquet; for a vision-language model see `language`. DataError if there is no face; ConfigError for a
    labeler that keeps none of the contracts.
    """
    name = context.params["labeler"]["use"]
    if language := asked(context.registry, context.params["labeler"]):
        run_language(context, language)
        return
    space = context.label_space
    faces = read_faces(context.inputs["faces"])[["face", "clip", "frame"]]
    chosen = sample_faces(
        faces["clip"].tolist(), faces["frame"].to_numpy(), context.params["sample"],
        small_crops(context.inputs["faces"] / CROPS),
    )  # fmt: skip
    faces = faces[chosen].reset_index(drop=True)
    if not len(faces):
        raise DataError("there is no face to label: the faces stage found none in any clip")
    if context.params.get("others"):
        _label_others(context, name, faces["face"].to_numpy())
        return
    labeler = context.build("labelers", context.params["labeler"], label_space=space)
    scores = _ask(context, name, labeler, faces)
    for line in getattr(labeler, "notices", ()):
        context.notice(f"labeler {name!r}: {line}")
    votes = scored(faces, name, scores, len(space))
    abstained = int((votes.frame["outcome"] == "abstain").sum())
    if abstained:
        context.notice(f"labeler {name!r} abstained on {abstained} of {len(faces)} faces")
    write_votes(context.folder, [votes])


def _label_others(context: StageContext, name: str, sampled: NDArray[np.int64]) -> None:
    space = context.label_space
    faces = read_faces(context.inputs["faces"], OTHERS)
    faces = faces[np.isin(faces["beside"].to_numpy(), sampled)].reset_index(drop=True)
    labeler = context.build("labelers", context.params["labeler"], label_space=space)
    if isinstance(labeler, LookupLabeler):  # it would give the chosen face's label to every face of the frame
        faces = faces[:0]
    scores = Scores(np.zeros((0, len(space)), np.float32))
    if len(faces):
        scores = _ask(context, name, labeler, faces, OTHERS)
    votes = scored(faces, name, scores, len(space))
    abstained = int((votes.frame["outcome"] == "abstain").sum())
    if abstained:
        context.notice(f"labeler {name!r} abstained on {abstained} of {len(faces)} further faces")
    write_votes(context.folder, [votes])


def _ask(context: StageContext, name: str, labeler: object, faces: pd.DataFrame, table: str = CROPS) -> Scores:
    if isinstance(labeler, LookupLabeler):
        frames = faces[["clip", "frame"]]
        return labeler.look_up(frames, _truth(context, name, frames))
    if isinstance(labeler, JointScorer):
        measures = np.concatenate(_in_batches(context, name, faces, labeler.measure, table))
        return labeler.judge(measures, faces[["clip", "frame"]])
    if isinstance(labeler, Scorer):
        return _joined(_in_batches(context, name, faces, labeler.score, table))
    if hasattr(labeler, "reply"):
        raise ConfigError(
            f"labeler {name!r} is a vision-language model, but its options do not derive from LanguageModelOptions"
        )
    raise ConfigError(f"labeler {name!r} is no scorer, no look-up labeler and no vision-language model")


def _in_batches(
    context: StageContext, name: str, faces: pd.DataFrame, ask: Callable[[NDArray[np.uint8]], Result], table: str
) -> list[Result]:
    """What `ask` answers to the faces' crops, batch after batch, in the order of `faces`."""
    results: list[Result] = []
    ids = faces["face"].to_numpy()
    batch = int(context.params.get("batch", 64))
    for start in range(0, len(ids), batch):
        wanted = ids[start : start + batch]
        results.append(ask(read_crops(context.inputs["faces"], wanted, table=table)))
        context.progress(f"labelling with {name}", start + len(wanted), len(ids))
    return results


def _joined(parts: list[Scores]) -> Scores:
    """One Scores of those of the batches; explanations only if every batch has them."""
    explanations: list[str] = []
    for part in parts:
        explanations += part.explanations or [""] * len(part.probabilities)
    return Scores(np.concatenate([part.probabilities for part in parts]), explanations)


def _truth(context: StageContext, name: str, frames: pd.DataFrame) -> pd.DataFrame | None:
    """The frames' true labels, -1 where there is none; None if the labeler was not given the truth."""
    import pandas as pd

    if "truth" not in context.inputs:
        return None
    context.notice(f"labels of {name!r} are made from the annotations: a study of label noise, not a labeler's result")
    truth = pd.read_parquet(context.inputs["truth"] / "truth.parquet")
    labels = pd.Series(truth["label"].to_numpy(), index=pd.MultiIndex.from_arrays([truth["clip"], truth["frame"]]))
    if labels.index.has_duplicates:
        raise DataError("the annotations name a frame twice; every (clip, frame) may stand once")
    wanted = pd.MultiIndex.from_arrays([frames["clip"], frames["frame"]])
    return frames.assign(label=labels.reindex(wanted, fill_value=-1).to_numpy())
