"""Where a model lies on this machine, and what identifies it. Nothing here asks the network or imports transformers."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import WeightsError
from harness.weights import sha256_of

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class Place:
    """A folder with a model; commit: of the hub's repository, or "" for a folder of the user's."""

    folder: Path
    commit: str = ""


def locate(model: str, revision: str) -> Place | None:
    """The folder of that path, or the snapshot of that hub id in the hub's cache; None if there is neither."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return Place(folder)
    return _snapshot(model, revision) if HUB_ID.fullmatch(model) else None


def require(model: str, revision: str) -> Place:
    """As `locate`; WeightsError says what to do if the model is not here."""
    place = locate(model, revision)
    if place is None and not HUB_ID.fullmatch(model):
        raise WeightsError(f"model {model!r}: no such folder; give the folder that holds its config.json")
    if place is None:
        raise WeightsError(
            f"model {model!r} (revision {revision!r}) is not on this machine: give a folder, or fetch it once with: "
            f"hf download {model}{'' if revision == 'main' else f' --revision {revision}'}"
        )
    if not (place.folder / "config.json").is_file():
        raise WeightsError(f"model {model!r}: {place.folder} holds no config.json, so it is no transformers model")
    return place


def identity(model: str, revision: str) -> str:
    """What identifies the weights whatever they are called here: id@commit of the hub, or the sha256 of a folder."""
    place = locate(model, revision)
    if place is None:
        return f"{model}@missing"
    return f"{model}@{place.commit}" if place.commit else f"sha256:{_sha256(place.folder)}"


def hub_cache() -> Path:
    """The folder of the hub's cache, by the variables that huggingface_hub reads too."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    root = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(root).expanduser() / "huggingface" / "hub"


def _snapshot(model: str, revision: str) -> Place | None:
    repository = hub_cache() / f"models--{model.replace('/', '--')}"
    reference = repository / "refs" / revision
    commit = reference.read_text(encoding="ascii").strip() if reference.is_file() else revision
    folder = repository / "snapshots" / commit
    return Place(folder, commit) if folder.is_dir() else None


def _sha256(folder: Path) -> str:
    files = [[path.relative_to(folder).as_posix(), sha256_of(path)] for path in _files(folder)]
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Files that are not hidden, as the store's content hashes see a folder."""
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path
