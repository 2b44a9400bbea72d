import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.ranks import rank
from harness.leaderboard.rows import leaderboard
from harness.leaderboard.standings import AT_ONCE, DECIMALS, DIGITS, against, letters


@pytest.mark.parametrize(("number", "text"), [(1, "a"), (26, "z"), (27, "aa"), (52, "az"), (53, "ba"), (703, "aaa")])
def test_groups_are_lettered(number, text):
    assert letters(number) == text


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_letters_are_in_order_and_unlike(one, other):
    assert (letters(one) == letters(other)) == (one == other)
    if one < other:
        assert (len(letters(one)), letters(one)) < (len(letters(other)), letters(other))


def test_differences_in_portions_are_those_of_the_whole_table(make_run, make_counted):
    """A reference of the other board is compared some rows at a time; the numbers are those of one table."""
    rng = np.random.default_rng(0)
    labeler = make_counted("facs", rng.integers(3, 8, 12).tolist(), "labeler")
    runs = [
        make_run(f"r{number:03}", [make_counted(right=rng.integers(2, 10, 12).tolist())])
        for number in range(AT_ONCE + 5)
    ]
    systems = leaderboard([*runs, make_run("z", [labeler])]).board("systems")
    whole = rank([systems.reference.sums, *(row.sums for row in systems.rows)], [0] * (len(runs) + 1), reference=0)
    found = [(row.difference.value, *row.difference.interval, row.difference.p) for row in systems.rows]
    numbers = np.stack([whole.difference, whole.low, whole.high, whole.p], axis=1)[1:]
    np.testing.assert_allclose(found, numbers, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose([row.difference.p_holm for row in systems.rows], whole.adjusted[1:], rtol=1e-5)


def test_no_number_of_a_table_has_digits_that_the_processor_decides(make_run, make_counted):
    """Sums of products differ in their last digits from one processor to the next; tables must not."""
    rng = np.random.default_rng(0)
    runs = [make_run(f"r{number}", [make_counted(right=rng.integers(2, 10, 12).tolist())]) for number in range(9)]
    board = leaderboard(runs).board("systems")
    found = [row.difference for row in board.rows if row.difference]
    assert len(found) == 8
    for number in (board.detectable, *(end for one in found for end in (one.value, *one.interval))):
        assert number == round(number, DECIMALS)
    for p in (p for one in found for p in (one.p, one.p_holm)):
        assert p == float(f"{p:.{DIGITS}g}")


def test_equal_rows_differ_by_nothing(make_run, make_counted):
    rows = leaderboard(make_run(run, [make_counted(right=[4, 5, 6] * 4)]) for run in "ab").board("systems").rows
    assert rows[0].difference is None
    assert (rows[1].difference.value, rows[1].difference.p, rows[1].ranks) == (0, 1, (1, 2))


def test_a_reference_without_counts_has_no_differences(make_run, make_counted):
    board = leaderboard([make_run("a", [make_counted(right=[4, 5, 6] * 4)])]).board("systems")
    bare = leaderboard([make_run("b", [make_counted().model_copy(update={"counts": []})])]).rows[0]
    assert against(board.rows, bare) == list(board.rows)
