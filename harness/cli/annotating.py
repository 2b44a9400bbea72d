"""What `harness annotate` does: the stages that a video needs, then its table, chart and annotated copy."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.annotate.layout import enlargement
from harness.annotate.results import Results, read_results, results_table
from harness.annotate.video import write_annotated
from harness.charts import style
from harness.charts.timeline import Series, timeline
from harness.cli.report import ConsoleReporter
from harness.contents import Contents
from harness.documents import write_atomically
from harness.errors import ConfigError, MediaError, MissingPackage
from harness.finished import FinishedRun
from harness.media import probe
from harness.media.paths import medium_of
from harness.plan import Stage
from harness.plugins import Registry
from harness.reuse import plan_for
from harness.run import execute
from harness.sections import Component
from harness.store import Store

TABLE, CHART, VIDEO = "frames.csv", "probabilities.png", "annotated.mp4"


class Annotating:
    """One `harness annotate`. Building it looks for whatever could be refused before the work."""

    def __init__(
        self, registry: Registry, run: FinishedRun, video: Path, out: Path | None, store_folder: Path,
        executor: str | None, *, allow_remote: bool,
    ) -> None:  # fmt: skip
        self.started = time.monotonic()
        self._registry, self._run, self._video = registry, run, video
        _require_video(video)
        self.out = out or Path(f"{video.stem}-annotated")
        if (self.out / VIDEO).resolve() == video.resolve():
            raise ConfigError(f"--out {str(self.out)!r}: {VIDEO} there is the video itself; name another folder")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {str(self.out)!r} cannot be written: {error.strerror or error}") from error
        self._store = Store(store_folder)
        with Contents(self._store.root / "contents.sqlite") as contents:
            self._plan = plan_for(run, video, self._store, registry, contents.digest, allow_remote=allow_remote)
        self._names = run.experiment.space.names
        self._executor = run.experiment.executor if executor is None else Component(use=executor)
        self._console = Console()

    def run(self) -> None:
        """Label every frame, write the files, and say where they are."""
        with ConsoleReporter(self._console) as reporter:
            with self._built_executor() as executor:
                outcome = execute(self._plan, self._store, executor, reporter, self._registry.settings)
            faces, fused = (outcome.of(self._plan.stages[role]).folder for role in ("faces:target", "fuse"))
            results = read_results(faces, fused)
            write_atomically(self.out / TABLE, results_table(faces, fused, self._names).to_csv(index=False))
            note = self._chart(results)
            drawing = time.monotonic()
            draw = Stage("draw", "draw and encode", {}, {})
            reporter.started(draw, 1, 1)
            tell = partial(reporter.progress, draw)
            frames = write_annotated(self.out / VIDEO, self._video, results, self._names, tell)
        self._tell(frames, time.monotonic() - drawing, note)

    def _built_executor(self) -> Any:
        return self._registry.build("executors", self._executor.use, self._executor.options)

    def _chart(self, results: Results) -> str:
        """Draw the chart; why there is none, or ""."""
        who = "ensemble" if self._run.networks else "labeler"
        series = Series(self._video.name, results.times, {who: results.probabilities}, {"label": results.labels})
        try:
            with style.settings():
                style.save(timeline(series, self._names), self.out / CHART)
        except MissingPackage as error:
            return f"no chart: {error}"
        return ""

    def _tell(self, frames: int, drawing: float, note: str) -> None:
        files = [TABLE, *([] if note else [CHART]), VIDEO]
        seconds = time.monotonic() - self.started
        by = " + ".join(self._run.networks) or " + ".join(one.use for one in self._run.experiment.labeling.labelers)
        info = probe(self._video)
        times = enlargement(info.width, info.height)
        lines = [
            ("files", f"{self.out}/ ({', '.join(files)})"),
            ("labelled by", f"{by} of run {self._run.name}"),
            ("time", f"{seconds:.1f} s for {frames} frames, {frames / seconds:.0f} a second; drawing {drawing:.1f} s"),
            ("note", f"{VIDEO} has no sound" + (f" and is enlarged {times} times" if times > 1 else "")),
            *([("note", note)] if note else []),
        ]
        for title, text in lines:
            self._console.print(Text.assemble((f"{title:<12}", "bold"), text), soft_wrap=True, highlight=False)


def _require_video(path: Path) -> None:
    """MediaError unless the file is a video that can be opened."""
    medium = medium_of(path)
    if medium != "video":
        raise MediaError(
            f"{path}: not a video but {'a folder' if medium == 'folder' else 'an image'}; harness label takes it"
        )
    probe(path)
