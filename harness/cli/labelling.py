"""What `harness label` does: the stages up to the labels, then the tables for the user."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli.label_partial import answered_part
from harness.cli.label_summary import Labelled, print_labels_summary
from harness.cli.options import STORE, offline
from harness.cli.plan import print_plan
from harness.cli.report import ConsoleReporter
from harness.config import Experiment
from harness.contents import Contents
from harness.errors import ConfigError, PartialResult
from harness.labeling.archive import count
from harness.labeling.combine import numbered
from harness.labeling.replies import FILE as REPLIES
from harness.labeling.tables import Files, labels_table, replies_table, write_table
from harness.layout import experiment_plan
from harness.plan import Stage, pending
from harness.plugins import Registry
from harness.run import execute
from harness.store import Store


class Labelling:
    """One `harness label`: out and replies are the tables to write; replies may be None.

    reparse: label from stored replies, although labels stand.
    """

    def __init__(
        self, registry: Registry, experiment: Experiment, store_folder: Path, out: Path, replies: Path | None, *,
        reparse: bool = False,
    ) -> None:  # fmt: skip
        self.started = time.monotonic()
        self.registry = registry
        self.experiment = experiment
        self.store = Store(store_folder)
        self.out = out
        self.replies = replies
        self.console = Console()
        with Contents(self.store.root / "contents.sqlite") as contents:
            self.plan = experiment_plan(experiment, registry, contents.digest).labels()
        self.labelers = self._labelers()
        self.anew = self._anew(reparse)
        self.asked_before = count(self.store.root)

    def _labelers(self) -> dict[str, Stage]:
        """The label stages by the labelers' names; one that comes again gets a number."""
        stages = [stage for role, stage in self.plan.stages.items() if role.startswith("label:")]
        return dict(zip(numbered(stage.params["labeler"]["use"] for stage in stages), stages, strict=True))

    def _anew(self, reparse: bool) -> set[str]:
        """The fingerprints of the stages that read replies again. ConfigError if no labeler gives any."""
        language = [stage for stage in self.labelers.values() if "asked" in stage.params]
        if not language and (reparse or self.replies):
            raise ConfigError(f"{'--reparse' if reparse else '--replies'}: no labeler here gives replies in words")
        return {stage.fingerprint for stage in (*language, self.plan.stages["pseudo-label"])} if reparse else set()

    def tell(self) -> None:
        """Find the faces, which asks nobody, and say what `run` would ask, and what that costs."""
        found = {role: stage for role, stage in self.plan.stages.items() if stage.kind not in ("label", "pseudo-label")}
        if pending(replace(self.plan, stages=found), self.store).missing:
            with ConsoleReporter(self.console) as reporter, self._executor() as executor:
                execute(replace(self.plan, stages=found), self.store, executor, reporter, self.registry.settings)
        print_plan(self.plan, self.store, self.registry, self.anew)

    def run(self, *, partial: bool) -> None:
        """Label and write; partial: also what is answered of a labelling that stopped early. PartialResult passes in
        either case."""
        try:
            with ConsoleReporter(self.console) as reporter, self._executor() as executor:
                outcome = execute(self.plan, self.store, executor, reporter, self.registry.settings, self.anew)
        except PartialResult:
            if partial:
                self._write_part()
            raise
        last = self.plan.stages["pseudo-label"]
        folders = {name: artifact.folder for name, artifact in outcome.artifacts.items()}
        where = "" if self.store.root == Path(STORE) else f" --store {self.store.root}"
        self._write(folders, f"harness labels show {last.fingerprint[:12]}{where}")

    def _executor(self) -> Any:
        wanted = self.experiment.executor
        return self.registry.build("executors", wanted.use, wanted.options)

    def _write_part(self) -> None:
        """Write what the stored replies give; the questions without an answer have the outcome "error"."""
        with tempfile.TemporaryDirectory(prefix="harness-partial-") as folder, offline(True):
            with self._executor() as executor:
                part = answered_part(self.plan, self.store, executor, self.registry.settings, Path(folder))
            for title, reason in part.left_out.items():
                self.console.print(f"left out: {title}: {reason}", markup=False, highlight=False, soft_wrap=True)
            self._write(part.folders, "")

    def _write(self, folders: Mapping[str, Path], look: str) -> None:
        """The tables, and what the user is told of them. folders: fingerprint -> where its results lie."""
        names = self.experiment.space.names
        stages = self.plan.stages
        labelers = {
            name: folders[stage.fingerprint] for name, stage in self.labelers.items() if stage.fingerprint in folders
        }
        faces = folders[stages["faces:target"].fingerprint]
        data = folders[stages["data:target"].fingerprint]
        path = folders[stages["pseudo-label"].fingerprint] / "labels.parquet"
        labels = labels_table(path, faces, names, self._files(data))
        files: Sequence[tuple[str, Path]] = [("file", write_table(self.out, labels))]
        if self.replies:
            asked = {name: folder for name, folder in labelers.items() if (folder / REPLIES).is_file()}
            files = [*files, ("replies in", write_table(self.replies, replies_table(asked, names)))]
        asked_for = count(self.store.root) - self.asked_before
        seconds = time.monotonic() - self.started
        print_labels_summary(self.console, Labelled(labels, labelers, asked_for, files, look, seconds))

    def _files(self, data: Path) -> Files:
        target = self.experiment.data.target
        dataset = self.registry.build("datasets", target.use, target.options, folder=data)
        root = Path(target.options.get("root", data))
        return Files(dataset.clips(), root.parent if root.is_file() else root)
