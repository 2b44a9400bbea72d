"""The built-in components, announced through the same hooks as a stranger's."""

from __future__ import annotations

from collections.abc import Iterable

from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl


@hookimpl
def harness_datasets() -> Iterable[ComponentSpec]:
    """Data sets of the core."""
    return ()


@hookimpl
def harness_face_detectors() -> Iterable[ComponentSpec]:
    """Face detectors of the core."""
    return ()
