"""`harness plugins list` and `harness plugins show`, as a person and as a program reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from harness.cli import plugins as module
from harness.components import KINDS
from harness.testing import fake_distribution, installed

PLUGIN = """
from typing import Annotated, Literal
from pathlib import Path
from pydantic import BaseModel, Field
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

class Voice(BaseModel):
    pitch: float = Field(0.5, gt=0, lt=1, description="how high")

class LoudOptions(Options):
    volume: int = Field(3, ge=1, le=11, description="how loud [0m it is")
    words: list[str] = Field(["a", "b"], min_length=1, description="what is said")
    file: Path = Field(description="where it is written")
    mood: Literal["glad", "sad"] | None = Field(None, description="how it feels")
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict, description="by name")
    pair: tuple[int, int] = (1, 2)
    empty: str = ""
    anything: object = 1
    loop: bool = True
    voice: Voice = Voice()

@hookimpl
def harness_aggregators():
    needs = ("absent_package",)
    yield ComponentSpec("loud", "the [bold]loudest[/bold] wins", LoudOptions, "a:b", needs, "pip install a")
    yield ComponentSpec("twice", "", Options, "a:b")

@hookimpl
def harness_losses():
    yield ComponentSpec("loud", "another", Options, "a:b")
"""
RIVAL = """
from harness.components import ComponentSpec, Options
from harness.hookspecs import hookimpl

@hookimpl
def harness_aggregators():
    yield ComponentSpec("twice", "", Options, "a:b")
"""


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def two_plugins(tmp_path: Path) -> Iterator[None]:
    for name, source in (("loud", PLUGIN), ("rival", RIVAL)):
        modules = {f"harness_{name}/__init__.py": source}
        fake_distribution(tmp_path, f"x-{name}", entry_points={name: f"harness_{name}"}, modules=modules)
    with installed(tmp_path):
        yield


@pytest.fixture
def broken_plugin(tmp_path: Path) -> Iterator[None]:
    fake_distribution(tmp_path, "x-broken", entry_points={"broken": "harness_gone"}, modules={})
    with installed(tmp_path):
        yield


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_list_shows_every_kind_name_and_state() -> None:
    result = run("--no-third-party", "plugins", "list")
    assert result.exit_code == 0, result.output
    assert "aggregators" in result.output
    assert "majority-vote" in result.output
    assert "ready" in result.output


def test_list_fits_eighty_columns_off_a_terminal(two_plugins: None) -> None:
    assert max(len(line) for line in run("plugins", "list").output.splitlines()) <= 80


def test_list_can_be_limited_to_one_kind() -> None:
    output = run("--no-third-party", "plugins", "list", "--kind", "executors").output
    assert "inline" in output
    assert "majority-vote" not in output


def test_list_of_a_kind_without_components_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.plugins import Registry

    monkeypatch.setattr(Registry, "discover", lambda **_: Registry())
    result = run("plugins", "list")
    assert result.exit_code == 0
    assert "no component is announced" in result.output


def test_list_says_what_a_component_is_missing_and_does_not_read_markup(two_plugins: None) -> None:
    output = run("plugins", "list", "--kind", "aggregators").output
    assert "needs" in output
    assert "absent_package" in output
    assert "[bold]loudest[/bold]" in " ".join(output.split())


def test_list_marks_a_name_announced_twice(two_plugins: None) -> None:
    output = " ".join(run("plugins", "list", "--kind", "aggregators").output.split())
    assert output.count("announced twice") == 2


def test_list_names_failures_and_exits_with_1(broken_plugin: None) -> None:
    result = run("plugins", "list")
    assert result.exit_code == 1
    text = " ".join(result.output.split())
    assert "failed: plugin 'broken' of x-broken 1.0: ModuleNotFoundError: No module named 'harness_gone'" in text


def test_list_as_json_holds_the_same_for_programs(two_plugins: None) -> None:
    data = json.loads(run("plugins", "list", "--json").output)
    rows = {(one["kind"], one["name"], one["distribution"]): one for one in data["components"]}
    loud = rows["aggregators", "loud", "x-loud"]
    assert loud["missing"] == ["absent_package"]
    assert not loud["ready"]
    assert loud["install"] == "pip install a"
    assert rows["aggregators", "twice", "x-loud"]["ambiguous"]
    assert rows["executors", "inline", "cer-harness"]["ready"]


def test_list_as_json_holds_failures_and_exits_with_1(broken_plugin: None) -> None:
    result = run("plugins", "list", "--json")
    assert result.exit_code == 1
    assert {one["plugin"] for one in json.loads(result.output)["failures"]} >= {"broken"}


def test_show_tells_types_limits_defaults_and_descriptions(two_plugins: None) -> None:
    result = run("plugins", "show", "loud", "--kind", "aggregators")
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    for part in (
        "loud aggregator",
        "the [bold]loudest[/bold] wins",
        "distribution x-loud 1.0",
        "state needs absent_package",
        "requires absent_package",
        "install pip install a",
        "volume = 3 # integer, 1 to 11 how loud [0m it is",
        "file (must be given) # path",
        'words = ["a", "b"] # list of text, length >= 1',
        "mood (not set) # glad | sad | none",
        "weights = {} # table of text to number",
        "pair = [1, 2] # 2 values",
        'empty = "" # text',
        "loop = true # true | false",
        "voice.pitch = 0.5 # number, > 0, < 1",
    ):
        assert part in text, part
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_show_of_a_name_in_two_kinds_shows_both(two_plugins: None) -> None:
    output = run("plugins", "show", "loud").output
    assert "loud  loss" in output
    assert "loud  aggregator" in output
    assert "It has no options." in output


def test_show_of_an_unknown_name_suggests_the_nearest_and_exits_with_2() -> None:
    result = run("--no-third-party", "plugins", "show", "majority-vot")
    assert result.exit_code == 2
    assert result.output.startswith("error: component 'majority-vot' is not known; did you mean 'majority-vote'?")
    assert result.output.count("\n") == 1


def test_show_of_an_unknown_name_of_a_kind_names_the_kind() -> None:
    result = run("--no-third-party", "plugins", "show", "inlin", "--kind", "executors")
    assert result.output.startswith(
        "error: executor 'inlin' is not known; did you mean 'inline'? (known: inline, local); "
    )


def test_every_built_in_can_be_shown() -> None:
    data = json.loads(run("--no-third-party", "plugins", "list", "--json").output)
    for one in data["components"]:
        result = run("--no-third-party", "plugins", "show", one["name"], "--kind", one["kind"])
        assert result.exit_code == 0, result.output
        assert one["summary"], one["name"]


def test_a_plugin_can_be_blocked(two_plugins: None) -> None:
    result = run("--block", "loud", "plugins", "show", "loud")
    assert result.exit_code == 2
    assert "'loud' is not known" in result.output
    assert result.output.rstrip().endswith("; blocked: loud")


def test_a_block_that_leaves_out_nothing_is_said() -> None:
    result = run("--block", "nobody", "plugins", "list", "--kind", "executors")
    assert result.stderr == "note: --block nobody leaves out nothing, no plugin of that name is installed\n"
    assert "inline" in result.stdout


def test_the_kinds_written_in_the_command_are_the_kinds_there_are() -> None:
    assert module.KINDS == KINDS


def test_plugins_without_a_command_shows_its_help() -> None:
    result = run("plugins")
    assert "list" in result.output
    assert "show" in result.output


def test_commands_are_real_click_commands() -> None:
    context = click.Context(main)
    assert isinstance(main.get_command(context, "plugins"), click.Group)
    assert main.get_command(context, "nothing") is None
