import json

import pytest
from click.testing import CliRunner
from honest_records import record

from harness.cli import main
from harness.config import Experiment
from harness.documents import readable_json
from harness.leaderboard.build import RENDERERS, build
from harness.leaderboard.record import file_record, seal_of


@pytest.fixture(autouse=True)
def without_page(monkeypatch):
    """The page takes a second of matplotlib, and is built as the tables are."""
    monkeypatch.delitem(RENDERERS, ".html")


def invoke(folder, *arguments):
    return CliRunner().invoke(main, ["leaderboard", *arguments, "--leaderboards", str(folder)])


@pytest.fixture
def boards(tmp_path):
    folder = tmp_path / "boards"
    for run in ("one", "two"):
        file_record(record(run), folder)
    build(folder, "trial")
    return folder


def test_check_says_a_line_a_benchmark_when_all_is_well(boards):
    file_record(record("x", benchmark="alone"), boards)
    build(boards, "alone")
    done = invoke(boards, "check")
    assert (done.exit_code, done.stdout) == (
        0,
        "alone: 1 record, 4 systems: all follows from the counts, tables are current\n"
        "trial: 2 records, 8 systems: all follows from the counts, tables are current\n",
    )
    assert invoke(boards, "check", "trial").stdout.count("\n") == 1


def test_check_names_up_to_ten_problems_counts_all_and_exits_with_2(boards):
    path = boards / "results" / "trial" / "one.json"
    data = json.loads(path.read_text())
    for one in data["scores"]["systems"][0]["per_class"]:
        one.update(precision=0.5, recall=0.5, f1=0.5, support=5.0)
    data["scores"]["systems"][0]["interval"] = [0.9, 0.95]
    path.write_text(readable_json({**data, "seal": seal_of(data)}))
    (boards / "old.md").touch()
    done = invoke(boards, "check")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 11
    assert "  old.md: no benchmark of this name has a record; take it out" in done.stderr
    assert "  trial/one.json: system 'facs': interval is filed as [0.9, 0.95], and the counts give [" in done.stderr
    assert done.stderr.endswith(f"problems in '{boards}', 10 of them shown; mend the records or take them out\n")


def test_check_of_a_folder_without_records_says_what_files_one(tmp_path):
    done = invoke(tmp_path, "check")
    assert done.exit_code == 2
    assert "`harness leaderboard add RUN` files one" in done.stderr


def test_add_says_what_it_filed_and_what_comes_next(boards, tmp_path):
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(file_record(record("mine"), tmp_path / "elsewhere").read_bytes())
    experiment = Experiment(name="x", benchmark="trial", data={"target": {"use": "synthetic"}})
    (folder / "experiment.json").write_text(experiment.model_dump_json())
    (folder / "run.json").write_text(json.dumps({"fingerprints": {}}))
    arguments = ("add", "mine", "--runs", str(tmp_path / "runs"))
    done = invoke(boards, *arguments)
    assert done.exit_code == 0, done.stderr
    first, *built, last = done.stdout.splitlines()
    assert first == f"filed {boards / 'results' / 'trial' / 'mine.json'}"
    assert built == [f"built {boards / 'trial'}{suffix}" for suffix in RENDERERS]
    assert "open a pull request; docs/contributing-results.md says what reviewers look at" in last
    assert invoke(boards, *arguments).stdout.startswith("replaced ")
    assert invoke(boards, "check").exit_code == 0
    refused = invoke(boards, *arguments, "--name", "one")
    assert refused.exit_code == 2
    assert "is the record of another run of 2026-11-22; give yours another name (--name) or replace" in refused.stderr
    assert invoke(boards, *arguments, "--name", "one", "--replace").exit_code == 2  # it is filed as "mine" already


@pytest.mark.parametrize("command", ["add", "check"])
def test_commands_have_help(command):
    done = CliRunner().invoke(main, ["leaderboard", command, "--help"])
    assert done.exit_code == 0
    assert "--leaderboards" in done.output
