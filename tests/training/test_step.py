"""Gradients in pieces against those of the whole batch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from harness.builtins import losses
from harness.builtins.loss_options import BalancedDiceOptions, BalancedOptions, DiceOptions, FocalOptions
from harness.training.arithmetic import Arithmetic
from harness.training.step import add_gradient, same_randomness, without_statistics

CPU = Arithmetic(torch.device("cpu"), bfloat16=False, channels_last=False)
COUNT, CLASSES = 11, 4
COUNTS = torch.tensor([5, 1, 3, 2])
LOSSES = {
    "bal-ce": losses.BalancedCrossEntropy(BalancedOptions(), COUNTS),
    "focal": losses.Focal(FocalOptions(), COUNTS),
    "batch dice": losses.Dice(DiceOptions(), COUNTS),
    "sample dice": losses.Dice(DiceOptions(variant="sample"), COUNTS),
    "bal-ce + batch dice": losses.BalancedDice(BalancedDiceOptions(), COUNTS),
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, CLASSES)]
    return nn.Sequential(*layers).double()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(COUNT, 3, 8, 8, generator=generator, dtype=torch.float64)
    return images, torch.arange(COUNT) % CLASSES, torch.rand(COUNT, generator=generator, dtype=torch.float64) * 2


def gradient(network, images, cost, pieces, mean):
    network = copy.deepcopy(network)
    value = add_gradient(network, images, cost, pieces, CPU, mean=mean)
    return value, torch.cat([one.grad.flatten() for one in network.parameters()])


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("pieces", [2, 4])
@pytest.mark.parametrize("name", LOSSES)
def test_pieces_add_up_to_the_gradient_of_the_whole(network, batch, name, pieces, weighted):
    images, targets, weights = batch
    loss = LOSSES[name]

    def cost(logits, part):
        return loss(logits, targets[part], weights[part] if weighted else None)

    whole = gradient(network, images, cost, 1, loss.mean_over_images)
    parts = gradient(network, images, cost, pieces, loss.mean_over_images)
    torch.testing.assert_close(parts, whole, rtol=1e-10, atol=1e-12)


def test_which_losses_are_means_over_images_is_known():
    assert {name for name, loss in LOSSES.items() if loss.mean_over_images} == {"bal-ce", "focal", "sample dice"}


def test_batch_dice_in_pieces_of_its_own_would_be_another_gradient(network, batch):
    """What gradient accumulation does everywhere else: the reason for the second pass."""
    images, targets, _ = batch
    loss = LOSSES["batch dice"]
    _, whole = gradient(network, images, lambda logits, part: loss(logits, targets[part]), 1, mean=False)
    _, naive = gradient(network, images, lambda logits, part: loss(logits, targets[part]), 4, mean=True)
    assert not torch.allclose(whole, naive, rtol=1e-2)


def test_dropout_draws_the_same_in_both_passes(network, batch):
    """The slope is taken at the logits that the second pass gives again."""
    images, targets, _ = batch
    network.insert(3, nn.Dropout(0.5))
    seen = []
    network.register_forward_hook(lambda _module, _inputs, logits: seen.append(logits.detach()))
    add_gradient(network, images, lambda logits, part: LOSSES["batch dice"](logits, targets[part]), 2, CPU, mean=False)
    first, second, third, fourth = seen
    assert torch.equal(first, third)
    assert torch.equal(second, fourth)
    assert not torch.equal(first[:5], second[:5])


def test_batch_normalisation_counts_each_image_once(batch):
    images, targets, _ = batch
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 64, CLASSES)).double()
    add_gradient(network, images, lambda logits, part: LOSSES["batch dice"](logits, targets[part]), 2, CPU, mean=False)
    assert network[0].num_batches_tracked == 2


def test_statistics_are_counted_again_afterwards_even_after_an_error():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3, track_running_stats=False))
    within = []

    def broken():
        with without_statistics(network):
            within.append(network[0].track_running_stats)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        broken()
    assert within == [False]
    assert [one.track_running_stats for one in network] == [True, False]


def test_randomness_comes_again():
    torch.manual_seed(3)
    with same_randomness(torch.device("cpu")):
        within = torch.rand(4)
    assert torch.equal(torch.rand(4), within)
