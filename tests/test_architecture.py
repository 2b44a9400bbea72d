"""The arrows between the folders (DESIGN: everything points down one line), read from the import statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "harness"
# What a plugin, built in or not, may import from the core.
PUBLIC = {"errors", "expressions", "components", "vlm", "hookspecs", "weights", "testing"}
# The bottom of the line, lowest first: each may import those before it and nothing else of the core.
FLOORS = ["errors", "validation", "expressions", "components", "vlm", "hookspecs", "discovery", "plugins", "stage"]
# Rooms: stage functions and what they stand on. They see the floors and the rooms named here, never plan or cli.
ABOVE = {"plan", "layout", "run", "making", "lanes", "cli", "executors"}


def imported(path: Path, package: str) -> Iterator[str]:
    """The modules of `package` that a file imports anywhere, TYPE_CHECKING included; "" is the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, _, rest = name.partition(".")
            if first == package:
                yield rest


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "tests" not in path.relative_to(folder).parts)


def top(module: str) -> str:
    return module.partition(".")[0]


def core_files(*names: str) -> list[Path]:
    """The files of core modules and folders, by name."""
    return [path for name in names for path in [CORE / f"{name}.py", *sources(CORE / name)] if path.exists()]


def show(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("position", range(len(FLOORS)), ids=FLOORS)
def test_a_floor_imports_only_what_lies_below_it(position: int) -> None:
    allowed = {*FLOORS[:position], "__version__"}
    for path in core_files(FLOORS[position]):
        for module in imported(path, "harness"):
            names_plugins_as_type = FLOORS[position] == "stage" and top(module) == "plugins"
            assert top(module) in allowed or names_plugins_as_type, f"{show(path)} imports harness.{module}"


def test_nobody_imports_the_command_line() -> None:
    for path in sources(CORE):
        if path.relative_to(CORE).parts[0] not in ("cli", "__main__.py"):
            for module in imported(path, "harness"):
                assert top(module) != "cli", f"{show(path)} imports harness.{module}"


def test_rooms_know_nothing_of_plan_and_executors() -> None:
    rooms = {path.name for path in CORE.iterdir() if path.is_dir()} - ABOVE - {"__pycache__", "experiments"}
    for path in core_files(*sorted(rooms)):
        for module in imported(path, "harness"):
            assert top(module) not in ABOVE, f"{show(path)} imports harness.{module}"


def test_pages_know_nothing_of_what_they_show() -> None:
    for path in core_files("pages"):
        assert not list(imported(path, "harness")), f"{show(path)} imports of the harness"


def test_the_core_never_names_a_plugin() -> None:
    packages = sorted(path.name for path in ROOT.glob("plugins/*/harness_*"))
    assert packages
    for path in sources(CORE):
        text = path.read_text(encoding="utf-8")
        for package in packages:
            assert package not in text, f"{show(path)} names {package}"


def test_of_the_built_ins_others_import_options_only() -> None:
    for path in sources(CORE):
        if path.relative_to(CORE).parts[0] != "builtins":
            for module in imported(path, "harness"):
                options = module.split(".")[:2][-1].endswith("_options")
                assert top(module) != "builtins" or options, f"{show(path)} imports harness.{module}"


def test_the_conformance_kit_stands_on_contracts_alone() -> None:
    for path in sources(CORE / "testing"):
        for module in imported(path, "harness"):
            assert top(module) in {"errors", "expressions", "components", "vlm", "testing"}, f"{show(path)}: {module}"


@pytest.mark.parametrize(
    "plugin", sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")), ids=lambda p: p.name
)
def test_a_plugin_imports_public_modules_only(plugin: Path) -> None:
    for path in sorted(plugin.rglob("*.py")):
        for module in imported(path, "harness"):
            tests_may = "tests" in path.relative_to(plugin).parts and top(module) == "plugins"
            assert top(module) in PUBLIC or tests_may, f"{show(path)} imports harness.{module}"


def test_a_plugin_imports_no_other_plugin() -> None:
    packages = {path.name for path in ROOT.glob("plugins/*/harness_*")}
    for plugin in ROOT.glob("plugins/*"):
        for path in plugin.rglob("*.py"):
            for package in packages:
                if not (plugin / package).exists():
                    assert not list(imported(path, package)), f"{show(path)} imports {package}"


def test_built_in_components_import_public_modules_and_each_other() -> None:
    for path in sources(CORE / "builtins"):
        for module in imported(path, "harness"):
            announces = path.name == "__init__.py" and module.startswith("datasets.")
            assert top(module) in PUBLIC | {"builtins"} or announces, f"{show(path)} imports harness.{module}"
