import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labeling.belief import belief
from harness.labeling.combine import Combined


def votes(*faces, hard=True, voters=3):
    """Combined votes: faces are (label, agreeing, asked, probability)."""
    label, agreeing, asked, probability = (np.array(column) for column in zip(*faces, strict=True))
    rows = np.stack([probability, 1 - probability], 1).astype(np.float32)
    rows[label == 1] = rows[label == 1][:, ::-1]
    frame = pd.DataFrame(
        {"outcome": np.where(label >= 0, "label", "abstain"), "label": label, "voters": asked, "agreeing": agreeing}
    )
    return Combined(frame, rows, np.zeros((voters, len(faces)), np.int16), hard)


@pytest.mark.parametrize(
    ("hard", "voters", "rule", "threshold"),
    [(True, 2, "agreement", 1.0), (True, 1, "probability", 0.5), (False, 2, "probability", 0.5)],
)
def test_the_automatic_rule_and_its_threshold(hard, voters, rule, threshold):
    found = belief(votes((0, 1, 1, 0.9), hard=hard, voters=voters), "auto", None)
    assert (found.rule, found.threshold, found.automatic) == (rule, threshold, True)


def test_a_given_threshold_is_not_automatic():
    found = belief(votes((0, 1, 2, 0.9)), "agreement", 0.5)
    assert not found.automatic
    assert found.confident.tolist() == [True]


def test_the_probability_is_that_of_the_label():
    found = belief(votes((1, 0, 1, 0.35), (0, 0, 1, 0.6), (-1, 0, 1, 0.9)), "probability", 0.35)
    np.testing.assert_allclose(found.confidence, [0.35, 0.6, 0], rtol=1e-6)
    assert found.confident.tolist() == [True, True, False]


def test_a_face_without_a_label_is_not_believed_at_any_threshold():
    assert not belief(votes((-1, 0, 2, 0.9)), "agreement", 0.0).confident.any()


@given(st.integers(1, 50).flatmap(lambda asked: st.tuples(st.integers(1, asked), st.just(asked))))
def test_a_share_of_voters_reaches_the_threshold_of_that_share(share):
    agreeing, asked = share
    found = belief(votes((0, agreeing, asked, 0.5)), "agreement", agreeing / asked)
    assert found.confident.all()
    assert not belief(votes((0, agreeing - 1, asked, 0.5)), "agreement", agreeing / asked).confident.any()
