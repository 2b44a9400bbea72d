from __future__ import annotations

import hashlib

import pytest
import torch
from harness_timm.backbone import TimmBackbone
from harness_timm.options import TimmOptions

from harness.errors import ConfigError, WeightsError

TAGGED = "test_resnet.r160_in1k"


def made(model=TAGGED, **options):
    return TimmBackbone(TimmOptions(model=model, **options))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["mine.safetensors", "mine.pth"])
def test_weights_of_a_local_file_are_loaded_without_the_classifier(tmp_path, saved, name):
    state = saved(tmp_path / name, "test_resnet")
    backbone = made("test_resnet", weights=tmp_path / name)
    for key, value in backbone.network.state_dict().items():
        assert torch.equal(value, state[key]), key
    assert backbone.weights == f"{name} (sha256 {sha256(tmp_path / name)[:16]})"


def test_a_file_stands_in_the_fingerprint_by_its_contents(tmp_path):
    options = TimmOptions(model="test_resnet", weights=tmp_path / "mine.pth")
    assert options.facts() == {}
    assert list(options.sources()) == [tmp_path / "mine.pth"]
    assert list(TimmOptions(model="test_resnet").sources()) == []


def test_position_embeddings_are_fitted_to_another_size(tmp_path, saved):
    state = saved(tmp_path / "vit.safetensors", "test_vit")
    backbone = made("test_vit", weights=tmp_path / "vit.safetensors", image_size=64)
    assert backbone.network.pos_embed.shape[1] < state["pos_embed"].shape[1]
    assert torch.equal(backbone.network.blocks[0].attn.qkv.weight, state["blocks.0.attn.qkv.weight"])


def test_a_file_that_leaves_a_parameter_random_is_refused(tmp_path, saved):
    state = saved(tmp_path / "whole.pth", "test_resnet")
    torch.save({key: value for key, value in state.items() if "layer2" not in key}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=r"part.pth does not hold the weights of test_resnet; missing: layer2\..*"):
        made("test_resnet", weights=tmp_path / "part.pth")


def test_a_file_of_another_network_is_refused(tmp_path, saved):
    saved(tmp_path / "vit.pth", "test_vit")
    with pytest.raises(WeightsError, match="vit.pth (does not hold|cannot be used as) (the )?weights of test_resnet"):
        made("test_resnet", weights=tmp_path / "vit.pth")


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_a_broken_file_is_refused_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match=f"{name} cannot be used as weights of test_resnet") as caught:
        made("test_resnet", weights=tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_not_executed(tmp_path):
    torch.save({"conv1.weight": print}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="weights_only"):
        made("test_resnet", weights=tmp_path / "code.pth")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WeightsError, match="none.pth does not exist"):
        made("test_resnet", weights=tmp_path / "none.pth")


def test_missing_weights_mean_random_ones_and_the_record_says_so():
    assert made().weights == (
        f"random (pretrained weights not available: {TAGGED} is not on this machine; "
        'weights = "pretrained" downloads it)'
    )
    assert TimmOptions(model=TAGGED).facts() == {"weights": "random"}
    assert TimmOptions(model=TAGGED, weights="none").facts() == {"weights": "random"}


def test_a_name_without_a_tag_means_no_pretrained_weights():
    expected = "random (model 'test_resnet' names no pretrained weights; there are: test_resnet.r160_in1k)"
    assert made("test_resnet").weights == expected
    assert made("test_vit_relpos").weights == "random (timm has no pretrained weights of 'test_vit_relpos')"
    with pytest.raises(ConfigError, match="which pretrained weights.*there are: test_resnet.r160_in1k"):
        made("test_resnet", weights="pretrained")


def test_weights_that_cannot_be_had_are_an_error_when_they_were_asked_for():
    with pytest.raises(WeightsError, match="not on this machine, and HARNESS_OFFLINE forbids to download"):
        made(weights="pretrained")
    assert TimmOptions(model=TAGGED, weights="pretrained").facts() == {"weights": TAGGED}


def test_a_failed_download_is_an_error_in_one_line(monkeypatch):
    monkeypatch.delenv("HARNESS_OFFLINE")  # the hub's client is still offline
    with pytest.raises(WeightsError, match=f"download of '{TAGGED}' cannot be used") as caught:
        made(weights="pretrained")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["auto", "pretrained"])
def test_weights_in_a_folder_of_the_environment_are_found(monkeypatch, tmp_path, saved, wanted):
    path = tmp_path / "weights" / f"{TAGGED}.pth"
    state = saved(path, "test_resnet")
    monkeypatch.setenv("HARNESS_WEIGHTS", str(path.parent))
    backbone = made(weights=wanted)
    assert backbone.weights == f"timm {TAGGED} (sha256 {sha256(path)[:16]})"
    assert torch.equal(backbone.network.conv1[0].weight, state["conv1.0.weight"])
    assert TimmOptions(model=TAGGED, weights=wanted).facts() == {"weights": TAGGED, "sha256": sha256(path)}


def test_weights_that_the_hub_client_downloaded_before_are_found(no_network, saved):
    folder = no_network / "models--timm--test_resnet.r160_in1k"
    path = folder / "snapshots" / "abc" / "model.safetensors"
    saved(path, "test_resnet")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    assert made().weights == f"timm {TAGGED} (sha256 {sha256(path)[:16]})"
    assert TimmOptions(model=TAGGED).facts() == {"weights": TAGGED, "sha256": sha256(path)}
    # a download must not change the fingerprint that was laid before it
    assert TimmOptions(model=TAGGED, weights="pretrained").facts() == {"weights": TAGGED}


def test_the_hub_cache_is_where_its_environment_says(monkeypatch, tmp_path):
    from harness_timm import options

    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert options._hub_cache() == tmp_path / "hub"
    monkeypatch.delenv("HF_HOME")
    assert options._hub_cache().parts[-3:] == (".cache", "huggingface", "hub")
