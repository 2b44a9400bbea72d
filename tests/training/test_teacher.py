"""The mean teacher against its formulas, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.training.teacher import consistency, follow, ramp


class One(nn.Module):
    def __init__(self, weight, batches=0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.register_buffer("mean", torch.tensor(weight * 10))
        self.register_buffer("batches", torch.tensor(batches))


def test_the_teacher_is_a_running_mean_of_weights_and_statistics():
    teacher, student = One(1.0), One(2.0, batches=7)
    follow(teacher, student, decay=0.9, step=1000)
    assert teacher.weight.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
    assert teacher.mean.item() == pytest.approx(0.9 * 10 + 0.1 * 20)
    assert teacher.batches.item() == 7  # a count is copied
    assert teacher.weight.requires_grad


def test_its_first_steps_are_the_plain_mean_of_what_the_student_was():
    """1 - 1/(k+1) after k steps: of the values 0 (at first), 3, 6, 9 the means are 1.5, 3, 4.5."""
    teacher = One(0.0)
    for step, (value, mean) in enumerate([(3.0, 1.5), (6.0, 3.0), (9.0, 4.5)], start=1):
        follow(teacher, One(value), decay=0.999, step=step)
        assert teacher.weight.item() == pytest.approx(mean)


def test_consistency_is_the_squared_distance_of_probabilities():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]]))
    beliefs = torch.tensor([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])
    by_hand = ((0.25**2 + 0.25**2) + ((2 / 3) ** 2 + 2 * (1 / 3) ** 2)) / 2
    assert consistency(logits, beliefs).item() == pytest.approx(by_hand)


def test_consistency_goes_down_when_the_student_follows_the_teacher():
    logits = torch.zeros(1, 3, requires_grad=True)
    beliefs = torch.tensor([[0.8, 0.1, 0.1]])
    consistency(logits, beliefs).backward()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_the_ramp_rises_from_almost_nothing_to_one_and_stays():
    assert ramp(0) == pytest.approx(math.exp(-5))
    assert ramp(0.5) == pytest.approx(math.exp(-1.25))
    assert ramp(1) == ramp(7) == 1
