"""Runs of equal answers as text, and times as a few straight lines."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.frames import NONE, UNKNOWN, Answers
from harness.report.timeline import MOST_KNOTS, knots, runs, symbol, timelines


def unfolded(text):
    """As the page's script reads it."""
    codes = {symbol(one): one for one in range(UNKNOWN, 60)}
    return [codes[letter] for letter, length in re.findall(r"([^0-9])([0-9]*)", text) for _ in range(int(length or 1))]


@given(st.lists(st.integers(UNKNOWN, 59)))
def test_runs_hold_every_answer(codes):
    assert unfolded(runs(np.array(codes, np.int16))) == codes


def test_runs_are_short_where_little_changes_and_never_more_than_a_byte_a_frame():
    assert runs(np.repeat([0, NONE, UNKNOWN, 0], [12, 3, 1, 1]).astype(np.int16)) == "A12-3.A"
    restless = np.arange(10_000) % 7
    assert len(runs(restless).encode()) == 10_000


def test_no_two_codes_share_a_symbol():
    symbols = [symbol(one) for one in range(UNKNOWN, 500)]
    assert len(set(symbols)) == len(symbols)
    assert not any(one.isdigit() or one in "<>&\"'\\" for one in symbols)


def test_even_frames_need_two_knots_and_uneven_ones_more():
    assert knots(np.arange(10_000) / 25) == [(0, 0.0), (9999, 399.96)]
    slow_then_fast = np.concatenate([np.arange(50) / 10, 5 + np.arange(50) / 50])
    assert [frame for frame, _ in knots(slow_then_fast)] == [0, 50, 99]
    assert knots(np.array([3.5])) == [(0, 3.5)]


@given(st.lists(st.floats(0.001, 2), min_size=2, max_size=60))
def test_times_between_knots_are_as_exact_as_promised(steps):
    time = np.cumsum(steps)
    frames, seconds = zip(*knots(time), strict=True)
    assert np.abs(np.interp(np.arange(len(time)), frames, seconds) - time).max() <= 0.003


def test_a_long_clip_of_uneven_frames_keeps_few_knots():
    time = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.09, 10_000))
    found = knots(time)
    assert len(found) <= MOST_KNOTS
    frames, seconds = zip(*found, strict=True)
    assert np.abs(np.interp(np.arange(len(time)), frames, seconds) - time).max() < 1


@pytest.mark.parametrize("time", [[0.0, np.nan], [], [0.2, 0.1]])
def test_times_that_are_not_known_have_no_knots(time):
    assert knots(np.array(time)) == []


def test_every_clip_has_its_rows():
    answers = Answers(
        clips=("a", "b"),
        bounds=np.array([0, 2, 5]),
        time=np.arange(5) / 10,
        face=np.arange(5),
        rows={"truth": np.array([0, 0, 1, 1, UNKNOWN], np.int16), "fused": np.array([0, 1, 1, NONE, 1], np.int16)},
        final="fused",
    )
    assert timelines(answers) == {
        "rows": ["truth", "fused"],
        "final": "fused",
        "clips": [
            {"name": "a", "frames": 2, "knots": [(0, 0.0), (1, 0.1)], "runs": ["A2", "AB"]},
            {"name": "b", "frames": 3, "knots": [(0, 0.2), (2, 0.4)], "runs": ["B2.", "B-B"]},
        ],
    }
    assert [answers.place(position) for position in (0, 1, 2, 4)] == [(0, 0), (0, 1), (1, 0), (1, 2)]
