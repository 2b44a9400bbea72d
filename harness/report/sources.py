"""Where the parts of a report come from: the run's folder, its record, and what the store still has of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import StoreError, listed
from harness.evaluation.scores import Scores
from harness.evaluation.stage import read_scores
from harness.finished import FinishedRun
from harness.leaderboard.record import Record, StageRecord, read_record
from harness.store import Artifact, Store

RECORD = "record.json"
LARGE = ("faces", "data")  # sizes are checked, but nobody waits until gigabytes of pictures are hashed


@dataclass
class Sources:
    """A run and its store. gone: what the store has no more, by kind; unread: sentences of what is there and no use;
    both are gathered while the parts are read."""

    run: FinishedRun
    root: Path
    gone: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """What could not be shown and why, a sentence each."""
        if self.store is None:
            return [
                f"there is no store at {str(self.root)!r}, so all that it would hold is left out: {listed(self.gone)}"
            ]
        lines = [
            f"not in the store any more: {what}{' of ' if names else ''}{listed(names)}"
            for what, names in self.gone.items()
        ]
        return lines + self.unread

    @cached_property
    def store(self) -> Store | None:
        """The store, or None where there is none: looking at a run must not make one."""
        return Store(self.root) if self.root.is_dir() else None

    @cached_property
    def record(self) -> Record | None:
        """The run's record, None if nothing was annotated; DataError if it is damaged or of another version."""
        path = self.run.folder / RECORD
        if not path.is_file():
            return None
        return read_record(path)[0]

    @cached_property
    def scores(self) -> Scores | None:
        """Of the record, or without one of the stage `score`, which has coverage and the like; None if it is gone."""
        if self.record is not None:
            return self.record.scores
        folder = self.folder("score", "score", "coverage and predicted classes")
        found = None if folder is None else scores_in(folder)
        if folder is not None and found is None:
            self.unread.append("scores: those in the store are of another version; run the experiment again")
        return found

    def find(self, kind: str, role: str) -> Artifact | None:
        """The artifact of a role, or None if the run has no such role or the store no such artifact any more.

        StoreError if it is there and damaged.
        """
        fingerprint = self.run.fingerprints.get(role)
        if fingerprint is None or self.store is None:
            return None
        try:
            return self.store.find(kind, fingerprint, deep=kind not in LARGE)
        except StoreError as error:
            raise StoreError(
                f"run {self.run.name!r}, {role!r}: {error}; remove that folder, or compute it again: harness run "
                f"{self.run.folder / 'experiment.json'}"
            ) from error

    def folder(self, kind: str, role: str, what: str, name: str = "") -> Path | None:
        """The folder of a role's artifact; None, and an entry in `gone`, if the run has the role but the store not.

        what: the kind of thing that is missing then; name: which of them.
        """
        found = self.find(kind, role)
        if found is None and role in self.run.fingerprints:
            self.gone.setdefault(what, []).extend([name] if name else [])
        return None if found is None else found.folder

    def stages(self) -> list[StageRecord]:
        """Every stage with its time and memory: of the record, or of the manifests that are still there."""
        if self.record is not None:
            return list(self.record.stages)
        found = ((role, self.find(_kind(role), role)) for role in self.run.fingerprints)
        return [
            StageRecord(
                kind=one.manifest.stage,
                title=role,
                fingerprint=one.manifest.fingerprint,
                seconds=one.manifest.seconds,
                peak_memory=one.manifest.peak_memory,
                cached=False,
            )
            for role, one in found
            if one is not None
        ]

    def notices(self) -> list[str]:
        """What the stages told about themselves, each once."""
        if self.record is not None:
            return list(self.record.notices)
        found = (self.find(_kind(role), role) for role in self.run.fingerprints)
        return list(dict.fromkeys(line for one in found if one is not None for line in one.manifest.notices))


def scores_in(folder: Path) -> Scores | None:
    """The scores of a score artifact; None if they are of another version."""
    try:
        return read_scores(folder)
    except ValidationError:
        return None


def facts(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object that a stage wrote; StoreError if it is none."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / name} cannot be read ({error}); compute it again") from error
    if not isinstance(found, dict):
        raise StoreError(f"{folder / name} holds no JSON object; compute it again")
    return found


KINDS = {"pre-train": "train", "fine-tune": "train"}


def _kind(role: str) -> str:
    """The stage of a role: "fine-tune@3:resnet18" -> "train", "predict:resnet18:fine-tuned" -> "predict"."""
    phase = role.partition(":")[0].partition("@")[0]
    return KINDS.get(phase, phase)
