import pytest

from harness.errors import ConfigError, DataError
from harness.leaderboard.build import read_leaderboard
from harness.leaderboard.record import file_record
from harness.leaderboard.reference import benchmark_options
from harness.leaderboard.rows import leaderboard


@pytest.fixture
def records(make_run, make_counted):
    first = [make_counted("facs", 4, "labeler"), make_counted("ensemble", 8, phase="smoothed"), make_counted("net", 7)]
    return [make_run("first", first), make_run("second", [make_counted("facs", 6, "labeler")])]


def references(board):
    return [one.reference.title for one in board.boards]


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        (None, ["second:facs"] * 2),
        ("first:net", ["first:net"] * 2),
        ("first:ensemble, smoothed", ["first:ensemble, smoothed"] * 2),
        ("first:ensemble (smoothed)", ["first:ensemble, smoothed"] * 2),
        ("first:ensemble", ["first:ensemble, smoothed"] * 2),
        ("first", ["first:facs", "first:ensemble, smoothed"]),
        ("second", ["second:facs"] * 2),
    ],
)
def test_the_reference_is_the_best_labeler_or_what_is_wanted(records, wanted, titles):
    assert references(leaderboard(records, wanted)) == titles


def test_an_unknown_reference_is_named_with_the_nearest(records):
    with pytest.raises(ConfigError, match=r"^reference 'frist': no run 'frist' with scores; did you mean 'first'\?"):
        leaderboard(records, "frist")
    with pytest.raises(
        ConfigError, match=r"^reference 'first:nut': run 'first' has no system 'nut'; did you mean 'net'"
    ):
        leaderboard(records, "first:nut")


def test_without_a_labeler_the_best_row_is_the_reference(make_run, make_counted):
    board = leaderboard([make_run("a", [make_counted("low", 2), make_counted("high", 8)])])
    assert board.board("systems").reference.title == "a:high"
    assert board.board("labelers").reference is None or board.board("labelers").reference.title == "a:high"


def test_a_benchmark_keeps_its_reference_in_a_file(records, tmp_path):
    for record in records:
        file_record(record, tmp_path)
    assert benchmark_options(tmp_path, "trial").reference is None
    (tmp_path / "results" / "trial" / "benchmark.toml").write_text('reference = "first:net"\n')
    assert references(read_leaderboard(tmp_path, "trial")) == ["first:net"] * 2
    assert references(read_leaderboard(tmp_path, "trial", "second")) == ["second:facs"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reference = ", r"^benchmark.toml in '.*trial' cannot be read: .*; mend it or take it out$"),
        ("referense = 'a'", r"^benchmark.toml in '.*trial': .*referense"),
        ("reference = 1", r"^benchmark.toml in '.*trial': .*reference"),
    ],
)
def test_options_that_cannot_be_used_are_named(tmp_path, text, message):
    (tmp_path / "results" / "trial").mkdir(parents=True)
    (tmp_path / "results" / "trial" / "benchmark.toml").write_text(text)
    with pytest.raises(DataError, match=message):
        benchmark_options(tmp_path, "trial")
