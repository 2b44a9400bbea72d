import pytest

from harness.errors import DataError
from harness.leaderboard.record import GitState, file_record
from harness.leaderboard.rows import benchmarks, leaderboard, record_files


def test_systems_are_ranked_by_macro_f1_and_equal_ones_share_a_rank(make_record, make_system):
    first = make_record("b", [make_system(macro_f1=0.5), make_system("labeler", 0.7, "labeler")])
    second = make_record("a", [make_system(macro_f1=0.5), make_system("resnet18", 0.2, "network", "pre-trained")])
    board = leaderboard([first, second])
    assert [(row.rank, row.run, row.system) for row in board.rows] == [
        (1, "b", "labeler"),
        (2, "a", "ensemble"),
        (2, "b", "ensemble"),
        (4, "a", "resnet18, pre-trained"),
    ]
    assert board.notes == ()


def test_references_and_unscored_systems_have_no_row(make_record, make_system):
    board = leaderboard([make_record(), make_record("other", [make_system(macro_f1=None)])])
    assert [row.run for row in board.rows] == ["facs"]
    assert board.chance == 0.25
    assert "without annotations, and so without a row: other" in board.notes


def test_different_reference_distributions_are_said_but_not_having_one_is_no_difference(make_record):
    mine, other, none = make_record(reference=[0.5, 0.5]), make_record("b", reference=[0.1, 0.9]), make_record("c")
    assert leaderboard([mine, none]).notes == ()
    said = "the runs measure divergence from different reference distributions"
    assert leaderboard([mine, other, none]).notes == (said,)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"fingerprint": "0" * 64}, "the runs were scored on different data: ranks across them compare unlike things"),
        ({"truth_frames": 9}, "the runs were scored on different data: ranks across them compare unlike things"),
        ({"unanswered": "excluded"}, "the runs treat frames without a prediction differently (wrong or excluded)"),
        ({"git": GitState(of="harness", commit="a" * 40, dirty=True)}, "run from changed code: other"),
    ],
)
def test_what_makes_runs_unlike_is_said(make_record, change, note):
    assert leaderboard([make_record(), make_record("other", **change)]).notes == (note,)


def test_other_classes_need_another_benchmark(make_record):
    with pytest.raises(DataError, match="run 'other' has label space 'three', run 'facs' has 'two'"):
        leaderboard([make_record(), make_record("other", space="three")])


def test_a_benchmark_without_records_is_named_with_the_nearest(make_record, tmp_path):
    file_record(make_record(), tmp_path)
    assert benchmarks(tmp_path) == ["trial"]
    assert [path.name for path in record_files(tmp_path, "trial")] == ["facs.json"]
    with pytest.raises(DataError, match=r"benchmark 'trail' has no record in .*; did you mean 'trial'\?"):
        record_files(tmp_path, "trail")
    (tmp_path / "results" / "empty").mkdir()
    with pytest.raises(DataError, match=r"benchmark 'empty' has no record in '.*empty'$"):
        record_files(tmp_path, "empty")
