"""Where the labels of a run lie, and what they were made from, by the manifests of the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, StoreError, listed
from harness.expressions import LabelSpace
from harness.labeling.combine import numbered
from harness.store import MANIFEST, Artifact, Store

KINDS = ("pseudo-label", "label")
SHORTEST = 6  # characters of an abbreviated fingerprint


@dataclass(frozen=True)
class Found:
    """Artifacts of one labelling: votes by labeler; labels, truth and data None where there are none."""

    title: str
    space: LabelSpace
    votes: Mapping[str, Path]
    labels: Path | None
    faces: Path
    data: Path | None
    truth: Path | None

    @property
    def data_facts(self) -> dict[str, Any]:
        """What the data set says of itself: summary.json, or nothing."""
        if self.data is None:
            return {}
        facts: dict[str, Any] = json.loads((self.data / "summary.json").read_text(encoding="utf-8"))
        return facts


def find(run: str, runs: Path, store: Path) -> Found:
    """The labelling of a run's folder or name, of an artifact's folder, or of an artifact's (shortened) fingerprint.

    DataError if there is none of that name, StoreError if its artifacts are not in the store any more.
    """
    artifact, own = _artifact(run, runs, store)
    inputs = artifact.manifest.key["inputs"]
    space = LabelSpace.from_dict(artifact.manifest.key["params"]["label_space"])
    if artifact.manifest.stage == "label":
        parts, labels = [artifact], None
    else:
        numbered = sorted((name for name in inputs if name.startswith("votes-")), key=lambda name: int(name[6:]))
        parts, labels = [_stored(own, "label", inputs[name]) for name in numbered], artifact.folder
    faces = _stored(own, "faces", inputs["faces"])
    data_name = faces.manifest.key["inputs"]["data"]
    data = own.find("data", data_name)
    return Found(
        title=_title(run, artifact),
        space=space,
        votes=_by_labeler(parts),
        labels=labels,
        faces=faces.folder,
        data=None if data is None else data.folder,
        truth=_truth(own, data_name, artifact.manifest.key["params"]["label_space"]),
    )


def _artifact(run: str, runs: Path, store: Path) -> tuple[Artifact, Store]:
    """The artifact that is meant, and the store that it lies in."""
    folder = Path(run).expanduser()
    if (folder / MANIFEST).is_file():
        kind, name = folder.resolve().parts[-2:]
        if kind not in KINDS:
            raise DataError(f"{run}: an artifact of the stage {kind!r}; labels are in those of {' and '.join(KINDS)}")
        own = Store(folder.resolve().parents[1])
        return _stored(own, kind, name), own
    for place in (folder, runs / run):
        if (place / "run.json").is_file():
            own = Store(store)
            return _stored(own, "pseudo-label", _of_run(place)), own
    if store.is_dir() and (kept := list(_abbreviated(run, store))):
        if len(kept) > 1:
            raise DataError(f"{run}: the beginning of {len(kept)} fingerprints: {listed(name for _, name in kept)}")
        own = Store(store)
        return _stored(own, *kept[0]), own
    raise DataError(
        f"{run}: no run in {str(runs)!r}, no folder of a run or of labels, no fingerprint of labels in {str(store)!r}"
    )


def _title(run: str, artifact: Artifact) -> str:
    """What a page is headed: the run's name, or the labels' fingerprint as far as anybody reads it."""
    name = Path(run).expanduser().resolve().name
    return f"labels {name[:12]}" if artifact.manifest.fingerprint.startswith(name) else name


def _of_run(place: Path) -> str:
    try:
        return str(json.loads((place / "run.json").read_text(encoding="utf-8"))["fingerprints"]["pseudo-label"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place / 'run.json'} cannot be read ({error}); run the experiment again") from error


def _abbreviated(run: str, store: Path) -> Iterator[tuple[str, str]]:
    if re.fullmatch(rf"[0-9a-f]{{{SHORTEST},64}}", run):
        for kind in KINDS:
            yield from ((kind, one.name) for one in sorted((store / kind).glob(f"{run}*")) if one.is_dir())


def _stored(store: Store, kind: str, fingerprint: str) -> Artifact:
    artifact = store.find(kind, fingerprint)
    if artifact is None:
        raise StoreError(
            f"{kind}/{fingerprint[:12]} is not in the store {str(store.root)!r}: name the run's store by --store, or "
            "run it again"
        )
    return artifact


def _by_labeler(parts: list[Artifact]) -> dict[str, Path]:
    """Label artifacts by their labelers' names; one that comes again gets a number."""
    names = numbered(part.manifest.key["params"]["labeler"]["use"] for part in parts)
    return dict(zip(names, (part.folder for part in parts), strict=True))


def _truth(store: Store, data: str, space: Mapping[str, Any]) -> Path | None:
    """The annotations of the same data over the same classes, if they are in the store."""
    for folder in sorted((store.root / "truth").glob("*")):
        try:
            key = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["key"]
            if key["inputs"]["data"] == data and key["params"]["label_space"] == space:
                return folder
        except (OSError, ValueError, KeyError, TypeError):  # a damaged one is not the one
            continue
    return None
