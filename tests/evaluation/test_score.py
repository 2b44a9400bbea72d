"""What counts decide, measured once and measured again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from harness.errors import DataError
from harness.evaluation.counts import Counts, count
from harness.evaluation.score import System, Target, chance_again, measured_again, refusal_rate, score_system
from harness.evaluation.scores import Settings, SystemScore

CLASSES = ("a", "b", "c")
SETTINGS = Settings(unanswered="wrong", resamples=200, seed=0, interval="studentised")
rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(-1, 2)), max_size=60)


def counted(given_rows):
    return count(*np.array(given_rows, int).reshape(-1, 3).T, 5, 3)


def target(clips=6, frames=10, seed=0):
    clip = np.repeat([f"clip {number}" for number in range(clips)], frames)
    truth = np.random.default_rng(seed).integers(0, 3, clips * frames)
    code = np.repeat(np.arange(clips), frames)
    return Target(
        CLASSES, clip, np.arange(len(clip)) / 10, tuple(dict.fromkeys(clip)), truth, code, np.arange(len(clip))
    )


@given(rows, st.sampled_from(["wrong", "excluded"]))
def test_every_score_equals_scikit_learn_under_both_policies(given_rows, policy):
    counts = counted(given_rows)
    found = measured_again(counts, CLASSES, SETTINGS.model_copy(update={"unanswered": policy, "resamples": 100}))
    kept = [(true, guess) for _, true, guess in given_rows if policy == "wrong" or guess >= 0]
    assert found["frames"] == len(given_rows)
    if not kept:
        assert (found["macro_f1"], found["per_class"], found["interval"]) == (None, [], None)
        assert policy not in found["by_policy"]
        return
    truth = [true for true, _ in kept]
    predicted = [3 if guess < 0 else guess for _, guess in kept]
    settings = {"labels": [0, 1, 2], "zero_division": 0}
    assert found["macro_f1"] == pytest.approx(oracle.f1_score(truth, predicted, average="macro", **settings))
    assert found["weighted_f1"] == pytest.approx(oracle.f1_score(truth, predicted, average="weighted", **settings))
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(truth, predicted))
    assert found["by_policy"][policy] == found["macro_f1"]
    assert found["coverage"] == pytest.approx(np.mean([guess >= 0 for _, _, guess in given_rows]))


@given(rows)
def test_measuring_again_from_the_triples_gives_every_field_exactly(given_rows):
    counts = counted(given_rows)
    again = Counts.from_triples([[tuple(one) for one in clip] for clip in counts.triples()], 3)
    for clusters in ("clip", "subject", "frame"):
        settings = SETTINGS.model_copy(update={"clusters": clusters, "resamples": 100})
        subjects = ["x", "x", "y", "z", "z"]
        assert measured_again(counts, CLASSES, settings, subjects) == measured_again(again, CLASSES, settings, subjects)


def test_a_score_holds_what_measuring_its_counts_again_gives():
    found = score_system(System("s", "network", np.random.default_rng(1).integers(-1, 3, 60)), target(), SETTINGS)
    again = measured_again(Counts.from_triples(found.counts, 3), CLASSES, SETTINGS)
    assert {name: getattr(found, name) for name in again} == again
    assert set(again) | {
        "system", "role", "phase", "counts", "outcomes", "refusal_rate", "distribution", "divergence", "calibration",
        "correctness", "spread", "changes_per_second", "change_share",
    } == set(SystemScore.model_fields)  # fmt: skip


def test_scores_of_clips_are_those_of_their_majorities():
    counts = counted([(0, 0, 0), (0, 0, 0), (0, 1, 2), (1, 1, 0), (1, 1, 1), (1, 1, 1), (2, 2, 1), (3, 2, -1)])
    found = measured_again(counts, CLASSES, SETTINGS)
    assert found["clip_accuracy"] == 2 / 4  # clip 2 is wrong, clip 3 unanswered
    expected = oracle.f1_score([0, 1, 2, 2], [0, 1, 1, 3], labels=[0, 1, 2], average="macro", zero_division=0)
    assert found["clip_macro_f1"] == pytest.approx(expected)


def test_kappa_is_none_where_it_is_not_defined():
    found = measured_again(counted([(0, 1, 1), (1, 1, 1)]), CLASSES, SETTINGS)
    assert (found["kappa"], found["matthews"], found["accuracy"]) == (None, 0, 1)


def test_one_clip_has_no_interval_but_its_frames_have():
    counts = counted([(0, 0, 0), (0, 1, 1), (0, 2, 0), (0, 2, 2)])
    assert measured_again(counts, CLASSES, SETTINGS)["interval"] is None
    frames = SETTINGS.model_copy(update={"clusters": "frame"})
    assert measured_again(counts, CLASSES, frames)["interval"] is not None


def test_clips_of_one_subject_alone_have_no_interval():
    counts = counted([(0, 0, 0), (1, 1, 1), (2, 2, 0), (3, 2, 2)])
    settings = SETTINGS.model_copy(update={"clusters": "subject"})
    assert measured_again(counts, CLASSES, settings, ["anna"] * 5)["interval"] is None
    assert measured_again(counts, CLASSES, settings, ["anna", "ben", "ben", "ben", "x"])["interval"] is not None


def test_chance_is_measured_again_from_the_annotated_frames_of_each_class():
    found = chance_again([10, 20, 30], CLASSES)
    assert found["by_policy"] == {"wrong": found["macro_f1"], "excluded": found["macro_f1"]}
    assert (found["kappa"], found["matthews"]) == (pytest.approx(0), pytest.approx(0))
    assert (found["accuracy"], found["frames"], found["coverage"]) == (pytest.approx(1 / 3), 60, 1)


@pytest.mark.parametrize(
    ("outcomes", "rate"),
    [
        ({}, None),
        ({"label": 3, "abstain": 1}, 0),
        ({"label": 5, "refused_text": 2, "refused_provider": 1, "error": 2}, 0.3),
    ],
)
def test_the_refusal_rate_is_the_share_of_requests_refused_by_either(outcomes, rate):
    assert refusal_rate(outcomes) == rate


def test_probabilities_that_are_nan_are_refused_with_the_systems_name():
    labels = np.zeros(60, int)
    probabilities = np.full((60, 3), 1 / 3, np.float32)
    probabilities[7] = np.nan
    message = r"^resnet18 \(fine-tuned\): the probabilities of 1 of 60 labelled frames hold NaN or infinity"
    with pytest.raises(DataError, match=message):
        score_system(
            System("resnet18", "network", labels, "fine-tuned", probabilities=probabilities), target(), SETTINGS
        )
