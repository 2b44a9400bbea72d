from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import MediaError
from harness.media import iter_frames, probe
from harness.media.timed import write_timed_video


def grey(times, size=(32, 48)):
    return [(time, np.full((*size, 3), 100, np.uint8)) for time in times]


def times_of(path):
    return [frame.time for frame in iter_frames(path)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 500), min_size=1, max_size=12))
def test_frames_keep_their_times(tmp_path, steps):
    times = [sum(steps[:count]) / 1000 for count in range(len(steps) + 1)]
    assert write_timed_video(tmp_path / "out.mp4", grey(times), 25) == len(times)
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times, abs=2e-4)


def test_a_frame_that_is_not_later_than_the_one_before_comes_right_after_it(tmp_path):
    write_timed_video(tmp_path / "out.mp4", grey([0, 0.1, 0.1, 0.05, 0.2]), 25)
    assert times_of(tmp_path / "out.mp4") == pytest.approx([0, 0.1, 0.1, 0.1, 0.2], abs=1e-3)


def test_frames_without_times_follow_at_the_rate(tmp_path):
    write_timed_video(tmp_path / "out.mp4", grey([math.nan] * 4), 30)
    assert times_of(tmp_path / "out.mp4") == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30], abs=1e-3)


def test_an_odd_side_grows_by_one(tmp_path):
    write_timed_video(tmp_path / "out.mp4", grey([0, 0.04], (31, 47)), 25)
    assert (probe(tmp_path / "out.mp4").width, probe(tmp_path / "out.mp4").height) == (48, 32)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ([], "needs at least one frame"),
        ([*grey([0]), *grey([1], (64, 64))], "frame 1 has another size"),
    ],
)
def test_what_cannot_be_finished_is_an_error_and_leaves_no_file(tmp_path, frames, text):
    with pytest.raises(MediaError, match=text):
        write_timed_video(tmp_path / "out.mp4", frames, 25)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="cannot be written"):
        write_timed_video(tmp_path / "none" / "out.mp4", grey([0]), 25)


def test_an_error_of_the_frames_source_passes_and_leaves_no_file(tmp_path):
    def broken():
        yield from grey([0])
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_timed_video(tmp_path / "out.mp4", broken(), 25)
    assert not list(tmp_path.iterdir())
