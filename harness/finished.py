"""A finished run, as its folder tells it: configuration, decisions, and the artifacts it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config import Experiment, parse, read
from harness.errors import ConfigError, DataError, StoreError, nearest
from harness.store import Artifact, Store

if TYPE_CHECKING:
    import pandas as pd

CONFIGURATION, DONE, PREDICTIONS, LABELS = "experiment.json", "run.json", "predictions.csv", "labels.csv"


@dataclass(frozen=True)
class FinishedRun:
    """folder: what `harness run` wrote; fingerprints: role ("fine-tune:resnet18", "fuse", ...) -> of its artifact."""

    folder: Path
    experiment: Experiment
    fingerprints: Mapping[str, str]

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.resolve().name

    @property
    def networks(self) -> list[str]:
        """Names of the networks, in the order that breaks ties."""
        names = (role.partition(":") for role in self.fingerprints)
        # with several seeds the other ones' roles end in "@" and the seed; the folder holds the first one's decisions
        return [name for phase, _, name in names if phase == "fine-tune" and "@" not in name]

    def artifact(self, store: Store, kind: str, role: str) -> Artifact:
        """The artifact of a role, every byte of it checked; StoreError says what is missing and what to do."""
        fingerprint = self.fingerprints.get(role)
        if fingerprint is None:
            raise DataError(f"run {self.name!r} has no {role!r}{nearest(role, self.fingerprints)}")
        mend = f"name its store with --store, or run it again: harness run {self.folder / CONFIGURATION}"
        try:
            found = store.find(kind, fingerprint, deep=True)
        except StoreError as error:
            raise StoreError(f"run {self.name!r} needs its {role!r}, but {error}; {mend}") from error
        if found is None:
            raise StoreError(
                f"run {self.name!r} needs its {role!r}, but the store {str(store.root)!r} has no {kind}/"
                f"{fingerprint[:12]} any more; {mend}"
            )
        return found

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run's folder (PREDICTIONS or LABELS), clips and labels as text; DataError if it is damaged."""
        import pandas as pd

        path = self.folder / name
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            table["frame"], table["face"] = table["frame"].astype("int64"), table["face"].astype("int64")
            table[["clip", "label"]]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"{path} cannot be read as a table of a run ({' '.join(str(error).split())}); run it again"
            ) from error
        return table


def find_run(run: str, runs: Path) -> FinishedRun:
    """The run of a folder, or of a name below `runs`; ConfigError if there is none or it is not finished."""
    given = Path(run).expanduser()
    folder = given if given.is_dir() else runs / run
    if not folder.is_dir():
        known = sorted(path.parent.name for path in runs.glob(f"*/{DONE}"))
        raise ConfigError(f"run {run!r} is neither a folder nor a name below {str(runs)!r}{nearest(run, known)}")
    try:
        done = json.loads((folder / DONE).read_text(encoding="utf-8"))
        fingerprints = {str(role): str(one) for role, one in done["fingerprints"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{folder} is no finished run: it has no readable {DONE}, which is written last") from None
    configuration = str(folder / CONFIGURATION)
    return FinishedRun(folder, parse(read(configuration), configuration), fingerprints)
