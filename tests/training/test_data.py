from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from harness.errors import DataError
from harness.expressions import Label, LabelSpace
from harness.training.data import (
    annotated,
    class_counts,
    on_device,
    pixels,
    pseudo_labelled,
    require_two_classes,
)


def test_annotations_meet_faces_by_clip_and_frame(artifacts):
    made = artifacts([0, 1, 2, 1])
    examples = annotated(made.faces, made.truth({"clip-3": 1, "clip-0": 0, "clip-1": -1, "elsewhere": 2}))
    assert examples.faces.tolist() == [0, 3]
    assert examples.labels.tolist() == [0, 1]
    assert examples.subjects.tolist() == ["subject-0", "subject-1"]
    assert len(examples) == 2


def test_a_copied_face_does_not_take_the_annotation_of_the_frame_it_was_copied_into(artifacts):
    made = artifacts([0, 1])
    index = pd.read_parquet(made.faces / "index.parquet")
    copied = index[index["clip"] == "clip-0"].assign(frame=np.int32(1), status="copied")  # source_frame stays 0
    pd.concat([index, copied]).to_parquet(made.faces / "index.parquet")
    truth = made.truth()
    rows = pd.DataFrame({"clip": ["clip-0"], "frame": np.array([1], np.int32), "label": np.array([2], np.int16)})
    pd.concat([rows, pd.read_parquet(truth / "truth.parquet")]).to_parquet(truth / "truth.parquet")
    assert annotated(made.faces, truth).labels.tolist() == [0, 1]


def test_no_annotation_at_all_is_an_error(artifacts):
    made = artifacts([0, 1])
    with pytest.raises(DataError, match="no face has an annotation of the label space"):
        annotated(made.faces, made.truth({"clip-0": -1}))


def test_only_confident_pseudo_labels_are_taken(artifacts):
    made = artifacts([0, 1, -1, 2])
    examples = pseudo_labelled(made.faces, made.pseudo_labels([True, False, True, True]))
    assert examples.faces.tolist() == [0, 3]
    assert examples.labels.tolist() == [0, 2]


def test_no_confident_pseudo_label_is_an_error(artifacts):
    made = artifacts([0, 1])
    with pytest.raises(DataError, match=r"none of 2 pseudo-labels is confident .* lower labeling.threshold"):
        pseudo_labelled(made.faces, made.pseudo_labels([False, False]))


def test_counts_are_in_class_id_order_not_by_frequency():
    assert class_counts(np.array([3, 3, 3, 1]), 5).tolist() == [0, 1, 0, 3, 0]


def test_one_class_only_is_an_error_that_names_it():
    space = LabelSpace("two", (Label("calm"), Label("cross")))
    require_two_classes(np.array([1, 1]), space)
    with pytest.raises(DataError, match="all 9 training labels are 'cross'; a network needs at least two classes"):
        require_two_classes(np.array([0, 9]), space)


@pytest.mark.parametrize("channels_last", [True, False])
def test_pixels_are_rows_scaled_to_one_in_the_wanted_format(channels_last):
    crops = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    batch = pixels(on_device(crops, torch.device("cpu")), torch.tensor([3, 0]), channels_last)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    assert batch.is_contiguous(memory_format=memory)
    expected = torch.tensor(crops[[3, 0]].transpose(0, 3, 1, 2) / 255, dtype=torch.float32)
    torch.testing.assert_close(batch, expected)
