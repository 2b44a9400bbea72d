import numpy as np
import pytest

from harness.evaluation import bootstrap, metrics
from harness.evaluation.bootstrap import Units, draws, resampled
from harness.evaluation.counts import count
from harness.evaluation.intervals import intervals
from harness.evaluation.ratios import F1, MACRO_F1


def sums_per_clip(clips=40, frames=4000, seed=0):
    rng = np.random.default_rng(seed)
    clip, truth = rng.integers(0, clips, frames), rng.integers(0, 3, frames)
    skill = rng.random(clips)[clip]  # clips differ, so that resampling them shows
    predicted = np.where(rng.random(frames) < skill, truth, rng.integers(0, 3, frames))
    return count(clip, truth, predicted, clips, 3).sums()


def clips(sums):
    return Units(sums, np.ones(len(sums), np.int64))


def test_every_resample_draws_as_many_clips_as_there_are():
    once = np.ones((5, 3, 2), np.int64)
    rows = np.concatenate(list(resampled(once, 100, 0)))
    assert rows.shape == (100, 3, 2)
    assert (rows == 5).all()


def test_clips_are_drawn_as_a_multinomial():
    clips = 6
    which = np.zeros((clips, 3, 2), np.int64)
    which[0] = 1
    drawn = np.concatenate(list(resampled(which, 20_000, 1)))[:, 0, 0]
    assert drawn.mean() == pytest.approx(1, abs=0.02)
    assert drawn.var() == pytest.approx(1 - 1 / clips, abs=0.03)


def test_intervals_equal_a_loop_over_resampled_clips():
    sums = sums_per_clip()
    rng = np.random.default_rng(7)
    values = [metrics.macro_f1(sums[rng.integers(0, len(sums), len(sums))].sum(axis=0)) for _ in range(4000)]
    expected = np.percentile(values, [2.5, 97.5])
    found = intervals([clips(sums)], {"macro": MACRO_F1}, 4000, 0)["macro"]
    np.testing.assert_allclose(found, expected, atol=0.005)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    whole = sums_per_clip(clips=2000, frames=100_000, seed=3)
    value = metrics.macro_f1(whole.sum(axis=0))
    rng = np.random.default_rng(4)
    hits = 0
    for trial in range(150):
        low, high = intervals([clips(whole[rng.choice(2000, 50)])], {"f": MACRO_F1}, 400, trial)["f"]
        hits += bool(low <= value <= high)
    assert 0.88 <= hits / 150 <= 1


def test_the_seed_decides_and_chunks_change_nothing_but_memory(monkeypatch):
    sums = sums_per_clip()
    whole = np.concatenate(list(resampled(sums, 300, 5)))
    np.testing.assert_array_equal(whole, np.concatenate(list(resampled(sums, 300, 5))))
    assert (whole != np.concatenate(list(resampled(sums, 300, 6)))).any()
    monkeypatch.setattr(bootstrap, "CHUNK", 1000)
    chunks = list(resampled(sums, 300, 5))
    assert len(chunks) == 20  # of 1000 // 64 resamples
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_an_interval_a_class_comes_for_metrics_a_class():
    low, high = intervals([clips(sums_per_clip())], {"f1": F1}, 200, 0)["f1"]
    assert low.shape == high.shape == (3,)
    assert (low < high).all()


def test_kept_draws_are_the_same_draws_made_once(monkeypatch):
    many = np.ones(5, np.int64)
    apart = [np.concatenate(list(draws(many, 40, seed))) for seed in (0, [0, 1])]
    made = []
    real = bootstrap._drawn
    monkeypatch.setattr(bootstrap, "_drawn", lambda *one: made.append(one) or real(*one))
    with bootstrap.kept_draws():
        for _ in range(2):
            for seed, expected in zip((0, [0, 1]), apart, strict=True):
                assert (np.concatenate(list(draws(many, 40, seed))) == expected).all()
        assert len(made) == 2
        list(draws(np.array([3, 2]), 40, 0))
        list(draws(np.array([3, 2]), 40, 0))
        assert len(made) == 4  # frames, drawn by their number, are not kept
    list(draws(many, 40, 0))
    assert len(made) == 5
