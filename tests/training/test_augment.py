from __future__ import annotations

import colorsys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.training.augment import affine, augment, turned
from harness.training.options import Augmentation

OFF = dict.fromkeys(Augmentation.model_fields, 0.0)
STRONG = Augmentation(rotation=30, scale=0.3, shift=0.2, brightness=0.6, contrast=0.6, saturation=0.6, hue=0.5)


def images(count=4, size=8):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_strengths_nothing_changes():
    assert torch.equal(augment(images(), Augmentation(**OFF), seeded()), images())


def test_the_same_seed_gives_the_same_images_and_another_seed_others():
    first = augment(images(), Augmentation(), seeded())
    assert torch.equal(first, augment(images(), Augmentation(), seeded()))
    assert not torch.equal(first, augment(images(), Augmentation(), seeded(1)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_values_stay_in_range_and_shapes_stay(seed):
    changed = augment(images(), STRONG, seeded(seed))
    assert changed.shape == images().shape
    assert 0 <= changed.min() <= changed.max() <= 1


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_the_memory_format_stays(memory):
    changed = augment(images().contiguous(memory_format=memory), STRONG, seeded())
    assert changed.is_contiguous(memory_format=memory)


@pytest.mark.parametrize("also", [{}, {"shift": 1e-9}], ids=["alone", "as an affine map"])
def test_a_certain_flip_mirrors_every_image(also):
    changed = augment(images(), Augmentation(**OFF | {"flip": 1.0} | also), seeded())
    torch.testing.assert_close(changed, images().flip(3), atol=1e-5, rtol=1e-5)


def test_about_half_the_images_are_flipped():
    many = images(400)
    changed = augment(many, Augmentation(**OFF | {"flip": 0.5}), seeded())
    assert 160 < int((changed != many).flatten(1).any(1).sum()) < 240


def test_the_maps_zoom_rotate_and_shift_within_their_limits():
    maps = affine(Augmentation(flip=0, rotation=20, scale=0.1, shift=0.05), 500, seeded())
    zoom = torch.linalg.det(maps[:, :, :2]).sqrt()
    angle = torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 1, 1]))
    assert 0.9 <= zoom.min() < 0.92
    assert 1.08 < zoom.max() <= 1.1
    assert 18 < angle.abs().max() <= 20.001
    assert 0.09 < maps[:, :, 2].abs().max() <= 0.1  # of a side that runs from -1 to 1


def test_brightness_multiplies():
    changed = augment(images() * 0.5, Augmentation(**OFF | {"brightness": 0.3}), seeded())
    ratio = changed / (images() * 0.5).clamp_min(1e-6)
    assert torch.allclose(ratio, ratio[:, :1, :1, :1], atol=1e-3)
    assert ((ratio > 0.69) & (ratio < 1.31)).all()


def test_saturation_leaves_grey_alone():
    grey = images()[:, :1].expand(-1, 3, -1, -1)
    changed = augment(grey, Augmentation(**OFF | {"saturation": 0.9}), seeded())
    torch.testing.assert_close(changed, grey, atol=1e-5, rtol=1e-5)


def test_contrast_keeps_the_mean():
    middle = images() * 0.2 + 0.4
    changed = augment(middle, Augmentation(**OFF | {"contrast": 0.5}), seeded())
    torch.testing.assert_close(changed.mean((1, 2, 3)), middle.mean((1, 2, 3)), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(changed, middle)


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3), st.floats(-0.5, 0.5))
def test_turning_the_hue_is_what_colorsys_says(colour, turn):
    red, green, blue = (one / 255 for one in colour)
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
    image = torch.tensor([red, green, blue], dtype=torch.float64).view(1, 3, 1, 1)
    found = turned(image, torch.full((1, 1, 1, 1), turn, dtype=torch.float64))
    torch.testing.assert_close(found.flatten(), torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0)


def test_hue_leaves_brightness_alone_and_changes_colour():
    changed = augment(images(), Augmentation(**OFF | {"hue": 0.5}), seeded())
    torch.testing.assert_close(changed.amax(1), images().amax(1))
    assert not torch.allclose(changed, images())
