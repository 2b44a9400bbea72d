from datetime import UTC, datetime

import pytest
from honest_records import record

from harness.leaderboard import siblings
from harness.leaderboard.record import DataRecord


def clashes(records):
    return siblings.clashes(map(siblings.Sibling.of, records))


def later(run="late", **changes):
    return record(run, created=datetime(2026, 11, 23, tzinfo=UTC), **changes)


def scores(change):
    def changed(one):
        return one.model_copy(update={"scores": one.scores.model_copy(update=change(one.scores))})

    return changed


def test_records_of_one_data_set_and_different_runs_do_not_clash():
    assert list(clashes([record("a"), record("b"), later(seeds=2)])) == []


def test_two_names_that_differ_in_capitals_alone_clash():
    assert list(clashes([later("facs"), record("FACS")])) == [
        ("facs", "run 'FACS' has the same name but for capitals; give one of them another")
    ]


def test_a_run_filed_twice_is_known_by_the_fingerprint_of_its_scores():
    twice = later("copy", stages=record("facs").stages)
    assert list(clashes([twice, record("facs")])) == [
        ("copy", "is the same run as 'facs' (their scores have one fingerprint); take one of them out")
    ]


def test_records_that_name_no_stages_are_not_one_run():
    assert list(clashes([record("a", stages=[]), record("b", stages=[])])) == []


def test_other_data_of_the_same_name_is_named_in_the_record_that_differs_from_most():
    other = record("odd", data=[DataRecord(role="target", name="folder", fingerprint="0" * 64)])
    assert list(clashes([other, later("a"), later("b")])) == [
        (
            "odd",
            "its target data has fingerprint folder 000000000000, that of run 'a' folder ffffffffffff; other data "
            "needs a benchmark of its own (harness leaderboard add RUN --benchmark NAME)",
        )
    ]


def test_data_to_train_on_may_differ():
    more = DataRecord(role="pretrain", name="synthetic", fingerprint="1" * 64)
    assert list(clashes([record("a"), later(data=[*record("a").data, more])])) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: {"label_space": "two"}, "its label space 'two' or its classes are not those of run 'a'"),
        (lambda one: {"clips": ["x", *one.clips[1:]]}, "1 of its clips are not in run 'a', 1 are missing"),
        (lambda one: {"items": ["x", *one.items[1:]]}, "1 of its 6 clips have other annotated frames than in run 'a'"),
        (
            lambda one: {"truth": one.truth.model_copy(update={"per_class": [1, 2, 117]})},
            r"its truth has \[1, 2, 117\] frames of the classes, that of run 'a' \[",
        ),
    ],
)
def test_other_items_are_other_data(change, message):
    (found, *_) = clashes([record("a"), scores(change)(later())])
    assert found[0] == "late"
    assert found[1].startswith(message.replace("\\", ""))
    assert "a benchmark of its own" in found[1]


def test_a_record_without_digests_of_its_items_is_compared_by_its_truth():
    assert list(clashes([record("a"), scores(lambda one: {"items": []})(later())])) == []


def test_counts_that_hold_other_frames_of_a_clip_than_those_of_other_records_are_named():
    def swapped(one):
        systems = list(one.systems)
        counts = [one.systems[1].counts[1], one.systems[1].counts[0], *one.systems[1].counts[2:]]
        systems[1] = systems[1].model_copy(update={"counts": counts})
        return {"systems": systems}

    ((run, text),) = clashes([record("a"), scores(swapped)(later())])
    assert run == "late"
    assert "its counts hold other frames of the classes than those of run 'a'" in text
