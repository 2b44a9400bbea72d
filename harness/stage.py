"""What a stage function is given: a folder to write, finished inputs, components ready to build, ways to report.

A stage function is `def run(context: StageContext) -> None` in a stage's folder. It is pure: the same params and
inputs give the same artifact. It writes into `context.folder` only, reads `context.inputs` only, and raises
HarnessError for whatever the user can mend.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.components import Kind
from harness.expressions import LabelSpace

if TYPE_CHECKING:
    from harness.plugins import Registry


def _silent(_text: str, _done: float, _total: float | None) -> None: ...


@dataclass
class StageContext:
    """One run of one stage.

    folder    empty; becomes the artifact when the function returns
    params    JSON-ready parameters; a component stands as {"use": name, "options": {...}, ...}
    inputs    name -> folder of a finished artifact (read-only)
    registry  the components at hand
    progress  progress(text, done, total or None), cheap enough to call per batch
    notices   lines the user must see now and on every later run that reuses the artifact
    caches    a folder for what outlives stages, or None
    stopping  set when the user wants the stage to stop; one that takes long may end early with errors.Interrupted
    """

    folder: Path
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    registry: Registry
    progress: Callable[[str, float, float | None], None] = _silent
    notices: list[str] = field(default_factory=list)
    caches: Path | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def notice(self, text: str) -> None:
        """Keep one line for the user: a fallback taken, data left out, anything that must not be silent."""
        if text not in self.notices:
            self.notices.append(text)

    def build(self, kind: Kind, component: Mapping[str, Any], **context: Any) -> Any:
        """The component that a parameter describes, e.g. build("labelers", params["labeler"], label_space=space)."""
        return self.registry.build(kind, component["use"], component.get("options", {}), **context)

    @property
    def label_space(self) -> LabelSpace:
        """The label space in the parameters."""
        return LabelSpace.from_dict(self.params["label_space"])
