from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.training.split import split_by_subject

people = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=120)
fractions = st.floats(0, 0.5)


def split(rows, fraction, seed=0):
    labels = np.array([label for label, _ in rows], np.int64)
    subjects = np.array([f"s{subject}" for _, subject in rows])
    return labels, subjects, *split_by_subject(labels, subjects, fraction, seed)


@given(people, fractions, st.integers(0, 5))
def test_no_subject_is_on_both_sides_and_nobody_is_lost(rows, fraction, seed):
    labels, subjects, training, validation = split(rows, fraction, seed)
    assert not set(subjects[training]) & set(subjects[validation])
    assert sorted([*training, *validation]) == list(range(len(labels)))


@given(people, fractions)
def test_training_keeps_every_class(rows, fraction):
    labels, _, training, _ = split(rows, fraction)
    assert set(labels[training]) == set(labels)


@given(people, fractions)
def test_the_same_seed_splits_alike(rows, fraction):
    first, second = split(rows, fraction, 3), split(rows, fraction, 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_seeds_hold_out_different_subjects():
    rows = [(label, subject) for subject in range(40) for label in range(3)]
    assert set(split(rows, 0.2, 0)[3]) != set(split(rows, 0.2, 1)[3])


def test_classes_are_held_out_in_proportion_rare_ones_too():
    rows = [(label, 7 * number + label) for label, count in enumerate((300, 100, 20)) for number in range(count)]
    labels, _, _, validation = split(rows, 0.15)
    assert np.allclose(np.bincount(labels[validation], minlength=3), np.array([300, 100, 20]) * 0.15, atol=2)


def test_one_subject_leaves_nothing_to_hold_out():
    assert len(split([(0, 0), (1, 0), (1, 0)], 0.3)[3]) == 0


def test_a_fraction_of_0_holds_nothing_out():
    assert len(split([(0, 0), (0, 1), (1, 2), (1, 3)], 0)[3]) == 0
