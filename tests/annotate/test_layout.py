from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.annotate.layout import enlargement, lay_out

NAMES = ("Happily Surprised", "Disgustedly Surprised", "Sadly Angry", "Sadly Fearful")


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


@given(st.integers(300, 2000), st.integers(300, 2000), st.integers(2, 9))
def test_the_panel_lies_within_the_frame(width, height, classes):
    layout = lay_out(width, height, [f"class {number}" for number in range(classes)], boxes())
    assert layout.panel is not None
    x, y, panel_width, panel_height = layout.panel
    assert 0 <= x < x + panel_width <= width
    assert 0 <= y < y + panel_height <= height


@pytest.mark.parametrize(
    ("face", "corner"),
    [
        ((400, 50, 600, 350), "left"),
        ((20, 50, 240, 350), "right"),
        ((0, 150, 640, 360), "top"),
    ],
)
def test_the_panel_is_in_a_corner_where_no_face_is(face, corner):
    x, y, width, _ = lay_out(640, 360, NAMES, boxes(face, (np.nan,) * 4)).panel
    if corner == "top":
        assert y < 20
    else:
        assert y > 180
        assert (x + width < 320) == (corner == "left")


def test_names_that_have_no_room_leave_the_panel_out():
    assert lay_out(320, 320, ["a class with a very long name indeed " * 3, "b"], boxes()).panel is None


def test_sizes_grow_with_the_frame():
    small, large = lay_out(640, 360, NAMES, boxes()), lay_out(1920, 1080, NAMES, boxes())
    assert (large.letters, large.line) == (3 * small.letters, 3 * small.line)
    assert small.letters == 13


@pytest.mark.parametrize(("size", "times"), [((640, 360), 1), ((300, 900), 1), ((160, 90), 4), ((260, 360), 2)])
def test_small_frames_are_enlarged_until_letters_can_be_read(size, times):
    assert enlargement(*size) == times
