"""Ranks against loops over every pair, and by what must hold of any table."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.errors import DataError
from harness.evaluation import metrics, ranks
from harness.evaluation.counts import count
from harness.evaluation.holm import holm
from harness.evaluation.pairs import standard_error
from harness.evaluation.ranks import rank

CLASSES = 4


def table(systems=12, clips=30, frames=20, seed=0, spread=0.5):
    """Sums of systems, each better than the one before."""
    rng = np.random.default_rng(seed)
    clip = np.repeat(np.arange(clips), frames)
    truth = np.repeat(rng.integers(0, CLASSES, clips * 4), frames // 4)
    found = []
    for number in range(systems):
        skill = np.clip(0.3 + spread * number / systems + 0.1 * rng.normal(size=clips), 0, 1)[clip]
        guess = np.where(rng.random(len(clip)) < skill, truth, rng.integers(-1, CLASSES, len(clip)))
        found.append(count(clip, truth, guess, clips, CLASSES).sums())
    return found


def by_loop(sums, alpha=0.05):
    """(best, worst) of one t-test after the other, with the standard error of the pair, and Holm's correction."""
    values = [float(metrics.macro_f1(one.sum(axis=0))) for one in sums]
    pairs = [(i, j) for i in range(len(sums)) for j in range(i)]
    p = []
    for i, j in pairs:
        error = float(standard_error(sums[i], sums[j], {"f": metrics.macro_f1})["f"])
        t = abs(values[i] - values[j]) / error if values[i] != values[j] else 0
        p.append(2 * stats.t.sf(t, len(sums[0]) - 1))
    better, worse = [0] * len(sums), [0] * len(sums)
    for (i, j), adjusted in zip(pairs, holm(np.array(p)), strict=True):
        if adjusted <= alpha:
            up, down = (i, j) if values[i] > values[j] else (j, i)
            better[down] += 1
            worse[up] += 1
    return [1 + one for one in better], [len(sums) - one for one in worse]


@pytest.mark.parametrize(("clips", "spread"), [(30, 0.5), (8, 0.6), (30, 0.0), (2, 0.5)])
def test_rank_intervals_are_those_of_a_loop_over_all_pairs(clips, spread):
    sums = table(clips=clips, spread=spread)
    found = rank(sums, ["same"] * len(sums))
    assert (found.best.tolist(), found.worst.tolist()) == by_loop(sums)


def test_blocks_of_any_size_give_the_same_table(monkeypatch):
    sums = table(25)
    whole = rank(sums, [0] * 25, reference=3)
    monkeypatch.setattr(ranks, "BLOCK", 40)
    parts = rank(sums, [0] * 25, reference=3)
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(parts, name), values, rtol=1e-9, err_msg=name)


def test_a_row_against_the_reference_has_difference_interval_and_p():
    sums = table(6)
    found = rank(sums, [0] * 6, reference=2)
    assert np.isnan([found.difference[2], found.low[2], found.high[2], found.p[2], found.adjusted[2]]).all()
    error = float(standard_error(sums[5], sums[2], {"f": metrics.macro_f1})["f"])
    difference = float(found.value[5] - found.value[2])
    margin = stats.t.isf(0.025, 29) * error
    assert found.difference[5] == pytest.approx(difference)
    assert (found.low[5], found.high[5]) == pytest.approx((difference - margin, difference + margin))
    assert found.p[5] == pytest.approx(2 * stats.t.sf(difference / error, 29))
    others = np.array([0, 1, 3, 4, 5])
    np.testing.assert_allclose(found.adjusted[others], holm(found.p[others]))


def test_equal_systems_share_their_rank_and_are_tied():
    first, second, third = table(3, spread=1.5)
    found = rank([first, second, first, third], [0] * 4, reference=0)
    assert found.rank.tolist() == [3, 2, 3, 1]
    assert (found.best[0], found.worst[0], found.group[0]) == (found.best[2], found.worst[2], found.group[2])
    assert (found.difference[2], found.low[2], found.high[2], found.p[2]) == (0, 0, 0, 1)


def test_a_system_better_by_as_much_in_every_clip_is_better_for_certain():
    right = np.tile(np.array([[5, 5], [5, 5], [5, 5]]), (4, 1, 1))
    wrong = np.tile(np.array([[3, 3], [5, 5], [5, 5]]), (4, 1, 1))
    found = rank([wrong, right], [0, 0])
    assert found.error.tolist() == [0, 0]
    assert (found.best.tolist(), found.worst.tolist(), found.group.tolist()) == ([2, 1], [2, 1], [2, 1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 15), st.floats(0, 1.5))
def test_of_any_table(seed, systems, spread):
    found = rank(table(systems, 10, 12, seed, spread), [0] * systems)
    assert (found.best <= found.rank).all()
    assert (found.rank <= found.worst).all()
    assert (found.best >= 1).all()
    assert (found.worst <= systems).all()
    # as many are better than somebody as somebody is worse than
    assert (found.best - 1).sum() == (systems - found.worst).sum()
    order = np.argsort(found.rank, kind="stable")
    steps = np.diff(found.group[order])
    assert found.group[order[0]] == 1
    assert ((steps == 0) | (steps == 1)).all()
    for number in range(1, int(found.group.max()) + 1):
        first = order[found.group[order] == number][0]
        assert number == 1 or found.best[first] > 1


def test_systems_of_other_items_are_ranked_among_themselves():
    many, few = table(5), table(2, clips=7, seed=1)
    found = rank([few[0], *many, few[1], table(1, seed=2)[0]], ["few", *["many"] * 5, "few", "one"], reference=1)
    assert found.set.tolist() == [1, 0, 0, 0, 0, 0, 1, 2]
    assert found.size.tolist() == [2, 5, 5, 5, 5, 5, 2, 1]
    alone = rank(many, [0] * 5, reference=0)
    for name in ("rank", "best", "worst", "group", "difference", "adjusted"):
        np.testing.assert_array_equal(getattr(found, name)[1:6], getattr(alone, name))
    assert sorted(found.rank[[0, 6]]) == [1, 2]
    assert np.isnan(found.difference[[0, 6, 7]]).all()
    assert (found.rank[7], found.best[7], found.worst[7]) == (1, 1, 1)


def test_of_one_clip_nothing_is_told_apart_and_nothing_has_an_error():
    found = rank([one[:1] for one in table(3)], [0] * 3, reference=0)
    assert (found.best.tolist(), found.worst.tolist(), found.group.tolist()) == ([1] * 3, [3] * 3, [1] * 3)
    assert np.isnan([*found.error, *found.low, *found.p, *found.adjusted]).all()
    assert found.difference[1] == pytest.approx(found.value[1] - found.value[0])


def test_of_several_seeds_the_mean_is_ranked_and_the_seeds_widen_the_error():
    first, second, third = table(3, spread=0)
    found = rank([np.stack([first, second, third]), first], [0, 0])
    singles = rank([first, second, third], [0] * 3)
    assert found.value[0] == pytest.approx(singles.value.mean())
    without = [
        np.mean([metrics.macro_f1(one.sum(axis=0) - one[clip]) for one in (first, second, third)]) for clip in range(30)
    ]
    clips = 29 / 30 * np.sum((without - np.mean(without)) ** 2)
    assert found.error[0] == pytest.approx(math.sqrt(clips + singles.value.var(ddof=1) / 3))


def test_systems_of_the_same_trainings_are_paired_seed_by_seed():
    better, worse = table(2, spread=0.6), table(2, spread=0.6)
    shared = rank([np.stack(better), np.stack(worse), np.stack(better[::-1])], [0] * 3, reference=0)
    assert (shared.low[1], shared.high[1]) == (0, 0)
    assert shared.high[2] - shared.low[2] > 0.1  # what one seed wins, the other loses


def test_equal_systems_are_told_apart_as_often_as_alpha_says():
    """The family-wise error: of systems that chance alone decides, in how many tables is any told apart?"""
    wrong = sum(int(rank(table(4, 10, 16, seed, spread=0.0), [0] * 4).best.max() > 1) for seed in range(400))
    assert wrong / 400 <= 0.08


def test_sums_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="3 systems with sums, but 2 with items; give each both"):
        rank(table(3), [0, 0])
    first, second = table(2)
    with pytest.raises(DataError, match=r"sums of shapes .* for the same items: expected \(clips, 3, classes\)"):
        rank([first, second[1:]], [0, 0])
    with pytest.raises(DataError, match="for the same items"):
        rank([first[:0]], [0])


def test_an_empty_table_is_one():
    assert len(rank([], []).rank) == 0
