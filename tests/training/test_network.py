from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.errors import ConfigError
from harness.training.network import Classifier, make_head
from harness.training.options import HeadOptions


def kinds(head):
    return [type(layer) for layer in head]


def test_the_default_head_has_two_layers():
    head = make_head(HeadOptions(), 20, 7)
    assert kinds(head) == [nn.Linear, nn.ReLU, nn.Linear]
    assert (head[0].in_features, head[0].out_features, head[2].out_features) == (20, 256, 7)


def test_width_activation_and_dropout_are_options():
    head = make_head(HeadOptions(width=5, activation="gelu", dropout=0.3), 20, 7)
    assert kinds(head) == [nn.Linear, nn.GELU, nn.Dropout, nn.Linear]
    assert head[2].p == 0.3


def test_one_layer():
    assert kinds(make_head(HeadOptions(preset="one-layer"), 20, 7)) == [nn.Linear]


def test_the_authors_heads_come_with_the_backbone():
    one = make_head(HeadOptions(preset="authors"), 20, 7, {"width": 0, "dropout": 0.2})
    two = make_head(HeadOptions(preset="authors"), 20, 7, {"width": 500, "dropout": 0.4})
    assert kinds(one) == [nn.Dropout, nn.Linear]
    assert kinds(two) == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert two[0].out_features == 500


def test_a_backbone_without_an_authors_head_says_so():
    with pytest.raises(ConfigError, match="head preset 'authors' is not known for this backbone; use 'two-layer'"):
        make_head(HeadOptions(preset="authors"), 20, 7)


def test_images_are_normalised_with_the_backbones_own_mean_and_std():
    class Look(nn.Module):
        mean, std, num_features = (0.1, 0.2, 0.3), (0.5, 0.25, 1.0), 3

        def forward(self, images):
            return images.mean((2, 3))

    seen = Classifier(Look(), nn.Identity())(torch.full((1, 3, 2, 2), 0.6))
    torch.testing.assert_close(seen, torch.tensor([[1.0, 1.6, 0.3]]))
