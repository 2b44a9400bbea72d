from __future__ import annotations

import numpy as np
import pytest

from harness.annotate.video import write_annotated
from harness.errors import MediaError
from harness.media import iter_frames
from harness.media.timed import write_timed_video

UNEVEN = [0.0, 0.04, 0.2, 0.21, 0.5, 1.0]


@pytest.fixture
def clip(tmp_path):
    """A video of six frames of 640 x 360 at uneven times."""
    frames = [(time, np.full((360, 640, 3), 60 + 20 * number, np.uint8)) for number, time in enumerate(UNEVEN)]
    write_timed_video(tmp_path / "clip.mp4", frames, 25)
    return tmp_path / "clip.mp4"


def test_the_copy_has_the_frames_the_times_and_the_size_of_the_video(clip, results, names, tmp_path):
    told = []
    count = write_annotated(tmp_path / "out.mp4", clip, results(6), names, lambda *one: told.append(one))
    frames = list(iter_frames(tmp_path / "out.mp4"))
    assert count == len(frames) == 6
    assert [frame.time for frame in frames] == pytest.approx(UNEVEN, abs=1e-3)
    assert frames[0].pixels.shape == (360, 640, 3)
    assert told[-1] == ("drawing", 6, 6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


def test_a_small_video_is_enlarged_with_its_boxes(tmp_path, results, names):
    frames = [(number / 25, np.full((90, 160, 3), 120, np.uint8)) for number in range(3)]
    write_timed_video(tmp_path / "small.mp4", frames, 25)
    boxes = np.tile(np.array([75, 25, 105, 65], np.float32), (3, 1))
    write_annotated(tmp_path / "out.mp4", tmp_path / "small.mp4", results(boxes=boxes), names)
    (first, *_) = iter_frames(tmp_path / "out.mp4")
    assert first.pixels.shape == (360, 640, 3)
    assert np.abs(first.pixels[110:250, 310:410].astype(int) - 120).max() < 12  # within the box, four times as large
    assert np.abs(first.pixels[100, 320:410].astype(int) - 120).max() > 60


def test_a_video_with_more_frames_than_results_is_written_whole(clip, results, names, tmp_path):
    assert write_annotated(tmp_path / "out.mp4", clip, results(2), names) == 6


def test_what_is_no_video_is_an_error_and_leaves_no_file(tmp_path, results, names):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError, match="not a video"):
        write_annotated(tmp_path / "out.mp4", tmp_path / "text.mp4", results(), names)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]
