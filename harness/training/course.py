"""How far a training is: what each epoch scored, what is kept of it, and all of it as a file to go on from."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.training.network import Classifier
from harness.training.options import FineTuning
from harness.training.resume import (
    Progress,
    optimizer_tensors,
    random_states,
    restore_optimizer,
    restore_random_states,
)
from harness.training.teacher import follow

Row = dict[str, float]


@dataclass
class Course:
    """One training under way.

    network is trained; teacher, if there is one, follows it and is what is validated and kept. best: the weights of
    the epoch with the best validation score, None while these are the weights at hand, or where the last epoch is
    wanted. stale: epochs since the best.
    """

    network: Classifier
    teacher: Classifier | None
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    device: torch.device
    recipe: FineTuning
    epoch: int = 0
    history: list[Row] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    best_epoch: int = 0
    best_score: tuple[float, float] = (-1.0, -math.inf)
    stale: int = 0

    @property
    def kept(self) -> Classifier:
        """The network that is validated and kept."""
        return self.network if self.teacher is None else self.teacher

    @property
    def patient(self) -> bool:
        """Whether training may go on although no epoch was better for a while."""
        return self.recipe.patience is None or self.stale < self.recipe.patience

    def begin_epoch(self) -> None:
        """Networks as they are trained. The best weights so far are put aside before they change."""
        if self.recipe.checkpoint == "best" and self.best is None:
            self.best = snapshot(self.kept)
        self.network.train()
        if self.recipe.freeze_backbone:
            self.network.backbone.eval()
        if self.teacher is not None:
            self.teacher.eval()

    def teach(self, step: int) -> None:
        """Let the teacher follow after a step, counted from 1."""
        if self.teacher is not None and self.recipe.mean_teacher is not None:
            follow(self.teacher, self.network, self.recipe.mean_teacher.decay, step)

    def end_epoch(self, row: Row) -> None:
        """Note what an epoch scored; without a validation score the last epoch is the best."""
        self.epoch = int(row["epoch"])
        self.history.append(row)
        score = (row.get("validation_macro_f1", -1.0), -row.get("validation_loss", -self.epoch))
        if score > self.best_score:
            self.best, self.best_epoch, self.best_score, self.stale = None, self.epoch, score, 0
        else:
            self.stale += 1

    def result(self) -> tuple[dict[str, Tensor], int]:
        """The weights to keep and the epoch they are of."""
        if self.recipe.checkpoint == "last" or self.best is None:
            return snapshot(self.kept), self.epoch if self.recipe.checkpoint == "last" else self.best_epoch
        return self.best, self.best_epoch

    def as_progress(self, facts: dict[str, Any]) -> Progress:
        """All that the next epoch and the end depend on. facts: what else to write down."""
        parts = {
            "network": self.network.state_dict(),
            "teacher": {} if self.teacher is None else self.teacher.state_dict(),
            "best": self.best or {},
            "optimizer": optimizer_tensors(self.optimizer),
            "random": random_states(self.device, self.generator),
        }
        course = {
            "epoch": self.epoch,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": list(self.best_score),
            "stale": self.stale,
        }
        tensors = {f"{part}/{name}": one for part, found in parts.items() for name, one in found.items()}
        return Progress(tensors, {**facts, "course": course})

    def go_on(self, progress: Progress) -> None:
        """Be where `as_progress` was."""
        self.network.load_state_dict(progress.part("network"), strict=True)
        if self.teacher is not None:
            self.teacher.load_state_dict(progress.part("teacher"), strict=True)
        restore_optimizer(self.optimizer, progress.part("optimizer"))
        restore_random_states(progress.part("random"), self.device, self.generator)
        self.best = {key: one.to(self.device) for key, one in progress.part("best").items()} or None
        course = progress.facts["course"]
        self.epoch, self.history = course["epoch"], course["history"]
        first, second = course["best_score"]
        self.best_epoch, self.best_score, self.stale = course["best_epoch"], (first, second), course["stale"]


def make_teacher(network: Classifier, recipe: FineTuning) -> Classifier | None:
    """A copy of the network that learns nothing itself, if the recipe wants a teacher."""
    if recipe.mean_teacher is None:
        return None
    return copy.deepcopy(network).requires_grad_(False)


def snapshot(network: Classifier) -> dict[str, Tensor]:
    """A copy of the state dictionary."""
    return {key: value.detach().clone() for key, value in network.state_dict().items()}
