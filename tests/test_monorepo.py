"""Every folder of plugins/ is a distribution with the shape a stranger's would have."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from harness import __version__

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def package(plugin: Path) -> str:
    return f"harness_{plugin.name.replace('-', '_')}"


def test_every_folder_of_plugins_is_a_distribution() -> None:
    folders = [path for path in (ROOT / "plugins").iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    assert sorted(folders) == PLUGINS


@each_plugin
def test_folder_distribution_package_and_entry_point_share_one_name(plugin: Path) -> None:
    table = project(plugin)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", plugin.name)
    assert table["name"] == f"cer-harness-{plugin.name}"
    assert table["entry-points"] == {"harness": {plugin.name: package(plugin)}}


@each_plugin
def test_the_package_is_one_top_level_package_with_types(plugin: Path) -> None:
    packages = [path.name for path in plugin.iterdir() if (path / "__init__.py").exists()]
    assert packages == [package(plugin)]
    assert (plugin / package(plugin) / "py.typed").is_file()
    settings = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert "py.typed" in str(settings.get("package-data", {})), "py.typed is not in package-data"


@each_plugin
def test_the_core_is_required_as_a_range_that_holds_this_version(plugin: Path) -> None:
    (core,) = [one for one in map(Requirement, project(plugin)["dependencies"]) if one.name == "cer-harness"]
    assert core.specifier.contains(Version(__version__))
    assert not core.specifier.contains(Version("99"))
    assert not core.specifier.contains(Version("0.0.1"))


@each_plugin
def test_versions_licence_and_python_agree_with_the_core(plugin: Path) -> None:
    core, table = project(ROOT), project(plugin)
    for key in ("version", "license", "requires-python"):
        assert table.get(key) == core[key], key
    assert table.get("description")


@each_plugin
def test_a_plugin_has_a_readme_that_names_its_components_and_tests(plugin: Path) -> None:
    readme = (plugin / "README.md").read_text(encoding="utf-8")
    assert project(plugin).get("readme") == "README.md"
    assert f"cer-harness-{plugin.name}" in readme or f"plugins/{plugin.name}" in readme
    module = importlib.import_module(package(plugin))
    for hook in [value for name, value in vars(module).items() if name.startswith("harness_") and callable(value)]:
        for spec in hook():
            assert spec.name in readme, f"{spec.name} is not in the README"
    assert list((plugin / "tests").rglob("test_*.py"))


def test_test_folders_hold_no_init_files() -> None:
    folders = [ROOT / "tests", ROOT / "benchmarks", *(plugin / "tests" for plugin in PLUGINS)]
    assert not [path for folder in folders for path in folder.rglob("__init__.py")]


def test_the_core_package_agrees_with_its_metadata() -> None:
    assert project(ROOT)["version"] == __version__


def test_no_committed_file_names_a_package_index() -> None:
    names = ["pyproject.toml", "Makefile", *(f"plugins/{plugin.name}/pyproject.toml" for plugin in PLUGINS)]
    for name in names:
        path = ROOT / name
        if path.exists():
            assert not re.search(r"--(extra-)?index-url|https?://[^\s\"']*/simple", path.read_text(encoding="utf-8")), (
                name
            )
