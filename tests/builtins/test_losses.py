"""Each loss against a formula written down independently in numpy (float64), and against numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.builtins import losses
from harness.builtins.loss_options import (
    BalancedDiceOptions,
    BalancedOptions,
    CrossEntropyOptions,
    DiceOptions,
    FocalOptions,
    LabelSmoothingOptions,
)

COUNTS = torch.tensor([50, 7, 0, 20, 3])
N, C = 9, 5
RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(N, C)) * 2
IDS = np.array([0, 1, 3, 3, 0, 4, 1, 0, 3])  # class 2 is absent
ONE_HOT = np.eye(C)[IDS]
SOFT = RNG.dirichlet(np.ones(C), size=N)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def cross_entropy(targets, logits=LOGITS):
    return -(targets * np.log(softmax(logits))).sum(1).mean()


def balanced(targets, tau):
    """-log p_i = log[1 + sum_{j != i} e^{tau (log n_j - log n_i)} e^{z_j - z_i}], METHOD's correction of eq. 1."""
    counts = np.maximum(COUNTS.numpy(), 1).astype(float)
    total = 0.0
    for n in range(N):
        for i in range(C):
            others = [
                np.exp(tau * (np.log(counts[j]) - np.log(counts[i])) + LOGITS[n, j] - LOGITS[n, i])
                for j in range(C)
                if j != i
            ]
            total += targets[n, i] * np.log1p(sum(others))
    return total / N


def dice_batch(targets, smooth):
    p = softmax(LOGITS)
    terms = []
    for c in range(C):
        if targets[:, c].sum() > 0:
            overlap = sum(p[n, c] * targets[n, c] for n in range(N))
            terms.append(1 - (2 * overlap + smooth) / (p[:, c].sum() + targets[:, c].sum() + smooth))
    return np.array(terms)


def authors_dice():
    """The closed form that the authors' code collapses to: (1-p)/(2+p) on the target class, p/(1+p) elsewhere."""
    p = softmax(LOGITS)
    return np.where(ONE_HOT == 1, (1 - p) / (2 + p), p / (1 + p)).mean(0)


def focal(targets, gamma):
    p = softmax(LOGITS)
    return -(targets * (1 - p) ** gamma * np.log(p)).sum(1).mean()


CASES = {
    "cross-entropy": (losses.CrossEntropy(CrossEntropyOptions(), COUNTS), cross_entropy),
    "label-smoothing": (
        losses.LabelSmoothing(LabelSmoothingOptions(epsilon=0.2), COUNTS),
        lambda t: cross_entropy(0.8 * t + 0.2 / C),
    ),
    "focal 2": (losses.Focal(FocalOptions(), COUNTS), lambda t: focal(t, 2)),
    "focal 0.5": (losses.Focal(FocalOptions(gamma=0.5), COUNTS), lambda t: focal(t, 0.5)),
    "bal-ce tau 1": (losses.BalancedCrossEntropy(BalancedOptions(), COUNTS), lambda t: balanced(t, 1)),
    "bal-ce tau 0.5": (losses.BalancedCrossEntropy(BalancedOptions(tau=0.5), COUNTS), lambda t: balanced(t, 0.5)),
    "dice batch": (losses.Dice(DiceOptions(), COUNTS), lambda t: dice_batch(t, 1).mean()),
    "dice batch, smooth 0, sum": (
        losses.Dice(DiceOptions(smooth=0, reduction="sum"), COUNTS),
        lambda t: dice_batch(t, 0).sum(),
    ),
    "bal-ce+dice": (
        losses.BalancedDice(BalancedDiceOptions(), COUNTS),
        lambda t: balanced(t, 1) + 1.5 * dice_batch(t, 1).mean(),
    ),
    "bal-ce+dice, weight 0.3": (
        losses.BalancedDice(BalancedDiceOptions(weight=0.3, tau=0.5), COUNTS),
        lambda t: balanced(t, 0.5) + 0.3 * dice_batch(t, 1).mean(),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_class_ids_give_the_formula(name):
    loss, formula = CASES[name]
    assert loss(torch.tensor(LOGITS), torch.tensor(IDS)).item() == pytest.approx(formula(ONE_HOT), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_soft_targets_give_the_formula(name):
    loss, formula = CASES[name]
    assert loss(torch.tensor(LOGITS), torch.tensor(SOFT)).item() == pytest.approx(formula(SOFT), rel=1e-12)


@pytest.mark.parametrize("targets", [torch.tensor(IDS), torch.tensor(SOFT)], ids=["ids", "soft"])
@pytest.mark.parametrize("name", [*CASES, "dice sample"])
def test_gradients_agree_with_finite_differences(name, targets):
    loss = CASES[name][0] if name in CASES else losses.Dice(DiceOptions(variant="sample"), COUNTS)
    logits = torch.tensor(LOGITS, requires_grad=True)
    assert torch.autograd.gradcheck(lambda one: loss(one, targets), logits)


def test_dice_by_sample_is_what_the_authors_code_collapses_to():
    loss = losses.Dice(DiceOptions(variant="sample"), COUNTS)
    assert loss(torch.tensor(LOGITS), torch.tensor(IDS)).item() == pytest.approx(authors_dice().mean(), rel=1e-12)
    loss = losses.Dice(DiceOptions(variant="sample", reduction="sum"), COUNTS)
    assert loss(torch.tensor(LOGITS), torch.tensor(IDS)).item() == pytest.approx(authors_dice().sum(), rel=1e-12)


def test_dice_by_sample_without_smoothing_is_finite_for_certain_logits():
    loss = losses.Dice(DiceOptions(variant="sample", smooth=0), COUNTS)
    logits = torch.tensor([[200.0, -200.0, -200.0, -200.0, -200.0]], requires_grad=True)
    loss(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_balanced_without_prior_is_cross_entropy():
    loss = losses.BalancedCrossEntropy(BalancedOptions(tau=0), COUNTS)
    assert loss(torch.tensor(LOGITS), torch.tensor(IDS)).item() == pytest.approx(cross_entropy(ONE_HOT), rel=1e-12)


def test_a_rare_class_costs_more_when_missed_than_a_frequent_one():
    loss = losses.BalancedCrossEntropy(BalancedOptions(), COUNTS)
    even = torch.zeros(1, C)
    assert loss(even, torch.tensor([4])) > loss(even, torch.tensor([0]))


def test_counts_are_read_in_class_id_order():
    loss = losses.BalancedCrossEntropy(BalancedOptions(), torch.tensor([1, 2, 4]))
    expected = torch.log(torch.tensor([1 / 7, 2 / 7, 4 / 7], dtype=torch.float64))
    torch.testing.assert_close(loss.prior, expected)


def test_bfloat16_logits_are_computed_in_float32():
    loss = CASES["bal-ce+dice"][0]
    assert loss(torch.tensor(LOGITS).bfloat16(), torch.tensor(IDS)).dtype == torch.float32


WEIGHTS = np.array([0.5, 2, 1, 0, 1.5, 1, 3, 0, 0])  # mean 1


def weighted_dice(targets, smooth):
    p = softmax(LOGITS)
    terms = []
    for c in range(C):
        there = sum(WEIGHTS[n] * targets[n, c] for n in range(N))
        if there > 0:
            overlap = sum(WEIGHTS[n] * p[n, c] * targets[n, c] for n in range(N))
            said = sum(WEIGHTS[n] * p[n, c] for n in range(N))
            terms.append(1 - (2 * overlap + smooth) / (said + there + smooth))
    return np.mean(terms)


def weighted_cross_entropy(targets, logits=LOGITS):
    return -(WEIGHTS[:, None] * targets * np.log(softmax(logits))).sum() / N


def with_prior():
    counts = np.maximum(COUNTS.numpy(), 1).astype(float)
    return LOGITS + np.log(counts / counts.sum())


WEIGHTED = {
    "cross-entropy": weighted_cross_entropy,
    "label-smoothing": lambda t: weighted_cross_entropy(0.8 * t + 0.2 / C),
    "focal 2": lambda t: -(WEIGHTS[:, None] * t * (1 - softmax(LOGITS)) ** 2 * np.log(softmax(LOGITS))).sum() / N,
    "bal-ce tau 1": lambda t: weighted_cross_entropy(t, with_prior()),
    "dice batch": lambda t: weighted_dice(t, 1),
    "bal-ce+dice": lambda t: weighted_cross_entropy(t, with_prior()) + 1.5 * weighted_dice(t, 1),
}


@pytest.mark.parametrize("targets", [IDS, SOFT], ids=["ids", "soft"])
@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_multiply_each_images_term_or_count(name, targets):
    rows = ONE_HOT if targets.ndim == 1 else targets
    found = CASES[name][0](torch.tensor(LOGITS), torch.tensor(targets), torch.tensor(WEIGHTS))
    assert found.item() == pytest.approx(WEIGHTED[name](rows), rel=1e-12)


def test_weights_of_one_change_nothing():
    for loss, _ in CASES.values():
        plain = loss(torch.tensor(LOGITS), torch.tensor(SOFT))
        torch.testing.assert_close(loss(torch.tensor(LOGITS), torch.tensor(SOFT), torch.ones(N)), plain)


def test_an_image_of_weight_2_counts_as_two_in_batch_dice():
    loss, twice = losses.Dice(DiceOptions(), COUNTS), torch.cat([torch.arange(N), torch.tensor([3])])
    weights = torch.ones(N, dtype=torch.float64)
    weights[3] = 2
    logits, targets = torch.tensor(LOGITS), torch.tensor(IDS)
    assert loss(logits, targets, weights).item() == pytest.approx(loss(logits[twice], targets[twice]).item(), rel=1e-12)


def test_dice_by_sample_is_weighted_as_a_mean():
    loss = losses.Dice(DiceOptions(variant="sample"), COUNTS)
    logits, targets = torch.tensor(LOGITS), torch.tensor(IDS)
    alone = [loss(logits[row : row + 1], targets[row : row + 1]).item() for row in range(N)]
    assert loss(logits, targets, torch.tensor(WEIGHTS)).item() == pytest.approx(np.mean(WEIGHTS * alone), rel=1e-12)
