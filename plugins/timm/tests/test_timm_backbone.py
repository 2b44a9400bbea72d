from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from harness_timm.backbone import TimmBackbone
from harness_timm.options import TimmOptions

from harness.errors import ConfigError, UnknownComponent
from harness.plugins import Registry
from harness.testing import check_backbone

# model -> features that come out. timm's own num_features of mobilenetv3_small_050 is 288: the layer before the last.
FAMILIES = {"test_resnet": 96, "test_vit": 64, "test_nfnet": 192, "mobilenetv3_small_050": 1024, "test_convnext": 64}


def backbone(model, **options):
    return TimmBackbone(TimmOptions(model=model, **{"weights": "none", **options}))


@pytest.mark.parametrize("model", FAMILIES)
def test_every_family_keeps_the_contract_at_another_size_than_its_own(model):
    made = backbone(model)
    assert made.num_features == FAMILIES[model]
    assert made.weights == "random"
    check_backbone(made, image_size=64)


def test_each_network_brings_its_own_data_configuration():
    vit, small = backbone("test_vit"), backbone("mobilenetv3_small_050.lamb_in1k")
    assert (vit.input_size, vit.mean, vit.std) == (160, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert (small.input_size, small.mean) == (224, (0.485, 0.456, 0.406))


def test_a_network_of_one_size_says_what_to_do_about_another():
    made = backbone("test_vit_relpos")
    with pytest.raises(ConfigError, match="'test_vit_relpos' cannot take images of 64 px .* set the same image_size"):
        made(torch.zeros(2, 3, 64, 64))
    assert made.training


def test_a_network_of_one_size_can_be_built_for_another():
    made = backbone("test_vit_relpos", image_size=64)
    assert made.input_size == 64
    check_backbone(made)


def test_an_error_that_is_not_about_the_size_passes_unchanged():
    made = backbone("test_resnet")
    with pytest.raises(RuntimeError, match="expected input"):
        made(torch.zeros(1, 4, 160, 160))


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("test_resnett", r"timm has no model 'test_resnett'; did you mean 'test_resnet'\?$"),
        ("zzzzz", "timm has no model 'zzzzz'; timm.list_models\\(\\) names them"),
        ("test_resnet.in22k", r"timm has no weights 'in22k' of model 'test_resnet' \(known: r160_in1k\)"),
    ],
)
def test_a_misspelt_name_gets_help(model, text):
    with pytest.raises(UnknownComponent, match=text):
        backbone(model)


def test_the_backbone_is_announced_and_its_model_must_be_named():
    registry = Registry.discover()
    assert registry.get("backbones", "timm").spec.options is TimmOptions
    with pytest.raises(ConfigError, match="model"):
        registry.options("backbones", "timm", {})
    with pytest.raises(ConfigError, match="model"):
        registry.options("backbones", "timm", {"model": "hf-hub:somebody/thing"})


def test_announcing_it_imports_no_torch():
    code = "import sys, harness_timm; sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
