"""Frames with several faces, judged by the maximum: of each voter and class the highest probability among the faces.

As HSEmotion (Savchenko, 6th and 7th ABAW challenge) does. The result is divided by its sum, so that a frame with five
faces weighs no more than one with a single face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.components import Votes
from harness.errors import DataError, StoreError, listed
from harness.faces.artifact import OTHERS, read_faces
from harness.fusion.predictions import predictions
from harness.labeling.combine import numbered
from harness.labeling.votes import VoteTable, read_votes
from harness.stage import StageContext

Floats = NDArray[np.float32]


def over_faces(chosen: Floats, others: Floats, beside: NDArray[np.int64]) -> Floats:
    """Probabilities of the chosen faces (N, C) and of further ones (M, C) -> of the frames (N, C); rows sum to 1.

    beside (M,): which chosen face each further one was found with. Rows with a NaN are missing and left out: of a frame
    the faces that are there count, and one without any is a row of NaN. A frame with a single face keeps its row.
    """
    frames = np.where(np.isnan(chosen).any(axis=1, keepdims=True), np.float32(np.nan), chosen)
    there = np.flatnonzero(~np.isnan(others).any(axis=1))
    if not len(there):
        return frames
    there = there[np.argsort(beside[there], kind="stable")]
    several, starts = np.unique(beside[there], return_index=True)
    best = np.fmax(np.maximum.reduceat(others[there], starts, axis=0), frames[several])
    frames[several] = best / best.sum(axis=1, keepdims=True)
    return frames


@dataclass(frozen=True)
class Company:
    """The further faces of a faces artifact, and the items that are voted on for their sake.

    count: of chosen faces, F; beside (M,): the chosen face that each further one was found with; alone (E,): chosen
    faces with company that are copied into frames without a face, where they are alone. Items 0..F-1 are the chosen
    faces with their company, F..F+E-1 those of `alone` without it; item: that of each frame, -1 without a face.
    """

    count: int
    beside: NDArray[np.int64]
    alone: NDArray[np.int64]
    item: NDArray[np.int64]

    def items(self, chosen: Floats, others: Floats | None) -> Floats:
        """Probabilities of the chosen faces (F, C) and of the further ones (M, C) -> of the items (F + E, C)."""
        frames = chosen if others is None else over_faces(chosen, others, self.beside)
        return np.concatenate([frames, chosen[self.alone]])


def read_company(folder: Path, index: Any, count: int) -> Company:
    """The company of `count` chosen faces. index: Arrow columns face and status; StoreError for a damaged table."""
    beside = read_faces(folder, OTHERS)["beside"].to_numpy(np.int64)
    if len(beside) and not 0 <= beside.min() <= beside.max() < count:
        wrong = int(beside.min() if beside.min() < 0 else beside.max())
        raise StoreError(
            f"{folder / OTHERS}: a face beside face {wrong}, but there are {count} chosen faces; "
            "delete the artifact's folder and run again"
        )
    face = index["face"].to_numpy()
    copied = (face >= 0) & (index["status"].to_numpy(zero_copy_only=False) == "copied")
    alone = np.intersect1d(face[copied], beside)
    item = face.copy()
    lonely = np.flatnonzero(copied & np.isin(face, alone))
    item[lonely] = count + np.searchsorted(alone, face[lonely])
    return Company(count, beside, alone, item)


def votes_over_faces(context: StageContext, company: Company) -> Votes:
    """The voters' votes on the items of a company: of networks, or of labelers, which become one voter, "labels".

    Voter k is read from the inputs voter-k and, of further faces, others-k. One that gives labels alone, or says
    nothing of further faces, keeps its vote on the chosen face, with a notice.
    """
    labelled = "labels" in context.params
    voters = list(_labelers(context, company) if labelled else _networks(context, company))
    mute = [voter.name for voter in voters if voter.others is None]
    if mute and len(company.beside):
        context.notice(
            f"fusion.faces = 'maximum': {listed(mute, len(mute))} gave no probabilities of further faces; "
            "the vote on the chosen face counts"
        )
    stacked = np.stack([company.items(voter.chosen, voter.others) for voter in voters])
    votes = Votes(stacked, numbered(voter.name for voter in voters))
    return _as_one(context, votes) if labelled else votes


@dataclass(frozen=True)
class _Voter:
    """chosen (F, C): probabilities of the chosen faces; others (M, C): of the further ones, or None."""

    name: str
    chosen: Floats
    others: Floats | None


def _networks(context: StageContext, company: Company) -> Iterator[_Voter]:
    classes = len(context.label_space)
    for number, name in enumerate(context.params["voters"]):
        try:
            chosen = predictions(context.inputs[f"voter-{number}"], company.count, classes)
            others = predictions(context.inputs[f"others-{number}"], len(company.beside), classes)
        except DataError as error:
            raise DataError(f"voter {name!r}: {error}") from error
        yield _Voter(name, chosen, others)


def _labelers(context: StageContext, company: Company) -> Iterator[_Voter]:
    classes = len(context.label_space)
    for number in range(len(context.params["voters"])):
        further = context.inputs.get(f"others-{number}")
        for table in read_votes(context.inputs[f"voter-{number}"]):
            others = None
            if further is not None and not table.hard:
                (found,) = read_votes(further)
                others = _by_face(found, len(company.beside), classes) if len(found.frame) else None
            yield _Voter(table.voter, _by_face(table, company.count, classes), others)


def _by_face(table: VoteTable, count: int, classes: int) -> Floats:
    """(count, classes) probabilities by face id, rows of NaN where there is no label."""
    face = table.frame["face"].to_numpy()
    if table.probabilities.shape[1] != classes:
        raise DataError(f"voter {table.voter!r}: its votes are not over the {classes} classes; label again")
    if len(face) and not 0 <= face.min() <= face.max() < count:
        raise DataError(f"voter {table.voter!r}: names face {face.max()}, but there are {count} faces; label again")
    found = np.full((count, classes), np.nan, np.float32)
    found[face] = table.probabilities
    return found


def _as_one(context: StageContext, votes: Votes) -> Votes:
    """The labelers' votes as those of one voter, as pseudo-labels combine them: a single labeler's pass as they are."""
    probabilities = votes.probabilities[0]
    if len(votes.voters) > 1:
        decided = context.build("aggregators", context.params["labels"]).aggregate(votes)
        probabilities = np.where(decided.labels[:, None] >= 0, decided.probabilities, np.float32(np.nan))
    return Votes(probabilities[None], ("labels",))
