import numpy as np
import pytest
from harness_facs.action_units import EFFECT, NOISE, UNITS
from harness_facs.labeler import intensities
from harness_facs.model import infer, mixture
from harness_facs.prototypes import presence

from harness.expressions import ABAW_COMPOUND_7

PRESENCE = presence(ABAW_COMPOUND_7, "du-2014")
MODEL = mixture(PRESENCE)


def sampled(random, count, clips, rest_spread):
    """Faces drawn from the model itself: labels, clips and measures; each clip has a baseline of its own."""
    labels = random.integers(0, 7, count)
    units = (random.random((count, len(UNITS))) < PRESENCE[labels]) * random.uniform(0.6, 1.0, (count, 1))
    resting = random.random(count) < 0.3
    units[resting] = 0
    clip = np.arange(count) % clips
    baselines = random.normal(0, rest_spread, (clips, EFFECT.shape[1]))
    rows = units @ EFFECT + random.normal(0, 1, (count, EFFECT.shape[1])) * NOISE * 0.6 + baselines[clip]
    return np.where(resting, -1, labels), clip, rows, baselines


def classes(posterior):
    return np.stack([posterior[:, MODEL.owner == one].sum(1) for one in range(7)], 1)


def test_the_density_of_a_component_is_the_gaussian_scipy_computes():
    from scipy.stats import multivariate_normal

    rows = np.random.default_rng(0).normal(size=(5, EFFECT.shape[1]))
    logs = MODEL.log_likelihood(rows, 1.0)
    for number in (0, 6, len(MODEL.mean) - 1):
        covariance = np.linalg.inv(MODEL.precision[number])
        expected = multivariate_normal(MODEL.mean[number], covariance).logpdf(rows) + MODEL.log_weight[number]
        constant = EFFECT.shape[1] / 2 * np.log(2 * np.pi)  # the same for all components, so it is left out
        np.testing.assert_allclose(logs[:, number], expected + constant, rtol=1e-8)


def test_the_mixture_is_whole():
    assert np.exp(MODEL.log_weight).sum() == pytest.approx(1)
    assert set(MODEL.owner.tolist()) == {-1, *range(7)}


def test_centre_and_spread_are_those_of_faces_drawn_from_the_mixture():
    random = np.random.default_rng(1)
    parts = random.choice(len(MODEL.mean), 40_000, p=np.exp(MODEL.log_weight))
    drawn = np.concatenate([
        random.multivariate_normal(MODEL.mean[one], np.linalg.inv(MODEL.precision[one]), int((parts == one).sum()))
        for one in range(len(MODEL.mean))
    ])  # fmt: skip
    np.testing.assert_allclose(drawn.mean(0), MODEL.centre, atol=0.03)
    np.testing.assert_allclose(drawn.std(0), MODEL.spread, atol=0.03)


def test_classes_are_found_again_and_own_baselines_help():
    labels, clip, rows, baselines = sampled(np.random.default_rng(0), 1200, 30, rest_spread=0.7)
    shown = labels >= 0
    own, found = infer(rows, clip, MODEL, own_rest=True, evidence=1, balance=0)
    fixed, none = infer(rows, clip, MODEL, own_rest=False, evidence=1, balance=0)
    accuracy = [(classes(one).argmax(1) == labels)[shown].mean() for one in (own, fixed)]
    assert accuracy[0] > 0.75
    assert accuracy[0] > accuracy[1] + 0.1
    assert np.abs(found - baselines[clip]).mean() < 0.3
    assert not none.any()


def test_posteriors_sum_to_one():
    _, clip, rows, _ = sampled(np.random.default_rng(2), 60, 5, rest_spread=0.5)
    for balance in (0.0, 0.4, 1.0):
        posterior, _ = infer(rows, clip, MODEL, own_rest=True, evidence=1, balance=balance)
        np.testing.assert_allclose(posterior.sum(1), 1)


def test_balance_draws_the_classes_to_equal_shares():
    _, clip, rows, _ = sampled(np.random.default_rng(3), 400, 20, rest_spread=0.5)
    rows = rows + 0.6 * EFFECT[UNITS.index(12)]  # everybody seems to smile

    def spread(balance):
        return classes(infer(rows, clip, MODEL, own_rest=False, evidence=1, balance=balance)[0]).sum(0).std()

    assert spread(1.0) < spread(0.5) < spread(0.0)
    assert spread(1.0) < 0.2 * spread(0.0)


def test_less_evidence_makes_softer_posteriors():
    _, clip, rows, _ = sampled(np.random.default_rng(4), 100, 5, rest_spread=0.5)
    soft, hard = (
        classes(infer(rows, clip, MODEL, own_rest=False, evidence=evidence, balance=0)[0]).max(1).mean()
        for evidence in (0.3, 1.0)
    )
    assert soft < hard


@pytest.mark.parametrize("unit", [1, 2, 4, 5, 9, 12, 15, 17, 26])
def test_a_unit_shown_alone_is_the_most_intense_one(unit):
    row = EFFECT[UNITS.index(unit)] * 1.5
    found = intensities(row[None])[0]
    assert found.max() == found[UNITS.index(unit)]
    assert ((found >= 0) & (found <= 1)).all()
