import json
import platform
from datetime import UTC, datetime

import pytest
from honest_records import record, scores

from harness.config import Experiment
from harness.errors import ConfigError, DataError
from harness.leaderboard.add import add, own_names
from harness.leaderboard.build import RENDERERS
from harness.leaderboard.check import check
from harness.leaderboard.record import Record, file_record, record_path


@pytest.fixture(autouse=True)
def without_page(monkeypatch):
    """The page takes a second of matplotlib, and is built as the tables are."""
    monkeypatch.delitem(RENDERERS, ".html")


@pytest.fixture
def boards(tmp_path):
    return tmp_path / "leaderboards"


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def run_of(runs, tmp_path):
    """Writes what `harness run` leaves in the folder of a run."""

    def write(made):
        folder = runs / made.run
        folder.mkdir(parents=True, exist_ok=True)
        filed = file_record(made, tmp_path / "elsewhere")
        (folder / "record.json").write_bytes(filed.read_bytes())
        experiment = Experiment(name="x", benchmark="trial", data={"target": {"use": "synthetic"}})
        (folder / "experiment.json").write_text(experiment.model_dump_json())
        (folder / "run.json").write_text(json.dumps({"fingerprints": {}}))
        return folder

    return write


def test_a_run_is_filed_with_its_tables_and_passes_the_check(run_of, runs, boards):
    run_of(record("mine"))
    added = add("mine", runs, boards)
    assert added.path == boards / "results" / "trial" / "mine.json"
    assert (added.replaced, {path.suffix for path in added.tables}) == (False, set(RENDERERS))
    assert added.path.read_bytes() == (runs / "mine" / "record.json").read_bytes()
    assert check(boards, "trial").problems == ()


def test_a_run_is_found_by_its_folder_and_filed_under_another_name(run_of, runs, boards):
    folder = run_of(record("mine", 2))
    added = add(str(folder), runs, boards, benchmark="other", name="yours")
    assert added.path == boards / "results" / "other" / "yours.json"
    assert check(boards, "other").problems == ()


def test_the_same_run_may_be_filed_again(run_of, runs, boards):
    run_of(record("mine"))
    before = add("mine", runs, boards).path.read_bytes()
    again = add("mine", runs, boards)
    assert again.replaced
    assert again.path.read_bytes() == before


def test_the_record_of_another_run_is_replaced_only_if_wished(run_of, runs, boards):
    run_of(record("mine"))
    add("mine", runs, boards)
    folder = run_of(record("better", created=datetime(2026, 12, 1, tzinfo=UTC)))
    with pytest.raises(ConfigError, match=r"mine.json is the record of another run of 2026-11-22; give yours another"):
        add(str(folder), runs, boards, name="mine")
    assert add(str(folder), runs, boards, name="mine", replace=True).replaced
    assert Record.read(record_path(boards, "trial", "mine")).created.month == 12


def test_a_run_that_is_filed_already_is_not_filed_again_under_another_name(run_of, runs, boards):
    run_of(record("mine"))
    add("mine", runs, boards)
    with pytest.raises(DataError, match=r"run 'mine' is not filed: is the same run as 'mine' \(their scores"):
        add("mine", runs, boards, name="copy")
    with pytest.raises(DataError, match="has the same name but for capitals"):
        add("mine", runs, boards, name="MINE")
    assert len(list(boards.rglob("*.json"))) == 2  # the record and the table


def test_a_record_with_a_problem_is_not_filed_and_nothing_is_written(run_of, runs, boards):
    folder = run_of(record("mine"))
    data = json.loads((folder / "record.json").read_text())
    data["scores"]["systems"][0]["macro_f1"] = 0.99
    (folder / "record.json").write_text(json.dumps(data))
    with pytest.raises(
        DataError, match=r"not filed \(2 problems\): its seal is not .*, system 'facs': macro_f1 is filed"
    ):
        add("mine", runs, boards)
    assert not boards.exists()


def test_a_run_on_other_data_needs_a_benchmark_of_its_own(run_of, runs, boards):
    run_of(record("mine"))
    add("mine", runs, boards)
    few = scores().model_copy(update={"clips": [f"other-{number}" for number in range(6)]})
    run_of(record("odd", scores=few))
    with pytest.raises(
        DataError, match="6 of its clips are not in run 'mine', 6 are missing; other data needs a bench"
    ):
        add("odd", runs, boards)
    assert add("odd", runs, boards, benchmark="odd").path.exists()


def test_a_broken_record_beside_it_is_named_before_anything_is_written(run_of, runs, boards):
    run_of(record("mine"))
    (boards / "results" / "trial").mkdir(parents=True)
    (boards / "results" / "trial" / "broken.json").write_text("{")
    with pytest.raises(DataError, match="record 'broken.json'"):
        add("mine", runs, boards)
    assert not (boards / "results" / "trial" / "mine.json").exists()


def test_a_run_without_scores_has_nothing_to_file(run_of, runs, boards):
    (run_of(record("mine")) / "record.json").unlink()
    with pytest.raises(DataError, match="run 'mine' has no record.json: nothing was scored, for want of annotations"):
        add("mine", runs, boards)


def test_a_run_that_is_not_there_and_a_name_for_no_file_are_refused(run_of, runs, boards):
    run_of(record("mine"))
    with pytest.raises(ConfigError, match="did you mean 'mine'"):
        add("mime", runs, boards)
    with pytest.raises(ConfigError, match="run name '../x' cannot name a file"):
        add("mine", runs, boards, name="../x")


def test_the_name_of_this_machine_is_found(run_of, runs, boards, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "gpu-box-3")
    assert own_names()["gpu-box-3"] == "this machine's host name"
    run_of(record("mine", packages={**record().packages, "note": "made on GPU-BOX-3 today"}))
    with pytest.raises(DataError, match="packages.note holds this machine's host name"):
        add("mine", runs, boards)


def test_a_name_that_is_a_word_like_others_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "localhost")
    monkeypatch.setattr("getpass.getuser", lambda: "claude")
    assert own_names() == {}
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("uid")))
    assert own_names() == {}
