from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from harness.errors import StoreError
from harness.expressions import Label, LabelSpace
from harness.training import checkpoint
from harness.training.network import make_classifier
from harness.training.options import HeadOptions

SPACE = LabelSpace("two", (Label("calm"), Label("cross", ("angry",), ("anger",))))
HEAD = HeadOptions(width=4, activation="tanh")


def described(name="tiny", **options):
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    arithmetic = {"device": "cpu", "precision": "float32", "channels_last": True}
    return checkpoint.Checkpoint({"use": name, "options": options}, HEAD, SPACE, 16, mean, std, arithmetic)


@pytest.fixture
def network(registry):
    return make_classifier(registry.build("backbones", "tiny", {}), HEAD, 2)


def test_a_network_comes_back_as_it_was(tmp_path, registry, network):
    network = network.to(memory_format=torch.channels_last)
    checkpoint.save(tmp_path / "m.safetensors", network.state_dict(), described())
    again, made_of = checkpoint.load(tmp_path / "m.safetensors", registry)
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(again.eval()(images), network.eval()(images))
    assert made_of == described()


def test_reading_needs_no_pretrained_weights(tmp_path, registry, network):
    checkpoint.save(tmp_path / "m.safetensors", network.state_dict(), described("other", weights="imagenet"))
    checkpoint.load(tmp_path / "m.safetensors", registry)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(StoreError, match="broken.safetensors cannot be read as a checkpoint"):
        checkpoint.read(tmp_path / "broken.safetensors")
    with pytest.raises(StoreError, match="none.safetensors cannot be read as a checkpoint"):
        checkpoint.read(tmp_path / "none.safetensors")


def test_tensors_of_somebody_else_are_refused(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "theirs.safetensors")
    with pytest.raises(StoreError, match=r"not a checkpoint of this version \(format None\)"):
        checkpoint.read(tmp_path / "theirs.safetensors")


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_every_tensor_must_fit(tmp_path, registry, network, change):
    state = network.state_dict()
    if change == "missing":
        del state["head.0.bias"]
    elif change == "extra":
        state["head.9.bias"] = torch.zeros(1)
    else:
        state["head.0.bias"] = torch.zeros(5)
    checkpoint.save(tmp_path / "m.safetensors", state, described())
    with pytest.raises(StoreError, match=r"does not fit its network, .* differing: head\.[09]\.bias"):
        checkpoint.load(tmp_path / "m.safetensors", registry)


def test_the_centre_of_a_crop_is_what_the_share_says(tmp_path):
    import cv2
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.training.data import centre_crops

    crop = np.zeros((100, 100, 3), np.uint8)
    crop[25:75, 25:75] = 200
    image = cv2.imencode(".png", crop)[1].tobytes()
    table = {"face": [0], "clip": ["a"], "frame": [0], "subject": ["a"], "image": [image], "sha256": [""]}
    pq.write_table(pa.table(table), tmp_path / "crops.parquet")
    centre = centre_crops(tmp_path, np.array([0]), 50, 0.5)
    assert centre.shape == (1, 50, 50, 3)
    assert (centre == 200).all()
    whole = centre_crops(tmp_path, np.array([0]), 50, 1.0)
    assert 0.2 < (whole == 200).mean() < 0.3
