import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from harness.errors import DataError
from harness.evaluation.counts import Counts, count

CLASSES, CLIPS = 4, 3
frame = st.tuples(st.integers(0, CLIPS - 1), st.integers(-1, CLASSES - 1), st.integers(-1, CLASSES - 1))
frames = st.lists(frame, max_size=40).map(lambda rows: np.array(rows, np.int64).reshape(-1, 3).T)


@given(frames)
def test_counts_equal_scikit_learn_clip_by_clip(rows):
    clips, truth, predicted = rows
    counts = count(clips, truth, predicted, CLIPS, CLASSES)
    for clip in range(CLIPS):
        here = (clips == clip) & (truth >= 0)
        answered = here & (predicted >= 0)
        if answered.any():
            expected = confusion_matrix(truth[answered], predicted[answered], labels=range(CLASSES))
            np.testing.assert_array_equal(counts.confusion[clip], expected)
        missed = [int((here & ~answered & (truth == one)).sum()) for one in range(CLASSES)]
        assert counts.unanswered[clip].tolist() == missed
    assert counts.frames == (truth >= 0).sum()


@given(frames)
def test_triples_hold_all_counts(rows):
    counts = count(*rows, CLIPS, CLASSES)
    back = Counts.from_triples(counts.triples(), CLASSES)
    np.testing.assert_array_equal(back.confusion, counts.confusion)
    np.testing.assert_array_equal(back.unanswered, counts.unanswered)


def test_an_unanswered_frame_is_wrong_or_excluded():
    counts = count(np.zeros(3, int), np.array([0, 0, 1]), np.array([0, -1, 0]), 1, 2)
    assert counts.sums("wrong")[0].tolist() == [[1, 0], [2, 1], [2, 0]]
    assert counts.sums("excluded")[0].tolist() == [[1, 0], [1, 1], [2, 0]]
    assert counts.coverage == pytest.approx(2 / 3)


def test_clips_without_a_scored_frame_are_left_out():
    counts = count(np.array([0, 2]), np.array([-1, 1]), np.array([0, -1]), 3, 2)
    assert counts.present().unanswered.tolist() == [[0, 1]]
    assert counts.coverage == 0
    assert count(*np.zeros((3, 0), int), 3, 2).coverage is None


@pytest.mark.parametrize(
    ("truth", "predicted", "culprit"), [(2, 0, "truth: class id 2"), (0, -2, "prediction: class id -2")]
)
def test_class_ids_beyond_the_space_are_refused(truth, predicted, culprit):
    with pytest.raises(DataError, match=f"{culprit} is not one of 2"):
        count(np.array([0]), np.array([truth]), np.array([predicted]), 1, 2)
