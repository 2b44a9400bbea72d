"""How pseudo-labels are chosen, weighed and drawn, against formulas worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.training.pseudo import (
    balanced_order,
    confidence_weights,
    expected_draws,
    most_confident,
    prior_counts,
    repeated,
)

some_labels = st.lists(st.integers(0, 4), min_size=1, max_size=60)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_most_confident_labels_of_each_class_are_kept():
    labels = np.array([0, 1, 0, 0, 1, 2])
    confidence = np.array([0.2, 0.9, 0.8, 0.8, 0.95, 0.1], np.float32)
    assert most_confident(labels, confidence, 1).tolist() == [2, 4, 5]  # of two equal ones the first
    assert most_confident(labels, confidence, 2).tolist() == [1, 2, 3, 4, 5]
    assert most_confident(labels, confidence, 9).tolist() == [0, 1, 2, 3, 4, 5]


@given(some_labels, st.integers(1, 5), st.randoms(use_true_random=False))
def test_no_label_that_is_left_out_is_more_confident_than_one_that_is_kept(labels, most, random):
    labels = np.array(labels)
    confidence = np.array([random.random() for _ in labels], np.float32)
    kept = most_confident(labels, confidence, most)
    for class_id in np.unique(labels):
        inside = confidence[kept][labels[kept] == class_id]
        outside = np.delete(confidence, kept)[np.delete(labels, kept) == class_id]
        assert len(inside) == min(most, (labels == class_id).sum())
        assert not len(outside) or outside.max() <= inside.min()


def test_weights_are_powers_of_confidence_with_a_mean_of_one():
    weights = confidence_weights(np.array([1.0, 0.5, 0.5], np.float32), 2)
    assert weights.tolist() == pytest.approx([2.0, 0.5, 0.5])  # 1, 1/4, 1/4, divided by their mean 1/2
    assert confidence_weights(np.array([0.3, 0.9], np.float32), 0).tolist() == [1, 1]
    assert confidence_weights(np.zeros(2, np.float32), 1).tolist() == [1, 1]
    assert len(confidence_weights(np.zeros(0, np.float32), 1)) == 0


def test_balanced_draws_are_equal_shares_of_the_classes():
    labels = np.array([0, 0, 0, 2])
    assert expected_draws(labels, "shuffled").tolist() == [1, 1, 1, 1]
    assert expected_draws(labels, "balanced").tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


@given(some_labels, st.integers(0, 3))
def test_a_balanced_epoch_draws_classes_and_images_as_evenly_as_it_can(labels, seed):
    labels = torch.tensor(labels)
    order = balanced_order(labels, seeded(seed))
    assert len(order) == len(labels)
    classes = labels.unique()
    drawn = torch.stack([(labels[order] == one).sum() for one in classes])
    assert drawn.max() - drawn.min() <= 1
    for one in classes:
        times = torch.bincount(order, minlength=len(labels))[labels == one]
        assert times.max() - times.min() <= 1


@given(some_labels)
def test_a_balanced_epoch_draws_what_is_expected_on_average(labels):
    labels = np.array(labels)
    draws = expected_draws(labels, "balanced")
    assert draws.sum() == pytest.approx(len(labels))
    classes = np.unique(labels)
    assert [draws[labels == one].sum() for one in classes] == pytest.approx([len(labels) / len(classes)] * len(classes))


def test_the_same_generator_draws_the_same_and_another_one_otherwise():
    labels = torch.arange(30) % 4
    assert torch.equal(balanced_order(labels, seeded()), balanced_order(labels, seeded()))
    assert not torch.equal(balanced_order(labels, seeded()), balanced_order(labels, seeded(1)))


def test_the_prior_is_the_weighted_sum_of_the_targets_in_class_id_order():
    targets = np.array([[0.0, 0.0, 1.0], [0.25, 0.0, 0.75], [1.0, 0.0, 0.0]])
    assert prior_counts(targets, np.array([1.0, 2.0, 0.5])).tolist() == pytest.approx([1.0, 0.0, 2.5])
    hard = np.eye(3)[[2, 2, 0]]
    assert prior_counts(hard, np.ones(3)).tolist() == [1, 0, 2]


@given(st.integers(0, 8), st.integers(0, 30))
def test_rows_are_repeated_only_when_all_were_there(rows, count):
    found = repeated(torch.arange(rows), count, seeded())
    assert len(found) == (count if rows else 0)
    if rows:
        times = torch.bincount(found, minlength=rows)
        assert times.max() - times.min() <= 1
