"""Short names, colours and textures of classes."""

from __future__ import annotations

import pytest

from harness.charts.style import class_colours
from harness.expressions import ABAW_COMPOUND_7, RAF_DB_BASIC_7
from harness.report.classes import ink, luminance, short_names, style, texture


def test_short_names_are_initials_where_these_differ():
    assert short_names(ABAW_COMPOUND_7.names) == ["FS", "HS", "SS", "DS", "AS", "SF", "SA"]


def test_short_names_have_more_letters_where_initials_do_not():
    assert short_names(RAF_DB_BASIC_7.names) == ["Su", "F", "D", "H", "Sa", "A", "N"]
    assert short_names(["very long word", "very long work"]) == ["VeryLongWord", "VeryLongWork"]


def test_names_that_are_alike_are_numbered():
    assert short_names(["sadness I", "sadness  I"]) == ["0", "1"]


@pytest.mark.parametrize("colour", class_colours(24))
def test_letters_can_be_read_on_every_colour(colour):
    first, second = sorted((luminance(colour), luminance(ink(colour))))
    assert (second + 0.05) / (first + 0.05) >= 4.5


def test_classes_of_one_hue_have_another_texture():
    assert len({(number % 8, texture(number)) for number in range(64)}) == 64
    assert style(2).count("{fill:#") == 4
