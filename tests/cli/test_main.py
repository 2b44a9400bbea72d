"""The group itself: help without imports, errors as one line and an exit code."""

from __future__ import annotations

import importlib

import click
import pytest
from click.testing import CliRunner

from harness import __version__
from harness.cli import COMMANDS, Session, main
from harness.errors import DataError


def failing(error: BaseException) -> click.Command:
    @click.command()
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def put(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(main, "get_command", lambda _context, _name: failing(error))


def test_help_names_every_command_with_a_line(runner: CliRunner) -> None:
    output = runner.invoke(main, ["--help"]).output
    for name, (_, line) in COMMANDS.items():
        assert name in output
        assert line in output


def test_help_survives_a_command_whose_module_is_absent(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "ghost", ("harness.cli.ghost:ghost", "Is not there."))
    assert "Is not there." in runner.invoke(main, ["--help"]).output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_help_belongs_to_a_command_that_exists(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    assert isinstance(getattr(importlib.import_module(module), attribute), click.Command)


def test_version_is_the_packages(runner: CliRunner) -> None:
    assert runner.invoke(main, ["--version"]).output == f"harness, version {__version__}\n"


def test_a_harness_error_is_one_line_and_exit_code_2(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, DataError("no such\n   clip"))
    result = runner.invoke(main, ["run"])
    assert (result.exit_code, result.stderr, result.stdout) == (2, "error: no such clip\n", "")


def test_an_error_nobody_meant_keeps_its_traceback(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, ZeroDivisionError("a bug"))
    result = runner.invoke(main, ["run"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_an_interruption_is_said_and_is_exit_code_130(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, KeyboardInterrupt())
    result = runner.invoke(main, ["run"])
    assert result.exit_code == 130
    assert result.stderr.startswith("interrupted; the same command goes on")


def test_an_exit_code_of_a_command_passes_unchanged(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, click.exceptions.Exit(7))
    assert runner.invoke(main, ["run"]).exit_code == 7


def test_a_misspelt_command_is_a_usage_error(runner: CliRunner) -> None:
    result = runner.invoke(main, ["plugin"])
    assert result.exit_code == 2
    assert "No such command 'plugin'" in result.stderr


def test_global_options_reach_the_commands(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Session] = []

    @click.command()
    @click.pass_obj
    def look(session: Session) -> None:
        seen.append(session)

    monkeypatch.setattr(main, "get_command", lambda _context, _name: look)
    result = runner.invoke(main, ["--no-third-party", "--block", "a", "--block", "b", "look"])
    assert result.exit_code == 0, result.output
    (session,) = seen
    assert session.registry().settings == {"third_party": False, "blocked": ["a", "b"]}
    assert session.registry() is session.registry()


def test_an_error_that_quotes_terminal_codes_shows_none(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, DataError("no system like \x1b]0;evil\x07 or \u202etxet"))
    assert runner.invoke(main, ["run"]).stderr == "error: no system like \ufffd]0;evil\ufffd or \ufffdtxet\n"


@pytest.mark.parametrize(
    "arguments", [("compare", "x" * 300, "y"), ("report", "x" * 300), ("leaderboard", "add", "x" * 300)]
)
def test_a_name_too_long_for_a_file_is_one_line(runner: CliRunner, arguments: tuple[str, ...]) -> None:
    result = runner.invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (2, f"error: '{'x' * 40}'... is too long for a name of a file\n")
