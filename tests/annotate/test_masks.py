from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.annotate.masks import fill, lay, readable_on, rgb, rounded_mask, text_mask, text_width


def test_text_is_as_high_as_its_font_whatever_the_letters():
    assert text_mask("ace", 13).shape[0] == text_mask("Ågj|", 13).shape[0] > 13
    assert text_width("100%", 13) > text_width("1%", 13) > 0
    assert text_mask("", 13).shape[1] == 1


def test_larger_letters_are_larger():
    assert text_width("Sadly Angry", 26) == pytest.approx(2 * text_width("Sadly Angry", 13), rel=0.1)


def test_corners_are_round_and_the_middle_is_full():
    mask = rounded_mask(40, 20, 6)
    assert mask.shape == (20, 40)
    assert mask[0, 0] == 0
    assert mask[10, 20] == 255
    assert rounded_mask(4, 2, 99).shape == (2, 4)


@given(
    st.integers(-30, 40), st.integers(-30, 40), st.integers(1, 30), st.integers(1, 30), st.sampled_from([0.0, 0.5, 1.0])
)
def test_what_is_laid_over_a_frame_is_cut_at_its_edges_and_mixed_by_opacity(x, y, width, height, opacity):
    frame = np.full((24, 32, 3), 100, np.uint8)
    lay(frame, np.full((height, width), 255, np.uint8), x, y, (200, 100, 0), opacity)
    covered = np.zeros((24, 32), bool)
    covered[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
    assert (frame[~covered] == 100).all()
    if covered.any():
        expected = [100 + 100 * opacity, 100, 100 - 100 * opacity]
        assert np.abs(frame[covered] - np.array(expected)).max() <= 1


def test_a_rectangle_is_cut_at_the_frame():
    frame = np.zeros((10, 10, 3), np.uint8)
    fill(frame, -5, 8, 3, 99, (1, 2, 3))
    fill(frame, 20, 0, 30, 5, (9, 9, 9))
    assert (frame[8:, :3] == (1, 2, 3)).all()
    assert frame.sum() == 2 * 3 * 6


def test_letters_are_black_on_light_and_white_on_dark_colours():
    assert readable_on(rgb("#F0E442")) == (0, 0, 0)
    assert readable_on(rgb("#0072B2")) == (255, 255, 255)
    assert rgb("#0072B2") == (0, 0x72, 0xB2)
