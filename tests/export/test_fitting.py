from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.export.fitting import fit


def ids(*values):
    return np.array(values, np.int64)


def plain(fitted):
    return {clip: values.tolist() for clip, values in fitted.labels.items()}


def test_without_a_list_the_decoded_frames_are_taken():
    fitted = fit({"01": ids(1, 2), "02": ids(3)}, None)
    assert plain(fitted) == {"01": [1, 2], "02": [3]}
    assert (fitted.repeated, fitted.dropped, fitted.filled) == ([], [], {})


def test_one_frame_too_few_is_repeated_and_one_too_many_dropped_in_the_list_s_order():
    decided = {"01": ids(1, 2), "02": ids(3, 4, 5), "03": ids(6)}
    fitted = fit(decided, {"03": 1, "02": 2, "01": 3})
    assert list(fitted.labels) == ["03", "02", "01"]
    assert plain(fitted) == {"03": [6], "02": [3, 4], "01": [1, 2, 2]}
    assert (fitted.repeated, fitted.dropped) == (["01"], ["02"])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(-1, 1))
def test_whatever_is_fitted_has_the_length_of_the_list_and_the_same_beginning(values, difference):
    count = len(values) + difference
    if not count:
        return
    fitted = fit({"01": ids(*values)}, {"01": count})
    assert len(fitted.labels["01"]) == count
    shared = min(count, len(values))
    assert fitted.labels["01"][:shared].tolist() == values[:shared]
    assert fitted.labels["01"][-1] == values[min(count, len(values)) - 1]


@pytest.mark.parametrize(
    ("decided", "counts", "text"),
    [
        (
            {"01": ids(1), "x": ids(1)},
            {"01": 1, "02": 5, "03": 5},
            r"the run's clips are not those of the frame list: 2 of the list's 3 are not in the run: 02, 03; "
            r"1 of the run's 2 are not in the list: x$",
        ),
        (
            {"01": ids(1, 1, 1), "02": ids(1)},
            {"01": 1, "02": 1},
            r"the lengths of 1 clip differ from the frame list's by more than one frame: 01 \(3 decoded, 1 listed\)",
        ),
        (
            {"01": ids(1, -1), "02": ids(-1, 2, -1)},
            None,
            r"3 frames of 2 clips have no prediction, .*: 01 \(1\), 02 \(2\); give them the nearest .* with --fill",
        ),
        ({"01": ids(1), "02": ids(-1, -1)}, None, "no frame of 1 clip has a prediction: 02"),
        ({"01": ids(1), "02": ids()}, {"01": 1, "02": 1}, "no frame of 1 clip has a prediction: 02"),
    ],
)
def test_what_cannot_be_fitted_is_one_clear_line(decided, counts, text):
    with pytest.raises(DataError, match=text) as caught:
        fit(decided, counts)
    assert "\n" not in str(caught.value)


def test_up_to_ten_culprits_are_named():
    with pytest.raises(DataError, match=r"00, .*, 09 and 5 more$"):
        fit({}, {f"{number:02d}": 1 for number in range(15)})


def test_missing_predictions_take_the_nearest_frame_s_when_that_is_wished():
    fitted = fit({"01": ids(-1, 4, -1, -1, -1, 2, -1)}, None, fill=True)
    assert plain(fitted) == {"01": [4, 4, 4, 4, 2, 2, 2]}
    assert fitted.filled == {"01": 5}


def test_a_frame_is_filled_before_the_last_one_is_repeated():
    fitted = fit({"01": ids(4, -1)}, {"01": 3}, fill=True)
    assert plain(fitted) == {"01": [4, 4, 4]}
