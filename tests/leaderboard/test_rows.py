import json
import random

import pytest

from harness.errors import DataError
from harness.leaderboard.record import AskingRecord, GitState, StageRecord, file_record
from harness.leaderboard.rows import benchmarks, leaderboard, record_files

UNEVEN = [7, 8, 9, 10, 7, 8, 9, 10, 7, 8, 9, 10]
LIKE_IT = [8, 8, 9, 9, 7, 9, 8, 10, 8, 8, 9, 10]
LOW = [2, 3, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2]


def standings(board):
    return [(row.run, row.rank, row.ranks, row.group) for row in board.rows]


def test_labelers_and_systems_have_a_board_each(make_run, make_counted):
    systems = [
        make_counted("facs", LOW, "labeler"),
        make_counted("resnet18", UNEVEN, "network", "fine-tuned"),
        make_counted("ensemble", LIKE_IT),
        make_counted("chance (uniform guessing)", 5, "reference"),
    ]
    board = leaderboard([make_run("one", systems)])
    labelers, both = board.boards
    assert (labelers.name, [row.system for row in labelers.rows]) == ("labelers", ["facs"])
    assert (both.name, [row.title for row in both.rows]) == ("systems", ["one:ensemble", "one:resnet18, fine-tuned"])
    assert board.chance == 0.5
    assert board.board("systems") is both
    assert len(board.rows) == 3


def test_rows_that_clips_cannot_tell_apart_share_a_group_and_their_ranks(make_run, make_counted):
    rights = {"a": UNEVEN, "b": LIKE_IT, "c": LOW}
    board = leaderboard(make_run(run, [make_counted(right=right)]) for run, right in rights.items())
    assert standings(board.board("systems")) == [("b", 1, (1, 2), "a"), ("a", 2, (1, 2), "a"), ("c", 3, (3, 3), "b")]
    assert board.board("systems").clusters == ("clip", 12)


def test_equal_rows_share_a_rank(make_run, make_counted):
    board = leaderboard(
        [make_run(run, [make_counted(right=UNEVEN)]) for run in "ba"] + [make_run("c", [make_counted()])]
    )
    assert [(row.run, row.rank) for row in board.board("systems").rows] == [("a", 1), ("b", 1), ("c", 3)]


def test_differences_are_to_the_best_labeler_on_both_boards(make_run, make_counted):
    labelers = [make_counted("facs", LOW, "labeler"), make_counted("clip", LIKE_IT, "labeler")]
    board = leaderboard([make_run("one", [*labelers, make_counted(right=UNEVEN)])])
    assert [one.reference.title for one in board.boards] == ["one:clip", "one:clip"]
    clip, facs = board.boards[0].rows
    assert clip.difference is None
    assert facs.difference.value == pytest.approx(facs.macro_f1 - clip.macro_f1)
    low, high = facs.difference.interval
    assert low < facs.difference.value < high < 0
    assert facs.difference.p == facs.difference.p_holm < 0.001
    (ensemble,) = board.boards[1].rows
    low, high = ensemble.difference.interval
    assert low < 0 < high
    assert ensemble.difference.p > 0.05
    assert 0 < board.boards[1].detectable < 0.2


def test_the_order_of_records_and_of_clips_does_not_matter(make_run, make_counted):
    records = [
        make_run(f"run-{place}", [make_counted(right=right)]) for place, right in enumerate([UNEVEN, LIKE_IT, LOW])
    ]
    names = [f"clip-{one:02}" for one in range(12)]
    expected = standings(leaderboard(records).board("systems"))
    turned = make_run("run-0", [make_counted(right=UNEVEN[::-1])], names=names[::-1])
    shuffled = [turned, *records[1:]]
    random.Random(0).shuffle(shuffled)
    assert standings(leaderboard(shuffled).board("systems")) == expected


def test_a_row_scored_on_other_items_comes_last_without_a_rank(make_run, make_counted):
    records = [make_run(run, [make_counted(right=right)]) for run, right in {"a": UNEVEN, "b": LOW}.items()]
    names = [f"clip-{one:02}" for one in range(11)] + ["another"]
    board = leaderboard([*records, make_run("c", [make_counted(right=10)], names=names)]).board("systems")
    assert standings(board)[-1] == ("c", None, None, None)
    assert [row.rank for row in board.rows] == [1, 2, None]
    assert board.rows[-1].difference is None
    assert board.notes == (
        "not ranked, scored on other items than the rows above them: c:ensemble (in 2 clips at least 40 of 240 frames "
        "differ)",
    )


def test_other_annotations_of_the_same_clips_are_other_items(make_run, make_counted):
    same = [make_run(run, [make_counted(right=UNEVEN)], items=["x"] * 12) for run in "ab"]
    other = make_run("c", [make_counted(right=UNEVEN)], items=["y", *["x"] * 11])
    assert [row.rank for row in leaderboard([*same, other]).board("systems").rows] == [1, 1, None]


def test_a_row_under_another_policy_is_not_compared(make_run, make_counted):
    same = [make_run(run, [make_counted(right=UNEVEN)]) for run in "ab"]
    lenient = make_counted(right=5, unanswered=4, policy="excluded")
    board = leaderboard([*same, make_run("c", [lenient], unanswered="excluded")])
    assert [row.rank for row in board.board("systems").rows] == [1, 1, None]
    assert "c:ensemble (unanswered frames excluded)" in board.board("systems").notes[0]
    assert "the runs treat frames without a prediction differently (wrong or excluded)" in board.notes


def test_scores_that_do_not_follow_from_the_counts_are_not_ranked(make_run, make_counted):
    edited = make_counted(right=UNEVEN).model_copy(update={"macro_f1": 0.99})
    bare = make_counted(right=UNEVEN).model_copy(update={"counts": []})
    board = leaderboard([make_run("a", [make_counted(right=LOW)]), make_run("b", [edited]), make_run("c", [bare])])
    assert [(row.run, row.rank) for row in board.board("systems").rows] == [("a", 1), ("b", None), ("c", None)]
    (note,) = board.board("systems").notes
    assert note.startswith("not ranked, their scores do not follow from counts per clip in the record")
    assert note.endswith("b:ensemble, c:ensemble")


def test_of_one_clip_nothing_is_said_but_the_order(make_run, make_counted):
    records = [make_run(run, [make_counted(right=right, clips=1)], clips=1) for run, right in {"a": 3, "b": 8}.items()]
    board = leaderboard(records).board("systems")
    assert standings(board) == [("b", 1, None, None), ("a", 2, None, None)]
    assert (board.rows[1].difference, board.detectable) == (None, None)
    assert board.notes == ("one clip: nothing can be said about differences, so there are no rank intervals",)


def test_few_clips_are_said(make_run, make_counted):
    board = leaderboard([make_run("a", [make_counted(right=[5, 6, 7])], clips=3)]).board("systems")
    assert board.notes == ("rank intervals and differences from 3 clips are rough",)


def test_clips_of_a_subject_are_taken_together_where_records_say_so(make_run, make_counted):
    subjects = ["ada", "bob", "eve"] * 4
    settings = {"clusters": "subject"}
    records = [make_run(run, [make_counted(right=UNEVEN)], subjects=subjects, settings=settings) for run in "ab"]
    board = leaderboard(records).board("systems")
    assert board.clusters == ("subject", 3)
    assert board.rows[0].sums.shape == (1, 3, 3, 2)
    mixed = leaderboard([*records, make_run("c", [make_counted(right=LOW)], subjects=subjects)])
    assert mixed.notes == ("the runs' intervals are over different clusters (clip, subject or frame)",)
    assert "c:ensemble (compared by clip)" in mixed.board("systems").notes[1]


def test_several_seeds_rest_on_the_counts_of_each(make_run, make_counted):
    seeds = [make_counted(right=right) for right in (UNEVEN, LIKE_IT)]
    values = [one.macro_f1 for one in seeds]
    spread = {"seeds": [0, 1], "macro_f1": values, "deviation": 0.1, "lowest": min(values), "highest": max(values)}
    mean = make_counted(right=UNEVEN, macro_f1=sum(values) / 2, spread=spread)
    board = leaderboard([make_run("a", [mean], by_seed=[[one] for one in seeds])]).board("systems")
    assert board.rows[0].sums.shape == (2, 12, 3, 2)
    assert board.rows[0].rank == 1
    assert leaderboard([make_run("a", [mean])]).board("systems").rows[0].rank is None


def test_an_ensemble_that_smoothing_left_alone_with_a_seed_counts_as_smoothed_there(make_run, make_counted):
    seeds = [[make_counted(right=UNEVEN, phase="smoothed")], [make_counted(right=UNEVEN)]]
    value = seeds[0][0].macro_f1
    spread = {"seeds": [0, 1], "macro_f1": [value] * 2, "deviation": 0, "lowest": value, "highest": value}
    mean = make_counted(right=UNEVEN, phase="smoothed", spread=spread)
    assert leaderboard([make_run("a", [mean], by_seed=seeds)]).rows[0].rank == 1


def test_what_a_run_took_stands_in_its_rows(make_run, make_counted):
    stages = [
        StageRecord(kind="label", title="t", fingerprint="f", seconds=2.5, peak_memory=memory, cached=False)
        for memory in (1, 7)
    ]
    (row,) = leaderboard([make_run("a", [make_counted()], stages=stages)]).rows
    assert (row.seconds, row.peak_memory) == (5.0, 7)
    (row,) = leaderboard([make_run("a", [make_counted()])]).rows
    assert (row.seconds, row.peak_memory) == (None, None)


def test_rows_and_records_leave_the_counts_behind(make_run, make_counted):
    board = leaderboard([make_run("a", [make_counted(right=UNEVEN, correctness="text")])])
    (row,) = board.rows
    assert (row.score.counts, row.score.correctness) == ([], "")
    assert row.record.scores.systems == [row.score]
    assert board.records == {"a": row.record}


def test_claude_is_the_reference_though_another_labeler_is_better(make_run, make_counted):
    labelers = [make_counted("facs", UNEVEN, "labeler"), make_counted("Claude 3", LOW, "labeler")]
    asked = AskingRecord(
        labeler="Claude 3", model="m", prompts="p", prompts_sha256="0", parser=1, faces=10, replies=10, cost=1.0
    )
    board = leaderboard([make_run("a", labelers, asked=[asked])])
    assert board.board("labelers").reference.system == "Claude 3"


def test_unscored_systems_have_no_row(make_run, make_counted, make_record, make_system):
    board = leaderboard([make_run("facs", [make_counted()]), make_record("other", [make_system(macro_f1=None)])])
    assert [row.run for row in board.rows] == ["facs"]
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


def test_what_every_run_says_of_the_truth_is_said_of_all(make_run, make_counted):
    absent = "no annotated frame is Sadly Angry: macro-F1 counts such a class as 0"
    records = [make_run(run, [make_counted()]) for run in "ab"]
    noted = [
        one.model_copy(update={"scores": one.scores.model_copy(update={"notes": [absent, f"only {one.run}"]})})
        for one in records
    ]
    assert leaderboard(noted).notes == (absent,)


def test_a_class_that_never_occurs_is_compared_all_the_same(make_run, make_counted):
    def only_first(right):
        counts = [[(0, 0, one), *([(0, 1, 10 - one)] if one < 10 else [])] for one in right]
        total = sum(right)
        f1 = 2 * total / (120 + total) / 2
        return make_counted().model_copy(update={"counts": counts, "macro_f1": f1})

    records = [make_run(run, [only_first(right)]) for run, right in {"a": UNEVEN, "b": LOW}.items()]
    assert [row.ranks for row in leaderboard(records).board("systems").rows] == [(1, 1), (2, 2)]


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


def test_labels_of_another_part_of_the_frames_are_other_items(make_run, make_counted):
    """A labeler that was asked about every second frame only."""
    half = make_counted("claude", [1, 2, 3] * 4, "labeler", frames=5)
    board = leaderboard([make_run("a", [half, make_counted(right=UNEVEN), make_counted("other", LOW)])], "a:claude")
    systems = board.board("systems")
    assert [row.difference for row in systems.rows] == [None, None]
    assert systems.notes == (
        "no differences to a:claude: it was scored on other items (in 12 clips at least 120 of 240 frames differ)",
    )
    assert leaderboard([make_run("a", [half, make_counted()])]).board("systems").reference.title == "a:ensemble"


def test_a_row_is_ready_for_json(make_run, make_counted):
    (row,) = leaderboard([make_run("a", [make_counted(right=UNEVEN)])]).rows
    assert json.loads(json.dumps([row.rank, row.ranks, row.group, row.macro_f1])) == [1, [1, 1], "a", row.macro_f1]
