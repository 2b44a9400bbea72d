from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError
from harness.export.systems import Rows, labelled, predicted
from harness.expressions import ABAW_COMPOUND_7 as SPACE


def table(*rows):
    return pd.DataFrame(rows, columns=["clip", "frame", "face", "label"])


def test_rows_become_labels_a_clip_in_natural_order_of_clips_and_frames():
    rows = Rows.of(table(("10", 0, 0, ""), ("02", 1, 1, "Sadly Angry"), ("02", 0, 2, "Happily Surprised")), SPACE)
    found = rows.by_clip(rows.labels)
    assert {clip: ids.tolist() for clip, ids in found.items()} == {"02": [1, 6], "10": [-1]}
    assert list(found) == ["02", "10"]


def test_a_label_of_another_space_is_an_error():
    with pytest.raises(DataError, match="label 'Bored' is not in label space"):
        Rows.of(table(("01", 0, 0, "Bored")), SPACE)


def test_frames_that_are_not_numbered_without_gaps_are_an_error():
    rows = Rows.of(table(("01", 0, 0, ""), ("01", 2, 0, "")), SPACE)
    with pytest.raises(DataError, match="clip 01 do not number its frames 0, 1, 2"):
        rows.by_clip(rows.labels)


def test_every_frame_of_a_face_takes_the_labeler_s_label_of_it():
    rows = Rows.of(table(("01", 0, 0, ""), ("01", 1, 0, ""), ("01", 2, -1, ""), ("01", 3, 1, "")), SPACE)
    labels = Rows.of(table(("01", 0, 0, "Sadly Fearful")), SPACE)
    assert labelled(rows, labels).tolist() == [5, 5, -1, -1]


def test_a_network_says_the_most_probable_class_of_the_frame_s_face(tmp_path):
    probabilities = np.array([[0.2, 0.7, 0.1], [np.nan] * 3], np.float32)
    np.save(tmp_path / "probabilities.npy", probabilities)
    rows = Rows.of(table(("01", 0, 0, ""), ("01", 1, -1, ""), ("01", 2, 1, "")), SPACE)
    assert predicted(rows, tmp_path, 3).tolist() == [1, -1, -1]
    with pytest.raises(DataError, match="name face 5, its networks saw 2"):
        predicted(Rows.of(table(("01", 0, 5, "")), SPACE), tmp_path, 3)
