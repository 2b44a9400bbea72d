import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.builtins.labeler_options import SimulatedOptions
from harness.builtins.simulated import Simulated
from harness.errors import ConfigError, DataError
from harness.expressions import Label, LabelSpace
from harness.testing import check_lookup_labeler

SPACE = LabelSpace("three", (Label("Glad"), Label("Sad"), Label("Cross")))


def frames(count=3000):
    table = pd.DataFrame({"clip": [f"clip-{number % 7}" for number in range(count)], "frame": range(count)})
    return table, table.assign(label=np.arange(count) % 3)


def said(options, wanted, truth):
    rows = Simulated(options, SPACE).look_up(wanted, truth).probabilities
    return np.where(np.isnan(rows[:, 0]), -1, np.nan_to_num(rows).argmax(1)), rows


def test_the_share_of_right_labels_is_the_accuracy():
    wanted, truth = frames()
    labels, _ = said(SimulatedOptions(accuracy=0.8), wanted, truth)
    assert (labels == truth["label"]).mean() == pytest.approx(0.8, abs=0.03)


def test_perfect_and_hopeless():
    wanted, truth = frames(60)
    assert (said(SimulatedOptions(accuracy=1), wanted, truth)[0] == truth["label"]).all()
    assert not (said(SimulatedOptions(accuracy=0), wanted, truth)[0] == truth["label"]).any()


def test_a_matrix_says_what_each_class_is_called():
    wanted, truth = frames()
    matrix = ((0.5, 0.5, 0), (0, 1, 0), (0.1, 0.2, 0.7))
    labels, _ = said(SimulatedOptions(matrix=matrix), wanted, truth)
    for true, row in enumerate(matrix):
        counts = np.bincount(labels[truth["label"] == true], minlength=3) / 1000
        np.testing.assert_allclose(counts, row, atol=0.05)


def test_the_share_of_faces_without_a_label_is_the_abstain_rate():
    labels, _ = said(SimulatedOptions(abstain_rate=0.3), *frames())
    assert (labels == -1).mean() == pytest.approx(0.3, abs=0.03)


@given(st.integers(0, 3), st.permutations(range(12)), st.integers(1, 12))
def test_a_frame_gets_the_same_label_whatever_else_is_labelled(seed, order, count):
    wanted, truth = frames(12)
    options = SimulatedOptions(accuracy=0.4, abstain_rate=0.2, seed=seed, confidence="graded")
    _, all_rows = said(options, wanted, truth)
    some = list(order[:count])
    _, rows = said(
        options,
        wanted.iloc[some],
        truth.iloc[some].reset_index(drop=True).assign(label=truth.iloc[some]["label"].to_numpy()),
    )
    np.testing.assert_array_equal(rows, all_rows[some])


def test_another_seed_makes_other_errors():
    first, second = (said(SimulatedOptions(seed=seed), *frames(100))[0] for seed in (0, 1))
    assert (first != second).any()


def test_one_hot_probabilities_are_certain():
    assert (said(SimulatedOptions(), *frames(30))[1].max(1) == 1).all()


def test_posterior_probabilities_follow_bayes_rule():
    matrix = ((0.6, 0.4, 0), (0, 1, 0), (0, 0.6, 0.4))
    wanted, truth = frames(300)
    rows = (
        Simulated(SimulatedOptions(matrix=matrix, confidence="posterior"), SPACE).look_up(wanted, truth).probabilities
    )
    np.testing.assert_allclose(rows[truth["label"] == 1], [[0.2, 0.5, 0.3]] * 100, rtol=1e-6)


def test_graded_confidence_is_higher_where_the_label_is_right():
    wanted, truth = frames()
    labels, rows = said(SimulatedOptions(accuracy=0.5, confidence="graded"), wanted, truth)
    right = labels == truth["label"].to_numpy()
    assert rows.max(1)[right].mean() > rows.max(1)[~right].mean() + 0.1
    assert right.mean() == pytest.approx(0.5, abs=0.05)


def test_frames_that_show_no_class_get_no_label():
    wanted, truth = frames(9)
    labels, _ = said(SimulatedOptions(accuracy=1), wanted, truth.assign(label=[-1] * 4 + [2] * 5))
    assert labels.tolist() == [-1] * 4 + [2] * 5


def test_explanations_name_truth_and_label():
    wanted, truth = frames(2)
    told = Simulated(SimulatedOptions(accuracy=1), SPACE).look_up(wanted, truth.assign(label=[2, -1])).explanations
    assert list(told) == ["simulated: Cross called Cross", "simulated: no label"]


def test_simulated_keeps_the_contract():
    for confidence in ("one-hot", "posterior", "graded"):
        labeler = Simulated(SimulatedOptions(abstain_rate=0.2, confidence=confidence), SPACE)
        check_lookup_labeler(labeler, SPACE, *frames(50))


def test_no_truth_is_refused():
    with pytest.raises(DataError, match="labeler 'simulated' needs a target with annotations"):
        Simulated(SimulatedOptions(), SPACE).look_up(frames(3)[0], None)


def test_truth_without_any_class_is_refused():
    wanted, truth = frames(3)
    with pytest.raises(DataError, match="none of its faces has a true class"):
        Simulated(SimulatedOptions(), SPACE).look_up(wanted, truth.assign(label=-1))


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(ConfigError, match="matrix is for 2 classes, but 'three' has 3"):
        Simulated(SimulatedOptions(matrix=((1, 0), (0, 1))), SPACE)


def test_a_row_must_sum_to_one():
    with pytest.raises(ValidationError, match=r"row 1 of the confusion matrix sums to 0.9, not to 1"):
        SimulatedOptions(matrix=((1, 0), (0.4, 0.5)))


def test_a_matrix_must_be_square():
    with pytest.raises(ValidationError, match="row 0 of the confusion matrix has 3 of 2 entries"):
        SimulatedOptions(matrix=((1, 0, 0), (0.5, 0.5, 0)))
