"""A fake distribution looks to importlib.metadata like one that pip installed, and leaves nothing behind."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from harness.testing import fake_distribution, installed


def test_metadata_entry_points_and_modules_are_found_while_it_is_installed(tmp_path: Path) -> None:
    fake_distribution(
        tmp_path, "a-fake", "3.2", entry_points={"fake": "a_fake.inner"}, modules={"a_fake/inner.py": "answer = 42"}
    )
    with installed(tmp_path):
        found = distribution("a-fake")
        assert found.version == "3.2"
        (point,) = found.entry_points
        assert (point.group, point.name, point.load().answer) == ("harness", "fake", 42)
        assert "a_fake.inner" in sys.modules
    assert "a_fake.inner" not in sys.modules
    assert "a_fake" not in sys.modules
    assert str(tmp_path) not in sys.path
    with pytest.raises(PackageNotFoundError):
        distribution("a-fake")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("a_fake")
