"""An installed distribution without an installer: what pip would have left on the path, written by hand."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def fake_distribution(
    folder: Path, name: str, version: str = "1.0", *, entry_points: Mapping[str, str], modules: Mapping[str, str]
) -> Path:
    """Write a distribution's metadata and modules into `folder`, which then stands for a site-packages folder.

    entry_points: of the group "harness", e.g. {"mirror": "harness_mirror"};
    modules: sources by path, e.g. {"harness_mirror/__init__.py": "..."}. Several distributions may share a folder.
    """
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    lines = "".join(f"{point} = {target}\n" for point, target in entry_points.items())
    files = {
        information / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        information / "entry_points.txt": f"[harness]\n{lines}",
        **{folder / path: source for path, source in modules.items()},
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Put `folder` on the path; afterwards take it off again and forget the modules that came from it."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        ours = {path.stem for path in folder.iterdir()}
        for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
            del sys.modules[name]
        importlib.invalidate_caches()
