import numpy as np
import pytest

from harness.evaluation.flicker import flicker


def test_changes_count_within_a_clip_and_between_answered_frames():
    clips = np.array(["a"] * 5 + ["b"] * 2)
    times = np.array([0, 0.1, 0.2, 0.3, 0.4, 0, 0.1])
    found = flicker(clips, times, np.array([0, 1, 1, -1, 0, 2, 0]))
    assert (found.changes, found.pairs) == (2, 3)
    assert found.seconds == pytest.approx(0.3)
    assert found.per_second == pytest.approx(2 / 0.3)
    assert found.share == pytest.approx(2 / 3)


def test_without_times_only_the_share_is_known():
    found = flicker(np.array(["a", "a"]), np.full(2, np.nan), np.array([0, 1]))
    assert found.per_second is None
    assert found.share == 1


@pytest.mark.parametrize("frames", [0, 1])
def test_a_single_frame_cannot_flicker(frames):
    found = flicker(np.array(["a"] * frames), np.zeros(frames), np.zeros(frames, int))
    assert found.per_second is None
    assert found.share is None
