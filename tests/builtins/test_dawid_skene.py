import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.builtins.aggregator_options import DawidSkeneOptions, MajorityVoteOptions, OneCoinOptions
from harness.builtins.aggregators import MajorityVote
from harness.builtins.dawid_skene import DawidSkene, OneCoin
from harness.components import Votes

MODELS = {"dawid-skene": (DawidSkene, DawidSkeneOptions), "one-coin": (OneCoin, OneCoinOptions)}


def aggregate(model, votes, **options):
    build, options_of = MODELS[model]
    return build(options_of(**options)).aggregate(votes)


def hard(choices, classes):
    """choices (V, N), -1 for a missing vote -> Votes."""
    rows = np.where(choices[..., None] >= 0, np.eye(classes, dtype=np.float32)[choices], np.nan)
    return Votes(rows.astype(np.float32), tuple(f"voter-{number}" for number in range(len(choices))))


def world(seed, items, classes, accuracies, missing=0.2):
    """The truth (N,) and what voters of given accuracies say of it (V, N), every item voted on at least once."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, items)
    wrong = (truth + draw.integers(1, classes, (len(accuracies), items))) % classes
    choices = np.where(draw.random(wrong.shape) < np.array(accuracies)[:, None], truth, wrong)
    left_out = draw.random(wrong.shape) < missing
    left_out[draw.integers(0, len(accuracies), items), np.arange(items)] = False
    return truth, np.where(left_out, -1, choices)


def crowd_kit(model, choices, iterations):
    """(N, C) posteriors by crowd-kit after exactly so many iterations."""
    from crowdkit.aggregation import DawidSkene as Full
    from crowdkit.aggregation import OneCoinDawidSkene

    voters, items = np.nonzero(choices >= 0)
    data = pd.DataFrame({"task": items, "worker": voters, "label": choices[voters, items]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about crowd-kit's calls
        made = {"dawid-skene": Full, "one-coin": OneCoinDawidSkene}[model](n_iter=iterations, tol=-np.inf)
        found = made.fit_predict_proba(data)
    return found.sort_index(axis=0).sort_index(axis=1).to_numpy()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("iterations", [1, 2, 20])
@pytest.mark.parametrize("seed", range(3))
def test_posteriors_are_those_of_crowd_kit_step_by_step(model, iterations, seed):
    _, choices = world(seed, 120, 4, (0.8, 0.7, 0.6, 0.5))
    found = aggregate(model, hard(choices, 4), iterations=iterations, tolerance=0, smoothing=0)
    expected = crowd_kit(model, choices, iterations)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    clear = np.sort(expected, axis=1)[:, -1] - np.sort(expected, axis=1)[:, -2] > 1e-4
    np.testing.assert_array_equal(found.labels[clear], expected.argmax(1)[clear])


def test_shares_and_labels_of_majority_vote_are_those_of_crowd_kit():
    from crowdkit.aggregation import MajorityVote as Majority

    _, choices = world(5, 200, 4, (0.7, 0.6, 0.5))
    voters, items = np.nonzero(choices >= 0)
    data = pd.DataFrame({"task": items, "worker": voters, "label": choices[voters, items]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about crowd-kit's calls
        expected = Majority().fit_predict_proba(data).sort_index().sort_index(axis=1).to_numpy()
    found = MajorityVote(MajorityVoteOptions()).aggregate(hard(choices, 4))
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), items=st.integers(1, 60), voters=st.integers(1, 5))
def test_order_of_items_voters_and_classes_does_not_matter(model, seed, items, voters):
    _, choices = world(seed, items, 3, (0.8, 0.6, 0.7, 0.5, 0.9)[:voters])
    votes = hard(choices, 3)
    draw = np.random.default_rng(seed)
    by_item, by_voter, by_class = draw.permutation(items), draw.permutation(voters), draw.permutation(3)
    plain = aggregate(model, votes, iterations=20).probabilities

    def moved(probabilities, names=votes.voters):
        return aggregate(model, Votes(np.ascontiguousarray(probabilities), tuple(names)), iterations=20).probabilities

    np.testing.assert_array_equal(moved(votes.probabilities[:, by_item]), plain[by_item])
    np.testing.assert_allclose(moved(votes.probabilities[by_voter]), plain, atol=1e-5)
    np.testing.assert_allclose(moved(votes.probabilities[:, :, by_class]), plain[:, by_class], atol=1e-5)


def gain(model, made):
    """Mean gain in accuracy over majority voting, on several (truth, choices)."""
    gains = []
    for truth, choices in made:
        votes = hard(choices, truth.max() + 1)
        found = (aggregate(model, votes), MajorityVote(MajorityVoteOptions()).aggregate(votes))
        learnt, majority = ((decisions.labels == truth).mean() for decisions in found)
        gains.append(learnt - majority)
    return np.mean(gains)


def test_a_voter_that_always_takes_one_class_for_another_is_understood():
    made = [world(seed, 1000, 5, (0.7, 0.7, 0.7), missing=0) for seed in range(5)]
    for truth, choices in made:
        choices[2] = np.where(truth == 0, 1, np.where(truth == 1, 0, choices[2]))
    assert gain("dawid-skene", made) > 0.02


@pytest.mark.parametrize("model", MODELS)
def test_two_good_voters_outweigh_three_poor_ones(model):
    assert gain(model, [world(seed, 600, 3, (0.9, 0.9, 0.45, 0.45, 0.45), missing=0) for seed in range(5)]) > 0.01


@pytest.mark.parametrize("model", MODELS)
def test_voters_that_contradict_each_other_evenly_are_tied_and_the_first_decides(model):
    choices = np.array([[0, 1, 0, 1], [1, 0, 1, 0]])
    for voters in ([0, 1], [1, 0]):
        found = aggregate(model, hard(choices[voters], 2))
        assert found.labels.tolist() == choices[voters[0]].tolist()
        np.testing.assert_allclose(found.probabilities, 0.5)


@pytest.mark.parametrize("model", MODELS)
def test_soft_votes_count_as_their_most_probable_class(model):
    _, choices = world(3, 50, 3, (0.8, 0.6, 0.5))
    sharp = hard(choices, 3)
    soft = Votes(sharp.probabilities * np.float32(0.4) + np.float32(0.2), sharp.voters)
    np.testing.assert_array_equal(aggregate(model, soft).probabilities, aggregate(model, sharp).probabilities)


@pytest.mark.parametrize("model", MODELS)
def test_a_label_depends_on_the_other_items_as_documented(model):
    _, choices = world(2, 300, 3, (0.95, 0.36, 0.36), missing=0)
    together, alone = aggregate(model, hard(choices, 3)), aggregate(model, hard(choices[:, :1], 3))
    assert not np.allclose(together.probabilities[0], alone.probabilities[0])


@pytest.mark.parametrize("model", MODELS)
def test_votes_that_are_all_missing_decide_nothing(model):
    found = aggregate(model, hard(np.full((2, 3), -1), 4))
    assert found.labels.tolist() == [-1] * 3
    assert np.isnan(found.probabilities).all()


def test_a_tolerance_stops_early():
    _, choices = world(4, 200, 3, (0.8, 0.6, 0.5))
    loose, short = (
        aggregate("dawid-skene", hard(choices, 3), tolerance=1),
        aggregate("dawid-skene", hard(choices, 3), iterations=1),
    )
    np.testing.assert_array_equal(loose.probabilities, short.probabilities)


@pytest.mark.parametrize("options", [{"iterations": 0}, {"tolerance": -1}, {"smoothing": -0.1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        DawidSkeneOptions(**options)
