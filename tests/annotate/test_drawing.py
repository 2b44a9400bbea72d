from __future__ import annotations

import numpy as np
import pytest

from harness.annotate.drawing import Painter, _ranked
from harness.annotate.layout import lay_out
from harness.annotate.masks import rgb
from harness.charts.style import class_colours


def painted(frame, results, names, number=0):
    layout = lay_out(frame.shape[1], frame.shape[0], names, results.boxes)
    drawn = frame.copy()
    Painter(results, names, layout).draw(drawn, number)
    return drawn, layout


def changed(drawn, grey):
    return (drawn != grey).any(axis=2)


def test_the_box_is_in_the_label_s_colour_and_the_face_within_is_untouched(grey, results, names):
    drawn, _ = painted(grey, results(), names)
    assert (drawn[100, 310:410] == rgb(class_colours(4)[0])).all()
    assert (drawn[110:250, 310:410] == 120).all()


def test_the_tag_stands_above_the_box_or_within_where_there_is_no_room(grey, results, names):
    drawn, _ = painted(grey, results(), names)
    assert changed(drawn, grey)[82:97, 304:400].all()
    high = results(boxes=np.tile(np.array([300, 2, 420, 200], np.float32), (3, 1)))
    drawn, _ = painted(grey, high, names)
    assert changed(drawn, grey)[6:20, 310:400].mean() > 0.9


def test_bars_are_as_long_as_the_probabilities(grey, results, names):
    drawn, layout = painted(grey, results(), names)
    x, y, width, _ = layout.panel
    inner = width - 2 * layout.gap
    for place, (class_id, share) in enumerate([(0, 0.6), (1, 0.25), (2, 0.1)]):
        row = drawn[y + layout.gap + place * layout.row : y + layout.gap + (place + 1) * layout.row, x : x + width]
        lengths = (row == rgb(class_colours(4)[class_id])).all(axis=2).sum(axis=1)
        assert lengths.max() == round(inner * share)


def test_a_copied_face_has_no_box_and_the_panel_says_whose_it_is(grey, results, names):
    copied = results(statuses=["copied"] * 3, sources=np.array([7, 7, 7]))
    drawn, layout = painted(grey, copied, names)
    assert not changed(drawn, grey)[90:270, 290:430].any()
    note = changed(drawn, grey)[layout.panel[1] - 30 : layout.panel[1], : layout.panel[2]]
    assert note.any()


def test_a_frame_without_label_or_probabilities_is_drawn_without_them(grey, results, names):
    nothing = results(labels=np.full(3, -1), probabilities=np.full((3, 4), np.nan, np.float32))
    drawn, _ = painted(grey, nothing, names)
    assert (drawn[100, 310:410] == 200).all()
    missing = results(
        statuses=["missing"] * 3, sources=np.full(3, -1), boxes=np.full((3, 4), np.nan, np.float32),
        labels=np.full(3, -1), probabilities=np.full((3, 4), np.nan, np.float32),
    )  # fmt: skip
    drawn, layout = painted(grey, missing, names)
    x, y, width, height = layout.panel
    outside = changed(drawn, grey)
    outside[y : y + height, x : x + width] = False
    assert not outside.any()


def test_the_note_goes_below_a_panel_at_the_top(grey, results, names):
    low = np.tile(np.array([0, 180, 640, 360], np.float32), (3, 1))
    drawn, layout = painted(grey, results(statuses=["copied"] * 3, boxes=low), names)
    bottom = layout.panel[1] + layout.panel[3]
    assert changed(drawn, grey)[bottom + 2 : bottom + 30].any()


def test_a_tag_that_would_lie_on_the_panel_is_left_out(results, names):
    frame = np.full((320, 320, 3), 120, np.uint8)
    everywhere = results(boxes=np.tile(np.array([5, 100, 315, 318], np.float32), (3, 1)))
    drawn, layout = painted(frame, everywhere, names)
    x, y, width, height = layout.panel
    tag_colour = (drawn == rgb(class_colours(4)[0])).all(axis=2)
    inside = tag_colour[y : y + height, x : x + width]
    assert inside.sum() < 0.1 * width * height


def test_a_frame_beyond_the_results_stays_as_it_is(grey, results, names):
    drawn, _ = painted(grey, results(), names, number=3)
    assert (drawn == grey).all()


@pytest.mark.parametrize(
    ("probabilities", "label", "order"),
    [([0.1, 0.7, 0.2], 1, [1, 2, 0]), ([0.4, 0.2, 0.4], 2, [2, 0, 1]), ([0.5, 0.5, 0.0], -1, [0, 1, 2])],
)
def test_classes_are_ranked_by_probability_the_label_first_on_a_tie(probabilities, label, order):
    assert _ranked(np.array(probabilities, np.float32), label) == order
