"""Labels of the answered part, after a labelling that stopped early: everybody is taken at the replies that stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.components import Executor
from harness.errors import HarnessError, StageError
from harness.plan import Plan, Stage
from harness.run import job_of
from harness.store import Store


@dataclass(frozen=True)
class Part:
    """folders: fingerprint of a stage -> where its results lie; left_out: labelers without any answer, and why."""

    folders: Mapping[str, Path]
    left_out: Mapping[str, str]


def answered_part(plan: Plan, store: Store, executor: Executor, plugins: Mapping[str, Any], folder: Path) -> Part:
    """Label again, from stored replies alone, into `folder`; the store's artifacts are used where they stand.

    The process and the executor must be offline. StageError if no labeler has an answer.
    """
    folders: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for stage in plan.ordered():
        artifact = store.find(stage.kind, stage.fingerprint)
        if artifact is not None:
            folders[stage.fingerprint] = artifact.folder
            continue
        inputs = {name: folders[one.fingerprint] for name, one in stage.inputs.items() if one.fingerprint in folders}
        made = folder / stage.fingerprint[:24]
        made.mkdir()
        try:
            _run(stage, inputs, made, store, executor, plugins)
        except HarnessError as error:
            if stage.kind != "label":
                raise
            left_out[stage.title] = str(error)
            continue
        folders[stage.fingerprint] = made
    return Part(folders, left_out)


def _run(
    stage: Stage, inputs: Mapping[str, Path], made: Path, store: Store, executor: Executor, plugins: Mapping[str, Any]
) -> None:
    if stage.kind == "pseudo-label" and not any(name.startswith("votes-") for name in inputs):
        raise StageError("nothing is answered yet, so that there is no part to write")
    partial = replace(stage, params={**stage.params, "partial": True})
    executor.run(job_of(partial, inputs, made, store, plugins), lambda _text, _done, _total: None)
