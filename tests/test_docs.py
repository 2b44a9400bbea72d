"""The documents say what the code does."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from harness.cli import COMMANDS
from harness.config import built_in

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_configuration_page_is_what_the_models_say(reference):
    assert (ROOT / "docs" / "configuration.md").read_text() == reference.configuration(), (
        "run: python docs/reference.py"
    )


def test_the_components_page_is_what_the_plugins_announce(reference):
    assert (ROOT / "docs" / "components.md").read_text() == reference.components(), "run: python docs/reference.py"


def test_the_readme_begins_with_the_two_commands_that_the_makefile_has():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"^make ([a-z-]+)", readme, re.M)
    assert named[:2] == ["demo", "test"]
    assert set(named) <= targets


def test_every_command_in_the_readme_exists():
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^(?:\$ )?harness ([a-z]+)", readme, re.M))
    assert {"run", "plan", "plugins"} <= named
    assert named <= set(COMMANDS)


def test_every_shipped_experiment_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert all(f"`{name}`" in readme or f"harness run {name}" in readme for name in built_in())


def test_every_page_of_the_site_exists_and_every_link_between_pages_leads_somewhere():
    pages = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert len(pages) >= 6
    for page in [ROOT / "README.md", *(ROOT / "docs" / name for name in pages)]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_changelog_has_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
