"""Single images and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.errors import MediaError
from harness.media import iter_frames, probe, read_frames, read_image

QUARTER = np.zeros((20, 30, 3), np.uint8)
QUARTER[:10, :15] = (200, 30, 60)


def test_png_jpeg_and_webp_are_read_as_red_green_blue(tmp_path: Path) -> None:
    for suffix, options in ((".png", {}), (".jpg", {"quality": 95, "subsampling": 0}), (".webp", {"lossless": True})):
        path = tmp_path / f"face{suffix}"
        Image.fromarray(QUARTER).save(path, **options)
        pixels = read_image(path)
        assert pixels.shape == (20, 30, 3)
        assert np.abs(pixels.astype(int) - QUARTER).max() <= (40 if suffix == ".jpg" else 0)


def test_an_image_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    Image.fromarray(QUARTER).save(tmp_path / "face.png")
    (frame,) = iter_frames(tmp_path / "face.png")
    assert (frame.index, frame.time) == (0, 0.0)
    assert list(iter_frames(tmp_path / "face.png", start=1)) == []
    info = probe(tmp_path / "face.png")
    assert (info.frames, info.frames_per_second, info.width, info.height) == (1, None, 30, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_to_pixels_and_size(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUARTER).save(tmp_path / "face.png", exif=exif)
    upright = {
        1: QUARTER,
        2: QUARTER[:, ::-1],
        3: QUARTER[::-1, ::-1],
        4: QUARTER[::-1],
        5: QUARTER.transpose(1, 0, 2),
        6: np.rot90(QUARTER, -1),
        7: QUARTER.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(QUARTER, 1),
    }[orientation]
    pixels = read_image(tmp_path / "face.png")
    np.testing.assert_array_equal(pixels, upright)
    info = probe(tmp_path / "face.png")
    assert (info.height, info.width) == pixels.shape[:2]


def test_grey_palette_alpha_cmyk_and_16_bit_are_converted(tmp_path: Path) -> None:
    grey = np.arange(0, 250, 10, dtype=np.uint8).reshape(5, 5)
    wanted = np.repeat(grey[:, :, None], 3, axis=2)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey.astype(np.float32) / 255).save(tmp_path / "float.tif")
    for name in ("grey.png", "deep.png", "float.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name), wanted)
    Image.fromarray(QUARTER).quantize(4).save(tmp_path / "palette.png")
    np.testing.assert_allclose(read_image(tmp_path / "palette.png"), QUARTER, atol=3)
    Image.fromarray(QUARTER).convert("CMYK").save(tmp_path / "cmyk.tif")
    np.testing.assert_allclose(read_image(tmp_path / "cmyk.tif"), QUARTER, atol=3)


def test_transparent_parts_are_laid_over_white(tmp_path: Path) -> None:
    alpha = np.zeros((4, 4, 4), np.uint8)
    alpha[:2] = (10, 20, 30, 255)
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    pixels = read_image(tmp_path / "alpha.png")
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[3, 3].tolist() == [255, 255, 255]


def test_a_1x1_image_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    assert read_image(tmp_path / "dot.png").tolist() == [[[1, 2, 3]]]


def test_a_truncated_image_is_an_error_and_not_half_a_face(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    for name in ("face.png", "face.jpg", "face.webp"):
        path = tmp_path / name
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:-900])
        with pytest.raises(MediaError, match=r"face.*(damaged image|not a video or image)"):
            read_image(path)


def test_a_text_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_text("words")
    with pytest.raises(MediaError, match=r"face\.jpg: not a video or image that can be read"):
        read_image(tmp_path / "face.jpg")


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")


def save_grey(path: Path, value: int, size: tuple[int, int] = (8, 6)) -> None:
    Image.new("RGB", size, (value,) * 3).save(path)


def test_frames_of_a_folder_are_sorted_as_people_count(tmp_path: Path) -> None:
    for number in (10, 2, 1, 100):
        save_grey(tmp_path / f"frame{number}.png", number)
    (tmp_path / ".hidden.png").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    (batch,) = read_frames(tmp_path)
    assert batch.frames[:, 0, 0, 0].tolist() == [1, 2, 10, 100]
    assert np.isnan(batch.times).all()
    assert probe(tmp_path).frames == 4


def test_sizes_that_change_within_a_folder_are_batched_apart(tmp_path: Path) -> None:
    for number, size in enumerate([(8, 6), (8, 6), (10, 6), (8, 6)]):
        save_grey(tmp_path / f"{number}.png", number, size)
    batches = list(read_frames(tmp_path))
    assert [one.frames.shape[:3] for one in batches] == [(2, 6, 8), (1, 6, 10), (1, 6, 8)]
    assert np.concatenate([one.indices for one in batches]).tolist() == [0, 1, 2, 3]


def test_an_unreadable_frame_is_reported_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    for number in range(3):
        save_grey(tmp_path / f"{number}.png", number)
    (tmp_path / "1.png").write_text("words")
    problems: list[str] = []
    assert [frame.index for frame in iter_frames(tmp_path, problems=problems.append)] == [0, 2]
    assert problems == ["frame 1 (1.png) could not be decoded; the other frames are used"]


def test_a_folder_of_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_text("words")
    with pytest.raises(MediaError, match=r"none of the images can be read \(first: .*1\.png"):
        list(iter_frames(tmp_path))


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="the folder holds no images"):
        probe(tmp_path)


def test_large_frames_make_small_batches(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (8000, 2000)).save(tmp_path / f"{number}.bmp")
    assert [len(one) for one in read_frames(tmp_path, batch=16)] == [1, 1, 1]
