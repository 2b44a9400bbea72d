"""What the loss and the loop are given: class counts, weights and targets of what is really drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from harness.errors import ConfigError
from harness.training.data import pseudo_labelled
from harness.training.material import Split, build_loss, split, takes_weights, training_set
from harness.training.options import FineTuning

LABELS = [2, 2, 2, 2, 0, 0, 1, -1]
CONFIDENCE = [1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.25, 0.9]
CPU = torch.device("cpu")


class Context:
    """Builds a loss that only remembers its class counts."""

    def __init__(self, params=None, loss=None):
        self.params = {"labels": "pseudo", "seed": 0, "loss": {"use": "mine", "options": {}}} | (params or {})
        self.notices, self.loss = [], loss or Remembering

    def build(self, kind, component, class_counts):
        assert kind == "losses"
        return self.loss(class_counts)

    def notice(self, text):
        self.notices.append(text)


class Remembering(nn.Module):
    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def forward(self, logits, targets, weights=None): ...


class Plain(Remembering):
    def forward(self, logits, targets): ...


@pytest.fixture
def made(artifacts):
    found = artifacts(LABELS)
    labels = found.pseudo_labels([label >= 0 for label in LABELS])
    soft = np.eye(3)[np.maximum(LABELS, 0)] * 0.6 + 0.4 / 3
    table = pd.read_parquet(labels / "labels.parquet")
    table.assign(confidence=CONFIDENCE, probabilities=list(soft)).to_parquet(labels / "labels.parquet")
    return found.faces, labels


def parts(examples, recipe, context):
    """All examples in the training part."""
    return split(context, examples, recipe, SPACE)


class Space:
    names = ("red", "green", "blue")

    def __len__(self):
        return 3


SPACE = Space()


def counts(made, **options):
    recipe = FineTuning(validation=0, **options)
    examples = pseudo_labelled(*made, recipe)
    context = Context()
    return build_loss(context, examples, parts(examples, recipe, context), recipe).counts


def test_the_loss_gets_whole_counts_by_class_id_not_by_frequency(made):
    found = counts(made)
    assert found.tolist() == [2, 1, 4]
    assert found.dtype == torch.int64


def test_weighted_labels_count_by_their_weights(made):
    weights = np.array(CONFIDENCE[:7]) / np.mean(CONFIDENCE[:7])
    expected = [weights[4:6].sum(), weights[6], weights[:4].sum()]
    assert counts(made, confidence_power=1).tolist() == pytest.approx(expected, rel=1e-5)


def test_soft_labels_count_by_their_probabilities(made):
    assert counts(made, targets="soft").tolist() == pytest.approx([2 * 0.6 + 7 * 0.4 / 3, 0.6 + 2.8 / 3, 2.4 + 2.8 / 3])


def test_with_balanced_sampling_no_class_is_rarer_than_another(made):
    assert counts(made, sampling="balanced").tolist() == pytest.approx([7 / 3] * 3)


def test_a_loss_without_weights_is_refused_where_weights_are_wanted(made):
    recipe = FineTuning(validation=0, confidence_power=1)
    examples = pseudo_labelled(*made, recipe)
    context = Context(loss=Plain)
    with pytest.raises(ConfigError, match="confidence_power: loss 'mine' takes no weights; set it to 0"):
        build_loss(context, examples, parts(examples, recipe, context), recipe)
    assert not takes_weights(lambda logits, targets: None)
    assert takes_weights(lambda logits, targets, weights=None: None)


def test_only_the_most_confident_labels_of_each_class_are_taken(made):
    examples = pseudo_labelled(*made, FineTuning(most_per_class=2))
    assert examples.faces.tolist() == [0, 3, 4, 5, 6]


def test_weights_have_a_mean_of_one_over_the_training_part(made):
    recipe = FineTuning(confidence_power=2)
    examples = pseudo_labelled(*made, recipe)
    divided = Split(np.arange(5), np.array([5, 6]), np.array([1, 0, 4]), np.array([1, 1, 0]))
    data = training_set(examples, divided, recipe, made[0], 8, 1.0, CPU)
    assert data.weights[:5].mean().item() == pytest.approx(1)
    assert (data.weights[0] / data.weights[1]).item() == pytest.approx(4)
    assert data.targets is None
    assert data.images.shape == (7, 8, 8, 3)


def test_a_mean_teacher_sees_the_faces_without_a_label_of_subjects_that_are_not_held_out(made):
    recipe = FineTuning(mean_teacher={}, most_per_class=2)
    examples = pseudo_labelled(*made, recipe)  # subjects of the faces: 0 0 1 1 2 2 3 3; 1, 2 and 7 have no label
    assert examples.unlabelled.tolist() == [1, 2, 7]
    divided = Split(
        np.arange(4), np.array([4]), np.array([2, 0, 2]), np.array([0, 1, 0])
    )  # held out: face 6, subject 3
    data = training_set(examples, divided, recipe, made[0], 8, 1.0, CPU)
    assert data.labels.tolist() == [2, 2, 0, 0, 1, -1, -1]
    assert data.unlabelled.tolist() == [5, 6]


def test_a_mean_teacher_without_unlabelled_faces_is_told(artifacts):
    made = artifacts([0, 1])
    recipe = FineTuning(validation=0, mean_teacher={})
    examples = pseudo_labelled(made.faces, made.pseudo_labels([True, True]), recipe)
    context = Context()
    parts(examples, recipe, context)
    assert "every face has a believed label: the mean teacher has no unlabelled ones to learn from" in context.notices
