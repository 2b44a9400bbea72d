import math
import re

import numpy as np
import pytest
from harness_hsemotion.catalogue import AFFECTNET_7, AFFECTNET_8, FER2013_7
from harness_hsemotion.compose import FLOOR, RULES, Composition, probabilities
from harness_hsemotion.emotions import EMOTIONS, canonical
from harness_hsemotion.options import ComposingOptions
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace

rules = st.sampled_from(sorted(RULES))
# anger .1, disgust .05, fear .2, happiness .15, sadness .1, surprise .3, neutral .1
FACE = np.array([[0.1, 0.05, 0.2, 0.15, 0.1, 0.3, 0.1]])
PAIRS = {
    "Fearfully Surprised": (0.2, 0.3), "Happily Surprised": (0.15, 0.3), "Sadly Surprised": (0.1, 0.3),
    "Disgustedly Surprised": (0.05, 0.3), "Angrily Surprised": (0.1, 0.3), "Sadly Fearful": (0.1, 0.2),
    "Sadly Angry": (0.1, 0.1),
}  # fmt: skip


def composition(rule="mean", space=ABAW_COMPOUND_7, emotions=FER2013_7, **options):
    return Composition(ComposingOptions(compose=rule, **options), space, emotions, "fer2013")


def distributions(count=7):
    positive = st.lists(st.floats(1e-6, 1), min_size=count, max_size=count)
    return positive.map(lambda row: np.array([row]) / sum(row))


def by_hand(score):
    scores = np.array([score(*pair) for pair in PAIRS.values()])
    return scores / scores.sum()


@pytest.mark.parametrize(
    ("rule", "score"),
    [
        ("mean", lambda a, b: (a + b) / 2),
        ("geometric", lambda a, b: math.sqrt(a * b)),
        ("harmonic", lambda a, b: 2 * a * b / (a + b)),
        ("product", lambda a, b: a * b),
        ("minimum", min),
        ("weighted", lambda a, b: (a + b) / 2),
    ],
)
def test_each_rule_is_its_formula(rule, score):
    assert tuple(PAIRS) == ABAW_COMPOUND_7.names
    np.testing.assert_allclose(composition(rule)(FACE)[0], by_hand(score), rtol=1e-12)


def test_weights_of_emotions_weigh_the_mean():
    found = composition("weighted", emotion_weights={"surprised": 0.5})(FACE)[0]
    scores = [(a + 0.5 * b) / 1.5 for a, b in list(PAIRS.values())[:5]] + [0.15, 0.1]
    np.testing.assert_allclose(found, np.array(scores) / sum(scores), rtol=1e-12)


def test_weights_of_a_pair_go_before_those_of_emotions():
    weights = {"emotion_weights": {"surprise": 9.0}, "pair_weights": {"disgustingly surprised": (3, 1)}}
    found = composition("weighted", **weights)(FACE)[0]
    scores = [(a + 9 * b) / 10 for a, b in list(PAIRS.values())[:5]] + [0.15, 0.1]
    scores[3] = (3 * 0.05 + 0.3) / 4
    np.testing.assert_allclose(found, np.array(scores) / sum(scores), rtol=1e-12)


@given(rules, distributions())
def test_rows_are_probabilities(rule, face):
    found = composition(rule)(face)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-9)


@given(rules, st.integers(0, 6), st.sampled_from([1e-300, 0.0, 1.0]))
def test_certain_and_impossible_emotions_leave_finite_probabilities(rule, number, low):
    face = np.full((1, 7), low if low < 1 else 0.0)
    face[0, number] = 1.0
    found = composition(rule)(face)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-9)


@given(rules, distributions(), st.floats(1, 10), st.sampled_from(["surprise", "fear", "anger"]))
def test_more_of_an_emotion_never_lowers_its_classes_against_the_others(rule, face, factor, emotion):
    raised = face.copy()
    raised[0, FER2013_7.index(emotion)] *= factor
    compose = composition(rule)
    before, after = compose(face)[0], compose(raised / raised.sum())[0]
    with_it = [emotion in label.basics for label in ABAW_COMPOUND_7.labels]
    assert after[with_it].sum() >= before[with_it].sum() - 1e-9


@given(rules, distributions(), st.permutations(range(7)))
def test_the_order_of_the_networks_outputs_does_not_matter(rule, face, order):
    turned = composition(rule, emotions=tuple(FER2013_7[number] for number in order))
    np.testing.assert_allclose(turned(face[:, order]), composition(rule)(face), rtol=1e-9)


@given(rules, distributions(), st.permutations(range(7)))
def test_the_order_of_the_classes_does_not_matter(rule, face, order):
    space = LabelSpace("turned", tuple(ABAW_COMPOUND_7.labels[number] for number in order))
    np.testing.assert_allclose(composition(rule, space)(face), composition(rule)(face)[:, order], rtol=1e-9)


@given(distributions())
def test_minimum_harmonic_geometric_and_arithmetic_mean_stand_in_this_order(face):
    pair = np.maximum(face[:, :2], FLOOR)
    low, harmonic, geometric, mean = (RULES[rule](pair, np.ones(2))[0] for rule in
                                      ("minimum", "harmonic", "geometric", "mean"))  # fmt: skip
    assert low <= harmonic + 1e-12
    assert harmonic <= geometric + 1e-12
    assert geometric <= mean + 1e-12


@given(rules, distributions(8))
def test_a_space_of_basics_is_mapped_and_renormalised_whatever_the_rule(rule, face):
    found = composition(rule, RAF_DB_BASIC_7, AFFECTNET_8)(face)[0]
    picked = face[0, [AFFECTNET_8.index(label.basics[0]) for label in RAF_DB_BASIC_7.labels]]
    np.testing.assert_allclose(found, picked / picked.sum(), rtol=1e-6)


def test_a_space_may_have_contempt_if_the_network_has():
    space = LabelSpace("own", (Label("Contempt", (), ("contemptuous",)), Label("Happy", (), ("happy",))))
    found = composition("mean", space, AFFECTNET_8)(np.array([[0, 0.3, 0, 0, 0.1, 0.6, 0, 0]]))
    np.testing.assert_allclose(found, [[0.75, 0.25]], rtol=1e-9)
    message = "labeler 'fer2013' cannot score 'Contempt' (contempt) of label space 'own': its network knows only anger"
    with pytest.raises(ConfigError, match=re.escape(message)):
        composition("mean", space, AFFECTNET_7)


def test_neutral_faces_lose_their_confidence_if_the_rest_is_spread():
    face = np.array([[0.02, 0.02, 0.02, 0.15, 0.02, 0.17, 0.6]])  # happy and surprised, but mostly neutral
    plain, spread = composition()(face)[0], composition(rest="spread")(face)[0]
    np.testing.assert_allclose(spread, 0.4 * plain + 0.6 / 7, rtol=1e-9)
    assert plain.argmax() == spread.argmax()


def test_spreading_changes_nothing_where_every_emotion_is_used():
    np.testing.assert_allclose(
        composition(space=RAF_DB_BASIC_7, rest="spread")(FACE), composition(space=RAF_DB_BASIC_7)(FACE)
    )


def test_a_class_without_basics_is_refused():
    space = LabelSpace("own", (Label("Bored"), Label("Tired"), Label("Fear", (), ("fear",))))
    message = "label space 'own' gives none for 'Bored', 'Tired'; add their basics"
    with pytest.raises(ConfigError, match=re.escape(message)):
        composition(space=space)


def test_a_basic_that_nobody_knows_is_refused():
    space = LabelSpace("own", (Label("Bored", (), ("boredom",)), Label("Fear", (), ("fear",))))
    with pytest.raises(ConfigError, match="label space 'own', class 'Bored': emotion 'boredom' is not known"):
        composition(space=space)


@pytest.mark.parametrize("weights", [{"Bored": (1, 1)}, {"Sadly Angry": (1, 1, 1)}])
def test_pair_weights_that_fit_no_class_are_refused(weights):
    with pytest.raises(ConfigError, match=f"pair_weights of '{next(iter(weights))}' fit no class"):
        composition("weighted", pair_weights=weights)


def test_a_class_whose_weights_are_all_zero_is_refused():
    with pytest.raises(ConfigError, match="all weights of 'Sadly Angry' are 0"):
        composition("weighted", emotion_weights={"sad": 0, "angry": 0})


LOGITS = st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=4).map(np.array)


@given(LOGITS, st.floats(0.1, 10))
def test_logits_become_the_softmax_at_their_temperature(logits, temperature):
    raised = np.exp(logits / temperature - (logits / temperature).max(1, keepdims=True))
    found = probabilities(logits, "logits", temperature)
    np.testing.assert_allclose(found, raised / raised.sum(1, keepdims=True), rtol=1e-9, atol=1e-300)


@given(LOGITS, st.floats(0.1, 10))
def test_probabilities_at_a_temperature_are_what_their_logits_would_give(logits, temperature):
    plain = probabilities(logits / 10, "logits", 1.0)
    np.testing.assert_allclose(
        probabilities(plain, "probabilities", temperature), probabilities(logits / 10, "logits", temperature), rtol=1e-6
    )


def test_rows_that_do_not_quite_sum_to_one_are_divided_by_their_sum():
    np.testing.assert_allclose(probabilities(np.array([[0.5, 0.51]]), "probabilities", 1.0).sum(), 1)


def test_rows_without_finite_numbers_are_nan_and_leave_the_others_alone():
    found = probabilities(np.array([[np.nan, 1.0], [0.0, 0.0], [np.inf, 0.0]]), "logits", 1.0)
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_allclose(found[1], 0.5)


def test_no_rows_give_no_rows():
    assert probabilities(np.zeros((0, 7)), "logits", 1.0).shape == (0, 7)
    assert composition()(np.zeros((0, 7))).shape == (0, 7)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("Happy", "happiness"), (" joy", "happiness"), ("SAD", "sadness"), ("Fearful", "fear"), ("surprised", "surprise"),
     ("angry", "anger"), ("Disgusted", "disgust"), ("calm", "neutral"), ("Contemptuous", "contempt")],
)  # fmt: skip
def test_spellings_of_an_emotion_are_one(spelling, name):
    assert canonical(spelling) == name


def test_every_emotion_is_its_own_spelling_and_others_are_refused():
    assert [canonical(name) for name in EMOTIONS] == list(EMOTIONS)
    with pytest.raises(ValueError, match="emotion 'suprise' is not known; did you mean 'surprise'?"):
        canonical("suprise")
