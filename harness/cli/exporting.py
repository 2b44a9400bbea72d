"""What `harness export` does: a run's labels, fitted to the frames that are asked for, written and read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.datasets.frame_list import read_frame_list
from harness.errors import ConfigError, DataError, listed, nearest
from harness.export.checking import check_submission
from harness.export.fitting import Fitted, fit
from harness.export.submission import read_lines, require_official, write_submission
from harness.export.systems import Rows, labelled, predicted
from harness.finished import LABELS, PREDICTIONS, FinishedRun
from harness.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_FAULTS = 10


def export_abaw(
    console: Console, run: FinishedRun, *, system: str, frames_file: Path | None, fill: bool, out: Path | None,
    store_folder: Path,
) -> None:  # fmt: skip
    """Write the submission file of a system of a run, check it, and say what was repeated, dropped and filled."""
    require_official(run.experiment.space)
    counts = _frames(run, frames_file)
    fitted = fit(labels_of(run, system, store_folder), counts, fill=fill)
    path = write_submission(out or run.folder / f"abaw-{system}.txt", fitted.labels)
    if faults := check_submission(read_lines(path), {clip: len(ids) for clip, ids in fitted.labels.items()}):
        raise DataError(f"{path}: line {faults[0].line}: {faults[0].text} (an error in the code)")
    frames = sum(len(ids) for ids in fitted.labels.values())
    lines = [
        ("file", f"{path} ({frames:,} frames of {len(fitted.labels)} clips)"),
        ("system", f"{system} of run {run.name}"),
        *_told(fitted, counted=counts is not None),
    ]
    for title, text in lines:
        console.print(Text.assemble((f"{title:<12}", "bold"), text), soft_wrap=True, highlight=False)


def _frames(run: FinishedRun, given: Path | None) -> Mapping[str, int] | None:
    """clip -> frames of the list that is given, or else of the one that the run's data set was given."""
    path = given or run.experiment.data.target.options.get("frame_list")
    return None if path is None else read_frame_list(Path(path))


def _told(fitted: Fitted, *, counted: bool) -> list[tuple[str, str]]:
    told = []
    if not counted:
        told.append(
            (
                "note",
                "no frame list: as many frames as were decoded, which for some videos of the challenge is one more or "
                "fewer than it asks for; name its list with --frames",
            )
        )
    for title, clips, what in (
        ("repeated", fitted.repeated, "one frame too few was decoded, the last prediction stands twice"),
        ("dropped", fitted.dropped, "one frame too many was decoded, the last prediction is left out"),
    ):
        if clips:
            told.append((title, f"{what}: {listed(clips, len(clips))} ({len(clips)})"))
    if fitted.filled:
        clips = [f"{clip} ({count})" for clip, count in fitted.filled.items()]
        total = sum(fitted.filled.values())
        told.append(("filled", f"{total} frames without a prediction took the nearest frame's: {listed(clips)}"))
    return told


def labels_of(run: FinishedRun, system: str, store_folder: Path) -> dict[str, NDArray[np.int64]]:
    """clip -> class ids of its decoded frames, -1 for none; ConfigError for a system that the run does not have."""
    space = run.experiment.space
    rows = Rows.of(run.table(PREDICTIONS), space)
    if system == "ensemble":
        return rows.by_clip(rows.labels)
    if system == "labeler":
        return rows.by_clip(labelled(rows, Rows.of(run.table(LABELS), space)))
    if system not in run.networks:
        known = ["ensemble", "labeler", *run.networks]
        raise ConfigError(f"run {run.name!r} has no system {system!r}{nearest(system, known)}")
    artifact = run.artifact(Store(store_folder), "predict", f"predict:{system}:fine-tuned")
    return rows.by_clip(predicted(rows, artifact.folder, len(space)))


def faults_of(file: Path, frames_file: Path | None) -> tuple[list[str], str]:
    """The first faults of a submission file as lines to print, and a line that sums up."""
    counts = None if frames_file is None else read_frame_list(frames_file)
    lines = read_lines(file)
    faults = check_submission(lines, counts)
    shown = [f"line {fault.line}: {fault.text}" for fault in faults[:MOST_FAULTS]]
    if not faults:
        against = "" if counts is None else f", as {frames_file} has them"
        clips = len({line[:2] for line in lines[1:]})
        return [], f"{file}: sound, {len(lines) - 1:,} frames of {clips} clips{against}"
    more = f"; {len(faults) - MOST_FAULTS} more are not shown" if len(faults) > MOST_FAULTS else ""
    return shown, f"{file}: {len(faults)} fault{'' if len(faults) == 1 else 's'}{more}"
