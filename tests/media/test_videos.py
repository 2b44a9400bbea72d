"""Video files: what is read, with which times, and what is said about damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import MediaError
from harness.media import iter_frames, probe, read_frames, write_video


def red_corner(picture: np.ndarray) -> tuple[str, str]:
    """Where the red quarter of the test picture lies."""
    red = picture[..., 0].astype(int) - picture[..., 1] > 80
    rows, columns = np.nonzero(red)
    vertical = "top" if rows.mean() < picture.shape[0] / 2 else "bottom"
    return vertical, "left" if columns.mean() < picture.shape[1] / 2 else "right"


def test_frames_come_in_batches_with_their_numbers_and_times(make_video) -> None:
    batches = list(read_frames(make_video(count=20, rate=25), batch=8))
    assert [len(one) for one in batches] == [8, 8, 4]
    assert batches[0].frames.shape == (8, 48, 64, 3)
    assert batches[0].frames.dtype == np.uint8
    np.testing.assert_array_equal(np.concatenate([one.indices for one in batches]), np.arange(20))
    np.testing.assert_allclose(np.concatenate([one.times for one in batches]), np.arange(20) / 25, atol=1e-3)


def test_pixels_are_red_green_blue_in_the_order_of_the_frames(make_video, make_pictures) -> None:
    frames = np.concatenate([one.frames for one in read_frames(make_video(count=10))])
    assert np.abs(frames.astype(int) - make_pictures(10)).mean() < 4
    assert red_corner(frames[0]) == ("top", "left")


def test_start_and_stop_choose_frames_by_number(make_video) -> None:
    path = make_video(count=12)
    assert [frame.index for frame in iter_frames(path, start=3, stop=7)] == [3, 4, 5, 6]
    assert [frame.index for frame in iter_frames(path, start=10)] == [10, 11]


def test_probe_states_size_rate_and_number_of_frames(make_video) -> None:
    info = probe(make_video(count=20, rate=25))
    assert (info.frames, info.frames_per_second, info.width, info.height) == (20, 25, 64, 48)
    assert info.duration == pytest.approx(0.8, abs=0.05)


def test_probe_estimates_the_frames_of_a_container_that_does_not_count(make_video) -> None:
    assert probe(make_video("clip.mkv", count=20, rate=25)).frames == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("clockwise", "corner", "size"),
    [
        (90, ("top", "right"), (48, 64)),
        (180, ("bottom", "right"), (64, 48)),
        (270, ("bottom", "left"), (48, 64)),
    ],
)
def test_rotation_metadata_is_applied(make_video, turn, clockwise: int, corner: tuple[str, str], size) -> None:
    path = make_video()
    turn(path, clockwise)
    frame = next(iter_frames(path))
    assert (frame.pixels.shape[1], frame.pixels.shape[0]) == size
    assert red_corner(frame.pixels) == corner
    assert frame.pixels.flags.c_contiguous
    info = probe(path)
    assert (info.width, info.height) == size


def test_variable_frame_rate_keeps_the_true_times(make_variable_video) -> None:
    stamps = [0, 40, 200, 210, 900, 1500]
    times = [frame.time for frame in iter_frames(make_variable_video(stamps))]
    np.testing.assert_allclose(times, np.array(stamps) / 1000, atol=2e-3)


def test_times_count_from_the_first_frame(make_variable_video) -> None:
    times = [frame.time for frame in iter_frames(make_variable_video([500, 540, 580]))]
    np.testing.assert_allclose(times, [0, 0.04, 0.08], atol=2e-3)


def test_odd_sizes_are_written_with_a_repeated_edge_and_read_whole(make_video) -> None:
    frame = next(iter_frames(make_video(height=47, width=63)))
    assert frame.pixels.shape == (48, 64, 3)


def test_a_video_cut_short_gives_its_readable_part_and_says_so(make_video) -> None:
    path = make_video("clip.mkv", count=60)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.6)])
    problems: list[str] = []
    frames = [frame.index for frame in iter_frames(path, problems=problems.append)]
    assert frames == list(range(len(frames)))
    assert 5 < len(frames) < 60
    assert problems == [
        f"after frame {len(frames) - 1}: {len(frames)} frames could be read, its header promises 2.40 s; "
        "the readable part is used"
    ]


def test_whole_videos_and_parts_asked_for_give_no_problem(make_video, make_variable_video) -> None:
    problems: list[str] = []
    paths = [make_video(f"clip.{suffix}", count=30, rate=24000 / 1001) for suffix in ("mkv", "mp4", "avi", "ts")]
    for path in [*paths, make_variable_video([0, 40, 700, 1500])]:
        list(iter_frames(path, problems=problems.append))
        list(iter_frames(path, stop=2, problems=problems.append))
    assert problems == []


def test_an_mp4_that_was_cut_off_before_its_index_says_so(make_video) -> None:
    path = make_video()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(MediaError, match="without its index; it was probably cut off"):
        probe(path)


def noise(count: int, seed: int = 0) -> np.ndarray:
    """Frames that do not compress, so that damage hits picture data rather than headers."""
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 96, 3)).astype(np.uint8)


def test_a_broken_tail_is_reported_with_the_frame_before_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, noise(30), 25)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat")
    end = content.index(b"moov")
    tail = start + int((end - start) * 0.8)
    content[tail:end] = np.random.default_rng(1).integers(0, 256, end - tail).astype(np.uint8).tobytes()
    path.write_bytes(content)
    problems: list[str] = []
    frames = [frame.index for frame in iter_frames(path, problems=problems.append)]
    assert 15 < len(frames) <= 30
    assert len(problems) == 1
    assert problems[0].startswith("after frame ")
    assert problems[0].endswith("; the readable part is used")
    assert int(problems[0].split(":")[0].rsplit(" ", 1)[1]) > 15


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_never_end_in_anything_but_frames_or_a_media_error(
    tmp_path: Path, suffix: str, seed: int
) -> None:
    path = tmp_path / f"clip.{suffix}"
    write_video(path, noise(8, seed), 25)
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(content), 40):
        content[place] ^= int(random.integers(1, 256))
    path.write_bytes(content[: int(len(content) * random.uniform(0.3, 1))])
    error = ""
    frames = 0
    try:
        frames = len(list(iter_frames(path)))
    except MediaError as raised:
        error = str(raised)
    assert frames or str(path) in error
    assert "\n" not in error


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere\.mp4: no such file or folder"):
        list(iter_frames(tmp_path / "nowhere.mp4"))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(MediaError, match=r"clip\.mp4: the file is empty"):
        probe(tmp_path / "clip.mp4")


@pytest.mark.parametrize("name", ["clip.mp4", "clip.txt", "clip"])
def test_a_text_file_is_no_video(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("these are words, not frames\n" * 50)
    with pytest.raises(MediaError, match="not a video or image that can be read"):
        list(iter_frames(tmp_path / name))


def test_a_file_with_sound_alone_is_no_video(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "clip.mp4"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(MediaError, match="it has no video stream"):
        probe(tmp_path / "clip.mp4")


def test_a_video_of_0_frames(tmp_path: Path) -> None:
    import av

    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.start_encoding()
    for read in (probe, lambda path: list(iter_frames(path))):
        with pytest.raises(MediaError, match=r"clip\.avi: a video of 0 frames"):
            read(path)
