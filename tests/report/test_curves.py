"""Learning curves as lines of an SVG."""

from __future__ import annotations

import itertools
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.curves import Training, nice, panels


def training(network="a", phase="fine-tune", seed="", score=(0.2, 0.6), kept=2):
    epochs = [float(one) for one in range(1, len(score) + 1)]
    history = {
        "epoch": [0.0, *epochs],
        "train_loss": [nan, *(1 / one for one in epochs)],
        "validation_loss": [nan] * (len(epochs) + 1),
        "validation_macro_f1": [0.1, *score],
    }
    return Training(phase, network, seed, history, kept)


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_ticks_span_the_values_and_rise(low, span):
    steps = nice(low, low + span)
    assert 2 <= len(steps) <= 7
    assert steps[0] <= low + 1e-6
    assert steps[-1] >= low + span - 1e-6
    assert all(second > first for first, second in itertools.pairwise(steps))


def test_ticks_are_round():
    assert nice(0, 0.87) == [0, 0.5, 1]
    assert nice(1, 3.2) == [1, 2, 3, 4]


def test_a_panel_is_made_of_each_measure_that_has_a_value():
    found = panels([training(), training("b", "pre-train", kept=None), training(seed="7", kept=0)])
    assert [(one.phase, one.title) for one in found] == [
        ("pre-train", "training loss"), ("pre-train", "validation macro-F1"),
        ("fine-tune", "training loss"), ("fine-tune", "validation macro-F1"),
    ]  # fmt: skip
    first, other = found[3].lines
    assert (first.network, first.other_seed, other.other_seed) == (0, False, True)
    assert first.path.count("L") == 2
    assert first.dot == tuple(map(float, first.path.split("L")[-1].split()))
    assert found[1].lines[0].dot is None
    assert found[2].lines[1].dot is None  # there is no training loss before the training


def test_the_kept_epoch_is_looked_up():
    assert training().at_kept("validation_macro_f1") == 0.6
    assert training(kept=5).at_kept("validation_macro_f1") is None


def test_a_training_that_measured_nothing_has_no_panel():
    nothing = Training("fine-tune", "a", "", {name: [] for name in training().history}, None)
    assert panels([nothing]) == []
    assert nothing.epochs == 0


def test_a_score_panel_begins_at_nought():
    (panel,) = [one for one in panels([training(score=(0.5, 0.52))]) if one.title == "validation macro-F1"]
    assert panel.up[0].text == "0"


@pytest.mark.parametrize("epochs", [1, 7, 100])
def test_epochs_have_few_marks(epochs):
    assert len(panels([training(score=[0.5] * epochs)])[0].across) <= 9
