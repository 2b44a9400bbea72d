"""Predicted classes against known frequencies; scipy computes the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from harness.errors import ConfigError
from harness.evaluation.divergence import FLOOR, KNOWN, divergence, reference, shares
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7, Label, LabelSpace

COUNTS = st.lists(st.integers(0, 10**6), min_size=7, max_size=7).filter(any)
TWO = LabelSpace("two", (Label("a"), Label("b")))


def normalised(counts):
    return (np.array(counts) / sum(counts)).tolist()


@given(COUNTS, COUNTS)
def test_it_is_scipys_entropy_of_the_two_with_the_reference_floored(predicted, known):
    p, q = normalised(predicted), normalised(known)
    assert divergence(p, q) == pytest.approx(entropy(p, np.maximum(q, FLOOR)), abs=1e-9)


@given(COUNTS)
def test_it_is_zero_of_a_distribution_from_itself_and_finite_from_any_other(counts):
    p = normalised(counts)
    assert divergence(p, p) == pytest.approx(0, abs=1e-4)
    for class_id in range(7):
        only = [float(one == class_id) for one in range(7)]
        assert 0 <= divergence(only, p) < -math.log(FLOOR) + 1e-4


@given(COUNTS, COUNTS, st.permutations(range(7)))
def test_it_does_not_depend_on_the_order_of_classes(predicted, known, order):
    p, q = normalised(predicted), normalised(known)
    moved = divergence([p[one] for one in order], [q[one] for one in order])
    assert moved == pytest.approx(divergence(p, q), abs=1e-12)


def test_the_direction_is_from_the_predictions_to_the_reference():
    assert divergence([1, 0], [0.25, 0.75]) == pytest.approx(math.log(4), abs=1e-5)
    assert divergence([0.5, 0.5], [1, 0]) > 6  # predicting what does not occur costs much
    assert divergence([1, 0], [0.5, 0.5]) == pytest.approx(math.log(2))  # never predicting what does costs little


def test_shares_are_of_the_frames_that_have_a_label():
    assert shares(np.array([0, 2, 2, -1, 2]), 3) == [0.25, 0, 0.75]
    assert shares(np.array([-1, -1]), 3) == []
    assert shares(np.array([], np.int64), 3) == []


def test_the_frequencies_of_c_expr_db_are_known_by_name():
    found = reference("c-expr-db", ABAW_COMPOUND_7)
    assert sum(found) == pytest.approx(1)
    assert found[1] == max(found) == pytest.approx(24915 / 90302)
    assert all(len(counts) == 7 for _, counts in KNOWN.values())


def test_counts_become_shares():
    assert reference([1, 3], TWO) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("given_", "space", "message"),
    [
        ("abaw", TWO, r"'abaw' is not known; give counts in class-id order \(known: c-expr-db\)"),
        ("c-expr-db", RAF_DB_BASIC_7, "'c-expr-db' is over label space 'abaw-compound-7', not 'raf-db-basic-7'"),
        ([1, 2, 3], TWO, "3 frequencies for the 2 classes of label space 'two'"),
        ([0, 0], TWO, "at least 0, finite, and not all 0"),
        ([-1, 2], TWO, "at least 0, finite, and not all 0"),
        ([math.nan, 2], TWO, "at least 0, finite, and not all 0"),
        ([math.inf, 2], TWO, "at least 0, finite, and not all 0"),
    ],
)
def test_a_reference_that_does_not_fit_is_refused(given_, space, message):
    with pytest.raises(ConfigError, match=message):
        reference(given_, space)
