"""Time segments and the frames that lie in them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datasets.segments import (
    Segment,
    clock,
    exact_rate,
    frames_beyond,
    frames_in,
    infer_rate,
    labels_of,
    overlaps,
    seconds,
)

RATES = st.sampled_from([Fraction(25), Fraction(30), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(12)])
TIMES = st.integers(0, 60_000).map(lambda thousandths: Fraction(thousandths, 1000))


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    begin, end = sorted([draw(TIMES), draw(TIMES)])
    return Segment(begin, end + Fraction(1, 1000), draw(st.sampled_from(["a", "b", ""])))


def segment(begin: object, end: object, label: str = "a") -> Segment:
    return Segment(Fraction(begin), Fraction(end), label)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("00:00:02.970", "2.97"),
        ("01:02:03.5", "3723.5"),
        ("2:03", "123"),
        ("7.25", "7.25"),
        (" 7,25 ", "7.25"),
        ("0", "0"),
    ],
)
def test_times_are_read(text: str, value: str) -> None:
    assert seconds(text) == Fraction(value)


@pytest.mark.parametrize("text", ["", "1:2:3:4", "-1", "abc", "1..2", "00:00:", "1e3", "NaN"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        seconds(text)


@given(TIMES)
def test_a_clock_survives_writing_and_reading(time: Fraction) -> None:
    assert seconds(clock(time)) == time


@pytest.mark.parametrize(
    ("rate", "exact"),
    [(25, Fraction(25)), (30.0, Fraction(30)), (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)),
     (59.94005994, Fraction(60000, 1001)), (12.5, Fraction(25, 2)), (14.985, Fraction(15000, 1001))],
)  # fmt: skip
def test_a_rate_is_what_video_means_by_it(rate: float, exact: Fraction) -> None:
    assert exact_rate(rate) == exact


def test_a_frame_belongs_to_the_segment_that_holds_its_time_stamp() -> None:
    assert frames_in(segment(0, 1), Fraction(25)) == range(0, 25)
    assert frames_in(segment("0.04", "0.08"), Fraction(25)) == range(1, 2)
    assert frames_in(segment("0.041", "0.08"), Fraction(25)) == range(2, 2)
    assert frames_in(segment("0.039", "0.081"), Fraction(25)) == range(1, 3)


@given(segments(), RATES)
def test_exactly_the_frames_whose_time_lies_in_the_half_open_segment(one: Segment, rate: Fraction) -> None:
    last = int(one.end * rate) + 2
    assert list(frames_in(one, rate)) == [frame for frame in range(last) if one.begin <= frame / rate < one.end]


@given(TIMES, TIMES, TIMES, RATES)
def test_segments_that_touch_share_no_frame_and_lose_none(
    a: Fraction, b: Fraction, c: Fraction, rate: Fraction
) -> None:
    begin, middle, end = sorted([a, b, c])
    parts = [*frames_in(segment(begin, middle), rate), *frames_in(segment(middle, end), rate)]
    assert parts == list(frames_in(segment(begin, end), rate))


@given(st.lists(segments(), max_size=6), RATES)
def test_overlaps_are_found_if_and_only_if_a_frame_has_two_segments(many: list[Segment], rate: Fraction) -> None:
    claimed = [frame for one in many for frame in frames_in(one, rate)]
    assert bool(overlaps(many, rate)) == (len(claimed) != len(set(claimed)))


@given(st.lists(segments(), max_size=6), RATES, st.integers(0, 300))
def test_labels_stay_within_the_clip(many: list[Segment], rate: Fraction, frames: int) -> None:
    assert all(0 <= frame < frames for frame in labels_of(many, rate, frames))
    assert frames_beyond(many, rate, frames) == max(labels_of(many, rate, None), default=-1) + 1 - frames


def test_overlaps_name_both_segments() -> None:
    first, second, third = segment(0, 10), segment(1, 2), segment(5, 6)
    assert overlaps([third, first, second], Fraction(25)) == [(first, second), (first, third)]
    assert str(segment("61.5", 62, "")) == "0:01:01.500-0:01:02.000 other"


@given(st.sampled_from([Fraction(25), Fraction(30)]), st.integers(60, 5000), st.integers(0, 3))
def test_an_annotation_that_goes_to_the_end_tells_the_rate(rate: Fraction, frames: int, short: int) -> None:
    found = infer_rate((frames - short) / rate, frames, 3)
    assert found is not None
    assert found.rate == rate
    assert not found.doubtful


def test_of_two_rates_that_fit_the_higher_is_taken_and_called_doubtful() -> None:
    found = infer_rate(Fraction(5), 302, 3)
    assert found is not None
    assert (found.rate, found.doubtful) == (Fraction(30), True)


def test_an_annotation_longer_than_the_clip_at_any_rate_tells_none() -> None:
    assert infer_rate(Fraction(20), 302, 3) is None
    assert infer_rate(Fraction(302 + 3, 25), 302, 3) is not None
