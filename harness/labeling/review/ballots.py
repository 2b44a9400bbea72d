"""Votes of several labelers on the same annotated faces, and what each costs a face: of one run, or of several."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError
from harness.expressions import LabelSpace
from harness.labeling.answers import SUMMARY
from harness.labeling.combine import numbered
from harness.labeling.review.found import Found, find
from harness.labeling.review.judged import Judged, judged


@dataclass(frozen=True)
class Ballots:
    """V voters on the N annotated faces that all of them were asked about.

    labels (V, N) class ids, -1 for none; truth (N,) class ids; clip (N,) position in `clips`; cost (V,) US dollars a
    face, NaN if the price is not known; left_out: annotated faces that not all were asked about.
    """

    space: LabelSpace
    voters: tuple[str, ...]
    labels: NDArray[np.int64]
    truth: NDArray[np.int64]
    clip: NDArray[np.int64]
    clips: tuple[str, ...]
    cost: NDArray[np.float64]
    left_out: int


@dataclass(frozen=True)
class _Part:
    """Of one labelling: voters' names, labels (V, N), asked (V, N), cost (V,), and where its faces are."""

    voters: tuple[str, ...]
    labels: NDArray[np.int64]
    asked: NDArray[np.bool_]
    cost: tuple[float, ...]
    said: Judged


def ballots(runs: Sequence[str], runs_folder: Path, store: Path) -> Ballots:
    """The voters of one run (its labelers, each prompt and repetition by itself); of several runs the labels of each.

    A run is named as for `harness labels show`. DataError for runs over other classes or data, without annotations, or
    with one voter alone.
    """
    found = [find(run, runs_folder, store) for run in runs]
    for run, one in zip(runs, found, strict=True):
        if one.space.names != found[0].space.names:
            raise DataError(
                f"{run}: labels of other classes than those of {runs[0]}; compare voters on one label space"
            )
    parts = [_each_voter(found[0])] if len(runs) == 1 else [_whole(*one) for one in zip(runs, found, strict=True)]
    for run, part in zip(runs, parts, strict=True):
        if not (part.said.truth >= 0).any():
            raise DataError(f"{run}: no face is annotated, so that nobody knows which voters are right")
    voters = numbered(name for part in parts for name in part.voters)
    if len(voters) < 2:
        raise DataError(f"{runs[0]}: one voter alone; name further runs on the same data, or one with several labelers")
    labels, asked, places, truth = _side_by_side(parts, runs)
    kept = asked.all(axis=0) & (truth >= 0)
    if not kept.any():
        raise DataError("no annotated face was put to all of the voters, so that they cannot be compared")
    clips, clip = np.unique(np.array([place[0] for place in places])[kept], return_inverse=True)
    return Ballots(
        space=found[0].space,
        voters=voters,
        labels=labels[:, kept],
        truth=truth[kept],
        clip=clip.astype(np.int64),
        clips=tuple(clips.tolist()),
        cost=np.array([cost for part in parts for cost in part.cost]),
        left_out=int(((truth >= 0) & ~kept).sum()),
    )


def _each_voter(found: Found) -> _Part:
    said = judged(found)
    folders = list(found.votes.values())
    shares = [_cost(folders[one]) / int((said.labeler == one).sum()) for one in said.labeler]
    return _Part(said.voters, said.labels.astype(np.int64), said.outcomes != "", tuple(shares), said)


def _whole(run: str, found: Found) -> _Part:
    """A run as one voter: its labels, and the cost of all of its labelers."""
    said = judged(found)
    asked = (said.outcomes != "").any(axis=0)
    cost = math.fsum(_cost(folder) for folder in found.votes.values())
    name = Path(run).expanduser().resolve().name
    return _Part((name,), said.decided[None].astype(np.int64), asked[None], (cost,), said)


def _cost(folder: Path) -> float:
    """US dollars a face of a label artifact: 0 where nobody was asked for money, NaN if the price is not known."""
    path = folder / SUMMARY
    if not path.is_file():
        return 0.0
    facts = json.loads(path.read_text(encoding="utf-8"))
    return math.nan if facts["cost"] is None else float(facts["cost"]) / max(int(facts["faces"]), 1)


def _side_by_side(
    parts: Sequence[_Part], runs: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[tuple[str, int]], NDArray[np.int64]]:
    """(labels (V, N), asked (V, N), clip and frame of each face, truth (N,)) of the faces of any part.

    DataError if a face's annotation is not the same in every run.
    """
    own = [list(zip(part.said.clip.tolist(), part.said.frame.tolist(), strict=True)) for part in parts]
    places = sorted({place for one in own for place in one})
    position = {place: number for number, place in enumerate(places)}
    count = sum(len(part.voters) for part in parts)
    labels, asked = np.full((count, len(places)), -1, np.int64), np.zeros((count, len(places)), np.bool_)
    truth = np.full(len(places), -1, np.int64)
    known = np.zeros(len(places), np.bool_)
    row = 0
    for part, of_part, run in zip(parts, own, runs, strict=False):
        at = np.array([position[place] for place in of_part], np.int64)
        rows = slice(row, row + len(part.voters))
        labels[rows, at], asked[rows, at] = part.labels, part.asked
        annotated = np.maximum(part.said.truth.astype(np.int64), -1)
        differ = int((known[at] & (truth[at] != annotated)).sum())
        if differ:
            raise DataError(
                f"{run}: {differ} faces are annotated otherwise than in {runs[0]}; compare runs on one data set"
            )
        truth[at], known[at] = annotated, True
        row += len(part.voters)
    return labels, asked, places, truth
