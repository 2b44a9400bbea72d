"""Counts, agreement and confusion of a small labelling that can be checked by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.labeling.review.gallery import choose
from harness.labeling.review.judged import NOT_ANNOTATED, Judged, _plurality

A, B, C = 0, 1, 2


@pytest.fixture
def said():
    labels = np.array([[A, A, B, -1], [A, B, B, -1], [A, C, -1, C]], np.int16)
    outcomes = np.where(labels >= 0, "label", "abstain").astype(object)
    outcomes[2, 2] = ""
    return Judged(
        names=("A", "B", "C"),
        labelers=("one", "two"),
        voters=("one/p", "one/q", "two"),
        labeler=np.array([0, 0, 1]),
        face=np.arange(4),
        clip=np.array(["x"] * 4, object),
        frame=np.arange(4),
        labels=labels,
        outcomes=outcomes,
        decided=np.array([A, -1, B, C], np.int16),
        outcome=np.array(["label", "abstain", "label", "label"], object),
        confidence=np.ones(4, np.float32),
        truth=np.array([A, B, C, NOT_ANNOTATED], np.int16),
    )


def test_faces_are_counted_by_class_and_outcome(said):
    assert dict(said.counts()) == {"A": [2, 1, 1], "B": [1, 2, 0], "C": [0, 0, 2], "abstain": [1, 1, 0]}
    counts = said.decided_counts()
    assert {name: count for name, count in counts.items() if count} == {"A": 1, "B": 1, "C": 1, "abstain": 1}


def test_voters_disagree_where_two_name_different_classes(said):
    assert said.disagree.tolist() == [False, True, False, False]


def test_agreement_is_told_of_voters_and_of_labelers(said):
    pairs, _ = said.agreement()
    assert [(one.first, one.second, one.shared, one.same) for one in pairs] == [
        ("one/p", "one/q", 3, pytest.approx(2 / 3)),
        ("one/p", "two", 2, 0.5),
        ("one/q", "two", 2, 0.5),
    ]
    pairs, _ = said.agreement_of_labelers()
    assert [(one.first, one.second, one.shared, one.same) for one in pairs] == [("one", "two", 1, 1.0)]


def test_the_confusion_counts_annotated_faces_alone(said):
    assert said.confusion().tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert said.accuracies() == [(1, 3), (2, 3), (1, 2)]


def test_a_labeler_says_what_most_of_its_voters_say_and_nothing_in_a_tie():
    labels = np.array([[A, A, -1], [A, B, -1], [B, -1, -1]], np.int16)
    assert _plurality(labels, 3).tolist() == [A, -1, -1]


def test_doubtful_faces_are_shown_first_and_too_many_are_spread(said):
    assert choose(said, 10).tolist() == [1, 3, 0, 2]
    assert choose(said, 1).tolist() == [1]
    many = {
        "labels": np.full((3, 100), A, np.int16), "outcomes": np.full((3, 100), "label", object),
        "decided": np.full(100, A, np.int16),
    }  # fmt: skip
    assert choose(replace(said, **many), 3).tolist() == [0, 50, 99]
