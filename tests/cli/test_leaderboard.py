from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.cli.leaderboard import leaderboard
from harness.evaluation import metrics
from harness.evaluation.counts import Counts
from harness.evaluation.scores import Scores, Settings, SystemScore, TruthFacts
from harness.leaderboard.record import Machine, Record, file_record


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


@pytest.fixture
def boards(tmp_path):
    """A folder with the records of two benchmarks, each of one run with a labeler and an ensemble."""
    for benchmark in ("first", "second"):
        counts = [[(0, 0, right), (0, 1, 10 - right), (1, 1, 10)] for right in (3, 4, 5, 6)]
        sums = Counts.from_triples(counts, 2).sums().sum(axis=0)
        score = {
            "macro_f1": float(metrics.macro_f1(sums)), "accuracy": 0.7, "unweighted_average_recall": 0.7,
            "coverage": 1.0, "frames": 80, "clips": 4, "counts": counts,
        }  # fmt: skip
        record = Record(
            run="run",
            benchmark=benchmark,
            created=datetime(2026, 11, 22, tzinfo=UTC),
            configuration={},
            label_space={},
            machine=Machine(cpu="c", cores=1, memory=1, os="o", python="p"),
            scores=Scores(
                label_space="two",
                classes=["a", "b"],
                truth=TruthFacts(frames=80, clips=4, per_class=[40, 40]),
                settings=Settings(unanswered="wrong", resamples=200, seed=0),
                clips=["w", "x", "y", "z"],
                systems=[
                    SystemScore(system="facs", role="labeler", **score),
                    SystemScore(system="ensemble", role="ensemble", **score),
                ],
            ),
        )
        file_record(record, tmp_path)
    return tmp_path


def invoke(*arguments):
    return CliRunner().invoke(main, ["leaderboard", *map(str, arguments)], env={"COLUMNS": "100"})


def test_show_takes_a_benchmark_and_a_board(boards):
    every = invoke("show", "--leaderboards", boards).output
    for title in ("first – Labelers", "first – Systems", "second – Labelers", "second – Systems"):
        assert title in every
    one = invoke("show", "--leaderboards", boards, "first", "--board", "systems").output
    assert "first – Systems" in one
    assert "Labelers" not in one
    assert "second" not in one


def test_a_reference_is_of_one_benchmark(boards):
    assert "ref.: run:facs" in invoke("show", "--leaderboards", boards, "first").output
    chosen = invoke("show", "--leaderboards", boards, "first", "--reference", "run:ensemble")
    assert "ref.: run:ensemble" in chosen.output
    for command in ("show", "build"):
        result = invoke(command, "--leaderboards", boards, "--reference", "run")
        assert result.exit_code == 2
        assert "--reference run: say of which benchmark (first, second)" in result.stderr
        result = invoke(command, "--leaderboards", boards, "first", "--reference", "run:faks")
        assert result.exit_code == 2
        assert "reference 'run:faks': run 'run' has no system 'faks'; did you mean 'facs'?" in result.stderr


def test_build_writes_five_files_a_benchmark(boards):
    result = invoke("build", "--leaderboards", boards)
    assert result.exit_code == 0
    names = [
        f"{benchmark}.{kind}" for benchmark in ("first", "second") for kind in ("md", "csv", "json", "tex", "html")
    ]
    assert [line.rpartition("/")[2] for line in result.output.splitlines()] == names
    assert all((boards / name).stat().st_size for name in names)
