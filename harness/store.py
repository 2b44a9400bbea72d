"""Content-addressed artifacts: whole or absent, safe under kill -9 and under two processes.

An artifact is the folder <store>/<stage>/<fingerprint>/ with a manifest.json that lists every file with its size and
sha256. It is written beside, under <store>/.work/, and renamed. Locks are flock(2) on <store>/.locks/, which the
kernel drops with the process that holds them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from harness.errors import StoreError
from harness.weights import sha256_of

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"  # below the root: trainings that can go on where they were cut off
SCHEMA = 1
LOOK_EVERY = 0.2  # seconds between two looks at a lock that another process holds


def canonical(data: Any) -> str:
    """JSON with sorted keys and no spaces: equal data, equal text. Non-finite numbers are refused."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint_of(data: Any) -> str:
    """sha256 (hex) of the canonical JSON of `data`."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself."""

    stage: str
    fingerprint: str
    key: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    notices: tuple[str, ...] = ()
    seconds: float = 0.0
    peak_memory: int = 0
    energy: float | None = None
    created: str = ""
    schema: int = SCHEMA

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(int(entry["size"]) for entry in self.files.values())


@dataclass(frozen=True)
class Artifact:
    """A finished artifact: its folder and its manifest."""

    folder: Path
    manifest: Manifest = field(repr=False)


class Store:
    """The artifacts under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            for name in (".work", ".locks"):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {str(root)!r} cannot be used: {error.strerror or error}") from error

    def folder(self, stage: str, fingerprint: str) -> Path:
        """Where the artifact is, or would be."""
        return self.root / stage / fingerprint

    def find(self, stage: str, fingerprint: str, *, deep: bool = False) -> Artifact | None:
        """The finished artifact, or None. StoreError if it is damaged (sizes; with `deep` also every sha256)."""
        folder = self.folder(stage, fingerprint)
        if not folder.is_dir():
            return None
        manifest = _read_manifest(folder)
        for name, entry in manifest.files.items():
            _check_file(folder / name, entry, deep)
        return Artifact(folder, manifest)

    def invalidate(self, stage: str, fingerprint: str) -> None:
        """Remove an artifact, damaged or not."""
        folder = self.folder(stage, fingerprint)
        if folder.exists():
            aside = self._work_folder(fingerprint)
            aside.rmdir()
            folder.rename(aside)  # a reader never sees half of it
            shutil.rmtree(aside, ignore_errors=True)

    def _work_folder(self, fingerprint: str) -> Path:
        for attempt in range(1000):
            folder = self.root / ".work" / f"{fingerprint[:24]}-{os.getpid()}-{attempt}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
        raise StoreError(f"the store {str(self.root)!r} is full of unfinished work; run: harness store prune")

    @contextlib.contextmanager
    def writing(self, fingerprint: str) -> Iterator[Path]:
        """An empty folder to write an artifact into; call `commit` before leaving, else all of it is removed."""
        for stale in (self.root / ".work").glob(f"{fingerprint[:24]}-*"):
            shutil.rmtree(stale, ignore_errors=True)  # the lock is ours, so its writer is dead
        try:
            folder = self._work_folder(fingerprint)
        except OSError as error:
            raise full_disk(error, self.root) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, folder: Path, manifest: Manifest) -> Artifact:
        """Turn a written folder into the artifact in one step; every file is on the disk before it counts."""
        try:
            for path in folder.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)  # some libraries write 0600; a store may be shared
            files = {
                path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": _sync_and_hash(path)}
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
            manifest = Manifest(**{**asdict(manifest), "files": files, "created": _now()})
            text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n"
            (folder / MANIFEST).write_text(text, encoding="utf-8")
            _sync_and_hash(folder / MANIFEST)
            target = self.folder(manifest.stage, manifest.fingerprint)
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another process was first; the content is the same
                return Artifact(target, _read_manifest(target))
            raise full_disk(error, self.root) from error
        return Artifact(target, manifest)

    @contextlib.contextmanager
    def lock(
        self, fingerprint: str, waiting: Callable[[], None] = lambda: None, patience: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Hold the artifact's lock; `waiting` is called once if another process holds it.

        patience: called again and again meanwhile; it ends the waiting by raising. A thread that Ctrl-C does not reach
        needs it.
        """
        path = self.root / ".locks" / fingerprint
        with path.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                _wait_for(handle, patience)
            yield

    def artifacts(self) -> Iterator[tuple[str, str]]:
        """(stage, fingerprint) of everything in the store, sorted."""
        for stage in sorted(entry for entry in self.root.iterdir() if entry.is_dir() and entry.name[0] != "."):
            for folder in sorted(stage.iterdir()):
                if (folder / MANIFEST).exists():
                    yield stage.name, folder.name

    def used(self, stage: str, fingerprint: str) -> None:
        """Note that the artifact was used now (what `prune` goes by)."""
        with contextlib.suppress(OSError):
            os.utime(self.folder(stage, fingerprint) / MANIFEST)

    def prune(self, older_than_days: float) -> tuple[int, int]:
        """Remove artifacts not used for so many days, and what dead processes left. Returns (artifacts, bytes)."""
        removed, freed = 0, 0
        limit = time.time() - older_than_days * 86400
        for stage, fingerprint in list(self.artifacts()):
            folder = self.folder(stage, fingerprint)
            if (folder / MANIFEST).stat().st_mtime > limit:
                continue
            with self.lock(fingerprint):
                freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                self.invalidate(stage, fingerprint)
            removed += 1
        for work in (self.root / ".work").iterdir():
            if not _alive(work.name):
                shutil.rmtree(work, ignore_errors=True)
        for path in (self.root / UNFINISHED).glob("*"):  # trainings that were cut off and never went on
            if path.stat().st_mtime <= limit:
                freed += path.stat().st_size
                path.unlink(missing_ok=True)
        return removed, freed


def _wait_for(handle: IO[str], patience: Callable[[], None] | None) -> None:
    if patience is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    held = False
    while not held:
        patience()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            time.sleep(LOOK_EVERY)


def full_disk(error: OSError, where: Path) -> StoreError:
    """The StoreError for an OSError met while writing."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"no space left for the store {str(where)!r}; free some, then run the same command again")
    return StoreError(f"the store {str(where)!r} cannot be written: {error.strerror or error}")


def _alive(work_name: str) -> bool:
    pid = int(work_name.rsplit("-", 2)[1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_manifest(folder: Path) -> Manifest:
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**{**data, "notices": tuple(data["notices"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"artifact {_short(folder)} has no readable {MANIFEST} ({error})") from error
    if manifest.schema != SCHEMA:
        raise StoreError(f"artifact {_short(folder)} is of store schema {manifest.schema}; this version reads {SCHEMA}")
    return manifest


def _check_file(path: Path, entry: Mapping[str, Any], deep: bool) -> None:
    if not path.is_file():
        raise StoreError(f"artifact {_short(path.parent)} lacks its file {path.name!r}")
    if path.stat().st_size != entry["size"]:
        raise StoreError(
            f"artifact {_short(path.parent)}: {path.name!r} has {path.stat().st_size} bytes, not {entry['size']}"
        )
    if deep and sha256_of(path) != entry["sha256"]:
        raise StoreError(f"artifact {_short(path.parent)}: {path.name!r} is damaged (its sha256 is wrong)")


def _short(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name[:12]}"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _sync_and_hash(path: Path) -> str:
    digest = sha256_of(path)
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
    return digest
