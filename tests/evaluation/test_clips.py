"""Each clip as one item."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.clips import of_clips
from harness.evaluation.counts import count

frames = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 2), st.integers(-1, 2)), max_size=60)


def counted(rows):
    columns = np.array(rows, int).reshape(-1, 3).T
    return count(*columns, 4, 3)


@given(frames)
def test_a_clip_is_of_the_class_that_most_of_its_frames_have(rows):
    found = of_clips(counted(rows))
    for clip in range(4):
        own = [(truth, predicted) for number, truth, predicted in rows if number == clip and truth >= 0]
        if not own:
            assert found.confusion[clip].sum() + found.unanswered[clip].sum() == 0
            continue
        true = max(range(3), key=lambda one: sum(truth == one for truth, _ in own))  # the first of equal ones
        answered = [predicted for _, predicted in own if predicted >= 0]
        expected = np.zeros((3, 4), int)
        expected[true, max(range(3), key=answered.count) if answered else 3] = 1
        np.testing.assert_array_equal(np.column_stack([found.confusion[clip], found.unanswered[clip]]), expected)


def test_of_equally_many_frames_the_lowest_class_is_taken_for_truth_and_predictions_alike():
    found = of_clips(counted([(0, 2, 1), (0, 1, 2), (1, 0, 2), (1, 0, 1)]))
    assert found.confusion[0, 1, 1] == found.confusion[1, 0, 1] == found.confusion.sum() / 2 == 1


def test_a_clip_without_an_answered_frame_is_unanswered():
    found = of_clips(counted([(0, 2, -1), (0, 2, -1), (0, 1, -1)]))
    assert found.confusion.sum() == 0
    assert found.unanswered.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
