"""Fixtures for tests of more than one room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from plugin_packages import Install

from harness.testing import fake_distribution, installed


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Installs a distribution whose one plugin is the source given."""

    def put(name: str, plugin: str, modules: Mapping[str, str] | None = None, **facts: str) -> None:
        package = f"harness_{name.replace('-', '_')}"
        sources = {f"{package}/__init__.py": dedent(plugin), **(modules or {})}
        points = {facts.get("point", name): facts.get("target", package)}
        fake_distribution(tmp_path, f"x-{name}", facts.get("version", "1.0"), entry_points=points, modules=sources)

    with installed(tmp_path):
        yield put
