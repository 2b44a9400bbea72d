import numpy as np
import pytest
from honest_records import record as honest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.counts import Counts
from harness.leaderboard.evidence import Evidence
from harness.leaderboard.rows import leaderboard
from harness.leaderboard.shape import counted

TRIPLES = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(-1, 2), st.integers(1, 9)),
        max_size=5,
        unique_by=lambda one: one[:2],
    ),
    min_size=1,
    max_size=6,
)


@given(TRIPLES)
def test_counts_are_those_that_triples_tell_one_by_one(triples):
    expected, found = Counts.from_triples(triples, 3), counted(triples, len(triples), 3)
    if not any(triples):
        assert found is None
    else:
        np.testing.assert_array_equal(found.confusion, expected.confusion)
        np.testing.assert_array_equal(found.unanswered, expected.unanswered)


@pytest.mark.parametrize(
    "triple",
    [
        (3, 0, 1),
        (-1, 0, 1),
        (0, 3, 1),
        (0, -2, 1),
        (0, 0, 0),
        (0, 0, -5),
        (0, 0, 2**31),
        (0, 0, 10**30),
        (10**30, 0, 1),
    ],
    ids=lambda one: str(one),
)
def test_triples_beyond_the_classes_are_no_counts(triple):
    assert counted([[(0, 1, 1), triple]], 1, 3) is None


def test_a_pair_of_classes_that_is_there_twice_is_no_count():
    assert counted([[(0, 1, 2), (0, 1, 3)]], 1, 3) is None


def test_triples_of_another_number_of_clips_are_no_counts():
    assert counted([[(0, 0, 1)]], 2, 3) is None
    assert counted([], 0, 3) is None


def test_clips_without_a_scored_frame_are_left_out(make_run, make_counted):
    system = make_counted(right=[5, 6, 7], clips=3)
    system = system.model_copy(update={"counts": [*system.counts, []]})
    sums, _ = Evidence().of(make_run("a", [system], clips=4), system)
    assert sums.shape == (1, 3, 3, 2)


def test_seeds_of_different_items_cannot_be_averaged(make_run, make_counted):
    seeds = [make_counted(right=5), make_counted(right=5, frames=11)]
    value = seeds[0].macro_f1
    spread = {"seeds": [0, 1], "macro_f1": [value] * 2, "deviation": 0, "lowest": value, "highest": value}
    mean = make_counted(right=5, spread=spread)
    assert Evidence().of(make_run("a", [mean], by_seed=[[one] for one in seeds]), mean) is None


def test_data_decides_where_records_do_not_say_what_is_annotated(make_run, make_counted):
    system = make_counted()
    evidence = Evidence()

    def digest(data, items):
        return evidence.of(make_run("a", [system], fingerprint=data, items=items), system)[1]

    assert digest("f" * 64, []) != digest("0" * 64, [])
    assert digest("f" * 64, ["x"] * 12) == digest("0" * 64, ["x"] * 12)
    assert len(evidence.bases) == 3


def test_rows_over_other_subjects_of_the_same_clips_are_not_ranked_together():
    def run(name, who, seeds=1):
        return honest(name, seeds, of={"subjects": [*who], "clusters": "subject"})

    board = leaderboard([run("a", "xxyyzz"), run("b", "ppqqrr", 2), run("c", "xxxyyy")]).board("systems")
    assert {row.run for row in board.rows if row.rank is not None} == {"a", "b"}
    assert any("c:ensemble, smoothed (other subjects in the same clips)" in note for note in board.notes)
