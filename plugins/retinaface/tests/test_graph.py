"""The graphs carry the public names and shapes and load strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from harness_retinaface.deployed import Deployed, deployed
from harness_retinaface.graph import RetinaFace, load
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter

from harness.errors import WeightsError


def test_the_public_checkpoint_loads_strictly_and_has_its_known_size(checkpoint: Path) -> None:
    model = load("mobilenet0.25", checkpoint)
    assert not model.training
    assert sum(one.numel() for one in model.parameters()) == 426_608


def test_the_body_of_resnet50_has_the_names_and_shapes_of_the_public_layout() -> None:
    layers = {"layer2": 1, "layer3": 2, "layer4": 3}
    public = IntermediateLayerGetter(resnet50(weights=None), return_layers=layers).state_dict()
    ours = RetinaFace("resnet50").body.state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in public.items()}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("body.conv1.weight", (64, 3, 7, 7)),
        ("body.layer4.2.bn3.running_var", (2048,)),
        ("fpn.output1.0.weight", (256, 512, 1, 1)),
        ("fpn.output2.0.weight", (256, 1024, 1, 1)),
        ("fpn.output3.0.weight", (256, 2048, 1, 1)),
        ("fpn.merge1.0.weight", (256, 256, 3, 3)),
        ("fpn.merge2.1.running_mean", (256,)),
        ("ssh1.conv3X3.0.weight", (128, 256, 3, 3)),
        ("ssh2.conv5X5_1.0.weight", (64, 256, 3, 3)),
        ("ssh3.conv7x7_3.1.bias", (64,)),
        ("ClassHead.0.conv1x1.weight", (4, 256, 1, 1)),
        ("BboxHead.1.conv1x1.weight", (8, 256, 1, 1)),
        ("LandmarkHead.2.conv1x1.bias", (20,)),
    ],
)
def test_resnet50_has_the_public_names_and_shapes(name: str, shape: tuple[int, ...]) -> None:
    assert RetinaFace("resnet50").state_dict()[name].shape == shape


def test_both_networks_differ_in_their_bodies_only_in_name() -> None:
    beyond = [
        {name for name in RetinaFace(network).state_dict() if not name.startswith("body.")}
        for network in ("mobilenet0.25", "resnet50")
    ]
    assert beyond[0] == beyond[1]


@pytest.mark.parametrize("network", ["mobilenet0.25", "resnet50"])
def test_the_deployed_graph_computes_what_the_public_one_does(network: str) -> None:
    torch.manual_seed(0)
    model = RetinaFace(network)  # type: ignore[arg-type]
    frames = torch.randint(0, 256, (2, 61, 99, 3), dtype=torch.uint8)
    bgr = frames.flip(-1).permute(0, 3, 1, 2).float() - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    for module in model.modules():  # one pass sets the statistics, or a random network's outputs vanish or explode
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(bgr)
        model.eval()
        expected, found = model(bgr), deployed(model)(frames)
    for level, (logits, boxes, landmarks) in enumerate(zip(*expected, strict=True)):
        values = found[level].unflatten(-1, (2, 15))
        face = logits.permute(0, 2, 3, 1).unflatten(-1, (2, 2)).softmax(-1)[..., 1]
        torch.testing.assert_close(values[..., 0].sigmoid(), face, rtol=1e-3, atol=1e-3)
        for columns, raw in ((slice(1, 5), boxes), (slice(5, 15), landmarks)):
            offsets = raw.permute(0, 2, 3, 1).unflatten(-1, (2, -1))
            torch.testing.assert_close(values[..., columns], offsets, rtol=1e-3, atol=1e-3)


def test_deploying_leaves_the_model_as_it_was() -> None:
    model = RetinaFace("mobilenet0.25").eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert isinstance(deployed(model), Deployed)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_checkpoint_of_another_network_is_named_with_what_does_not_fit(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match=r"is not a RetinaFace resnet50: \d+ names missing .*; set `network`"):
        load("resnet50", checkpoint)


@pytest.mark.parametrize("body", [b"", b"no checkpoint", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_checkpoint_is_named(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(body)
    with pytest.raises(WeightsError, match=r"w\.pth is not a torch checkpoint"):
        load("mobilenet0.25", tmp_path / "w.pth")


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"state_dict": {}}])
def test_a_checkpoint_without_the_weights_is_named(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"w\.pth is not a RetinaFace mobilenet0\.25"):
        load("mobilenet0.25", tmp_path / "w.pth")
