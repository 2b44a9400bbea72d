import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.cli.leaderboard import leaderboard


def test_show_and_build_name_a_benchmark_without_records(tmp_path):
    for command in ("show", "build"):
        result = CliRunner().invoke(main, ["leaderboard", command, "--leaderboards", str(tmp_path), "trial"])
        assert result.exit_code == 2
        assert "error: benchmark 'trial' has no record in" in result.stderr


def test_an_empty_folder_says_what_files_records(tmp_path):
    result = CliRunner().invoke(main, ["leaderboard", "show", "--leaderboards", str(tmp_path)])
    assert result.exit_code == 2
    assert "`harness run` files one" in result.stderr


@pytest.mark.parametrize("command", ["show", "build"])
def test_commands_have_help(command):
    result = CliRunner().invoke(leaderboard, [command, "--help"])
    assert result.exit_code == 0
    assert "--leaderboards" in result.output
