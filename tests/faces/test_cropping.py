"""Cutting crops out of frames, and their bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.faces.cropping import decode, encoder, warp
from harness.faces.geometry import box_matrix

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """A frame whose colour is its place: red the column, green the row."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.arange(width) * 255 // width
    frame[..., 1] = (np.arange(height) * 255 // height)[:, None]
    return frame


def test_a_crop_of_the_same_size_is_the_frame_itself() -> None:
    np.testing.assert_array_equal(warp(NOISE, box_matrix(np.array([0, 0, 64, 64]), 64, 0.0), 64), NOISE)


def test_shrinking_by_a_whole_number_averages_areas() -> None:
    small = warp(NOISE, box_matrix(np.array([0, 0, 64, 64]), 16, 0.0), 16)
    means = NOISE.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 1


@settings(deadline=None, max_examples=40)
@given(st.floats(-30, 250), st.floats(-30, 150), st.floats(20, 400), st.floats(0, 0.5), st.integers(16, 96))
def test_places_stay_where_the_matrix_says_at_every_scale(x, y, side, margin, size) -> None:
    frame = smooth(180, 300)
    matrix = box_matrix(np.array([x, y, x + side, y + side]), size, margin)
    crop = warp(frame, matrix, size).astype(float)
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    seen_x = inverse[0, 0] * columns + inverse[0, 2]
    seen_y = inverse[1, 1] * rows + inverse[1, 2]
    reach = 3 * max(1.0, inverse[0, 0])
    inside = (seen_x > reach) & (seen_x < 299 - reach) & (seen_y > reach) & (seen_y < 179 - reach)
    assert np.abs(crop[..., 0] - seen_x * 255 / 300)[inside].max(initial=0) < 4
    assert np.abs(crop[..., 1] - seen_y * 255 / 180)[inside].max(initial=0) < 4


def test_beyond_the_frame_its_edge_is_repeated() -> None:
    frame = np.full((40, 40, 3), 200, np.uint8)
    assert (warp(frame, box_matrix(np.array([30, 30, 60, 60]), 24, 0.5), 24) == 200).all()
    assert (warp(frame, box_matrix(np.array([500, 500, 900, 900]), 24, 0.5), 24) == 200).all()


def test_png_is_lossless_and_jpeg_nearly() -> None:
    frame = smooth(64, 64)
    np.testing.assert_array_equal(decode(encoder("png", 95)(frame)), frame)
    assert np.abs(decode(encoder("jpeg", 95)(frame)).astype(int) - frame).max() <= 6


def test_decoding_resizes_and_refuses_what_is_no_image() -> None:
    assert decode(encoder("png", 95)(NOISE), 16).shape == (16, 16, 3)
    assert decode(encoder("png", 95)(NOISE), 100).shape == (100, 100, 3)
    assert decode(b"words") is None
    assert decode(b"") is None


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_encoding_the_same_crop_gives_the_same_bytes(form) -> None:
    assert encoder(form, 95)(NOISE) == encoder(form, 95)(NOISE)
