"""Announcing is cheap and importing is late: a fresh interpreter says what it has loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "cv2", "av", "pandas", "pyarrow", "PIL", "anthropic", "openai", "matplotlib", "jinja2"}
PROBE = """
import json, sys
sys.argv = ["harness", *json.loads(sys.argv[1])]
import harness
if len(sys.argv) > 1:
    from harness.cli import main
    main(standalone_mode=False)
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(*arguments: str) -> set[str]:
    """The top-level modules a fresh interpreter has after `import harness`, or after a command."""
    command = [sys.executable, "-c", PROBE, json.dumps(arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_importing_the_package_loads_none_of_its_dependencies() -> None:
    assert not loaded() & (HEAVY | {"click", "pluggy", "pydantic", "numpy", "rich"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plugins", "--help"], ["plugins", "list", "--help"]])
def test_help_loads_click_and_nothing_heavy(arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert "click" in modules
    assert not modules & (HEAVY | {"pluggy", "pydantic", "numpy", "rich"})


@pytest.mark.parametrize("arguments", [["plugins", "list"], ["plugins", "show", "majority-vote"]])
def test_looking_at_plugins_loads_no_component(arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert {"pydantic", "rich"} <= modules
    assert not modules & (HEAVY | {"numpy"})
