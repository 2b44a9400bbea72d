"""What is said beside the numbers of intervals."""

import numpy as np
import pytest

from harness.evaluation.notes import notes
from harness.evaluation.score import Target
from harness.evaluation.scores import Settings


def target(clips, truth=None):
    code = np.repeat(np.arange(clips), 2)
    names = tuple(f"clip {number}" for number in range(clips))
    truth = np.tile([0, 1], clips) if truth is None else np.asarray(truth)
    return Target(("a", "b"), np.repeat(names, 2), np.zeros(2 * clips), names, truth, code, np.arange(2 * clips))


def settings(interval="studentised", clusters="clip"):
    return Settings(unanswered="wrong", resamples=100, seed=0, interval=interval, clusters=clusters)


@pytest.mark.parametrize(
    ("clips", "interval", "clusters", "subjects", "expected"),
    [
        (1, "studentised", "clip", [], ["one annotated clip: the scores have no interval"]),
        (9, "bca", "clip", [], ["9 annotated clips: intervals from so few are rough"]),
        (12, "studentised", "clip", [], []),
        (30, "bca", "clip", [], []),
        (12, "bca", "clip", [], [
            "12 annotated clips: bca intervals of so few are too narrow; set evaluation.interval = 'studentised'"
        ]),
        (2, "studentised", "subject", ["anna", "anna"], ["one annotated subject: the scores have no interval"]),
        (20, "studentised", "subject", ["anna", "ben"] * 10, [
            "2 annotated subjects: intervals from so few are rough"
        ]),
        (12, "studentised", "subject", [], [
            "no subject is known: intervals draw clips as if each were of a subject of its own"
        ]),
        (12, "percentile", "frame", [], [
            "intervals draw single frames, as if those of a clip were independent: they are far too narrow; "
            "set evaluation.clusters = 'clip'"
        ]),
    ],
)  # fmt: skip
def test_too_few_clusters_and_too_bold_methods_are_said(clips, interval, clusters, subjects, expected):
    assert notes(target(clips), settings(interval, clusters), subjects) == expected


def test_a_class_in_few_clips_is_named():
    found = notes(target(12, [0] * 18 + [1] * 6), settings())
    assert found == ["seen in few annotated clips: b (3); intervals of macro-F1 are rough"]
