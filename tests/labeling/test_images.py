import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from harness.errors import DataError
from harness.labeling.images import LONGEST, prepare, size_after, size_of
from harness.vlm import ImageOptions, media_type

AS_STORED = ImageOptions()
GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: "2026:11:22"}
forms = st.sampled_from(["JPEG", "PNG"])
sides = st.integers(1, 90)


def noise(width, height, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(image, form="JPEG", **how):
    target = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(target, form, **how)
    return target.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixels(data):
    return np.asarray(opened(data))


def exif(orientation=None):
    """A real Exif block as Pillow writes it: camera, time, place, and an orientation if wanted."""
    block = Image.Exif()
    block[0x010F], block[0x0132] = "Kamera-Werke", "2026:11:22 16:00:00"
    block.get_ifd(0x8825).update(GPS)
    if orientation:
        block[0x0112] = orientation
    return block


# --- metadata -----------------------------------------------------------------------------------------------------


@given(forms, sides, sides, st.booleans())
def test_a_file_without_metadata_goes_out_as_it_is(form, width, height, grey):
    stored = encoded(noise(width, height, 1 if grey else 3), form)
    assert prepare(stored, AS_STORED) == stored


@pytest.mark.parametrize("form", [".jpg", ".png"])
def test_what_the_faces_stage_writes_goes_out_as_it_is(form):
    stored = cv2.imencode(form, noise(112, 112))[1].tobytes()
    assert prepare(stored, AS_STORED) is stored


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_place_goes_and_the_pixels_stay(form):
    stored = encoded(noise(64, 48), form, exif=exif())
    assert dict(opened(stored).getexif().get_ifd(0x8825))
    assert b"Kamera-Werke" in stored
    sent = prepare(stored, AS_STORED)
    assert not opened(sent).getexif()
    assert b"Kamera-Werke" not in sent
    assert b"2026:11:22" not in sent
    assert (pixels(sent) == pixels(stored)).all()
    assert sent == prepare(sent, AS_STORED)


@pytest.mark.parametrize("progressive", [False, True])
def test_comments_profiles_and_xmp_of_a_jpeg_go(progressive):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    how = {"comment": b"my comment", "xmp": b"<x:my-xmp/>", "icc_profile": profile, "exif": exif()}
    stored = encoded(noise(64, 48), quality=90, progressive=progressive, dpi=(300, 300), **how)
    sent = prepare(stored, AS_STORED)
    for piece in (b"my comment", b"my-xmp", b"ICC_PROFILE", b"Exif", b"Kamera"):
        assert piece in stored
        assert piece not in sent
    assert sent == encoded(noise(64, 48), quality=90, progressive=progressive, dpi=(300, 300))


def test_iptc_and_other_segments_go_and_adobes_stays_since_the_colours_need_it():
    stored = encoded(Image.fromarray(noise(32, 32, 4), "CMYK"))
    assert b"Adobe\0" in stored
    iptc = b"\xff\xed\x00\x12Photoshop 3.0\0by"
    sent = prepare(stored[:2] + iptc + stored[2:], AS_STORED)
    assert sent == stored
    assert (pixels(sent) == pixels(stored)).all()


def test_thumbnails_go_since_they_may_show_the_whole_picture():
    stored = encoded(noise(32, 32))
    assert stored[2:4] == b"\xff\xe0"
    header = stored[4:20]
    thumbnail = bytes(range(27))
    inside = b"\xff\xe0" + (16 + 27).to_bytes(2, "big") + header[2:14] + b"\3\3" + thumbnail
    beside = b"\xff\xe0\x00\x23JFXX\0\x13\1\1" + thumbnail[:25]
    assert thumbnail[:20] in inside
    assert prepare(stored[:2] + inside + beside + stored[20:], AS_STORED) == stored


def test_text_time_profile_and_unknown_chunks_of_a_png_go():
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "me")
    said.add_text("Long", "me " * 900, zip=True)
    said.add_itxt("Title", "ich")
    said.add(b"tIME", b"\x07\xea\x0b\x16\x10\x00\x00")
    said.add(b"meEp", b"whatever")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stored = encoded(noise(64, 48), "PNG", pnginfo=said, icc_profile=profile, exif=exif())
    sent = prepare(stored, AS_STORED)
    for name in (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"meEp", b"iCCP", b"eXIf"):
        assert name in stored
        assert name not in sent
    assert sent == encoded(noise(64, 48), "PNG")


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_what_stands_behind_the_end_of_the_image_goes(form):
    stored = encoded(noise(20, 20), form)
    assert prepare(stored + b"and a video" + stored, AS_STORED) == stored


def test_of_an_animation_the_first_image_stays():
    first, second = (Image.fromarray(noise(20, 20, seed=seed)) for seed in (0, 1))
    stored = encoded(first, "PNG", save_all=True, append_images=[second])
    sent = prepare(stored, AS_STORED)
    assert b"fdAT" in stored
    assert b"fdAT" not in sent
    assert b"acTL" not in sent
    assert (pixels(sent) == np.asarray(first)).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_keeps_its_pixels(mode):
    source = Image.fromarray(noise(30, 20, 4), "RGBA")
    image = Image.fromarray(noise(30, 20, 1).astype(np.uint16) * 257) if mode == "I;16" else source.convert(mode)
    stored = encoded(image, "PNG", exif=exif())
    sent = prepare(stored, AS_STORED)
    assert b"eXIf" not in sent
    assert opened(sent).mode == opened(stored).mode
    assert (np.asarray(opened(sent)) == np.asarray(opened(stored))).all()


# --- orientation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_lying_image_is_turned(form, orientation):
    stored = encoded(noise(24, 16), form, exif=exif(orientation))
    sent = prepare(stored, ImageOptions(format="png"))
    expected = ImageOps.exif_transpose(opened(stored)).convert("RGB")
    assert (pixels(sent) == np.asarray(expected)).all()
    assert not opened(sent).getexif()
    assert size_of(stored) == (24, 16)
    assert size_of(sent) == expected.size


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_turned_image_keeps_its_form(form):
    sent = prepare(encoded(noise(24, 16), form, exif=exif(6)), AS_STORED)
    assert opened(sent).format == form
    assert opened(sent).size == (16, 24)


def test_a_lying_image_is_measured_upright():
    sent = prepare(encoded(noise(40, 20), "PNG", exif=exif(8)), ImageOptions(max_side=20))
    assert opened(sent).size == (10, 20)


@given(st.binary(max_size=60))
def test_a_broken_exif_block_turns_nothing_or_turns_it_well(block):
    stored = encoded(noise(8, 4), "JPEG", quality=90)
    segment = b"Exif\0\0II*\0\x08\0\0\0" + block
    sent = prepare(stored[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + stored[2:], AS_STORED)
    assert opened(sent).size in ((8, 4), (4, 8))


# --- changes ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(0, 8000), st.integers(0, 8000))
def test_sides_are_within_what_is_asked_and_the_shape_is_kept(width, height, least, most):
    after = size_after((width, height), ImageOptions(min_side=least, max_side=most))
    assert min(after) >= 1
    if most:
        assert max(after) <= max(most, 1)
    if least and not most and max(after) < LONGEST:
        assert min(after) >= min(least, LONGEST)
    scale = max(after) / max(width, height)
    assert abs(min(after) - min(width, height) * scale) <= 1 + scale
    if (not least or min(width, height) >= least) and (not most or max(width, height) <= most):
        assert after == (width, height)


@given(forms, sides, sides, st.integers(0, 64), st.integers(0, 64))
def test_the_image_gets_the_size_that_was_foretold(form, width, height, least, most):
    options = ImageOptions(min_side=least, max_side=most)
    stored = encoded(noise(width, height), form)
    sent = prepare(stored, options)
    assert size_of(sent) == opened(sent).size == size_after(size_of(stored), options)
    assert (sent == stored) == (size_of(sent) == size_of(stored))


def test_a_narrow_image_is_not_enlarged_beyond_what_providers_take():
    assert size_after((10, 1000), ImageOptions(min_side=500)) == (80, LONGEST)
    assert size_after((10, 9000), ImageOptions(min_side=500)) == (10, 9000)


def test_small_faces_are_enlarged_by_lanczos_and_large_ones_shrunk_by_area():
    source = noise(40, 40)
    larger = pixels(prepare(encoded(source, "PNG"), ImageOptions(min_side=100)))
    assert (larger == np.asarray(Image.fromarray(source).resize((100, 100), Image.Resampling.LANCZOS))).all()
    smaller = pixels(prepare(encoded(source, "PNG"), ImageOptions(max_side=20)))
    means = source.reshape(20, 2, 20, 2, 3).mean((1, 3))
    assert np.abs(smaller - means).max() <= 1


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_colour_goes_where_it_shall(form):
    sent = opened(prepare(encoded(noise(30, 20), form), ImageOptions(grey=True)))
    assert (sent.mode, sent.format, sent.size) == ("L", form, (30, 20))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_an_image_that_is_grey_already_is_not_encoded_again(form):
    stored = encoded(noise(30, 20, 1), form)
    assert prepare(stored, ImageOptions(grey=True)) == stored


def test_only_an_image_that_was_changed_is_encoded_as_asked():
    stored = encoded(noise(30, 20), "PNG")
    assert prepare(stored, ImageOptions(format="jpeg", quality=50)) == stored
    changed = prepare(stored, ImageOptions(format="jpeg", quality=50, min_side=40))
    assert media_type(changed) == "image/jpeg"
    better = prepare(stored, ImageOptions(format="jpeg", quality=95, min_side=40))
    assert len(better) > 1.5 * len(changed)
    assert media_type(prepare(encoded(noise(30, 20)), ImageOptions(format="png", min_side=40))) == "image/png"


def test_a_changed_image_has_no_metadata_either_and_is_the_same_each_time():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for form in ("JPEG", "PNG"):
        stored = encoded(noise(30, 20), form, comment=b"my comment", icc_profile=profile, exif=exif(6))
        sent = prepare(stored, ImageOptions(min_side=40))
        assert sent == prepare(stored, ImageOptions(min_side=40)) == prepare(sent, AS_STORED)
        assert not any(piece in sent for piece in (b"my comment", b"ICC", b"iCCP", b"Exif", b"eXIf", b"Kamera"))


def test_a_transparent_image_is_laid_over_white():
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert (pixels(prepare(encoded(clear, "PNG"), ImageOptions(min_side=20))) == 255).all()


def test_of_sixteen_bits_the_high_byte_stays():
    deep = Image.fromarray(np.full((10, 10), 200 * 256 + 7, np.uint16))
    assert (pixels(prepare(encoded(deep, "PNG"), ImageOptions(min_side=20))) == 200).all()


# --- what cannot be sent ------------------------------------------------------------------------------------------


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


JPEG, PNG = encoded(noise(16, 16)), encoded(noise(16, 16), "PNG")
NO_SIZE = chunk(b"IHDR", b"\0\0\0\0\0\0\0\1\x08\2\0\0\0")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "must be JPEG or PNG; this one is empty"),
        (b"GIF89a" + bytes(20), "must be JPEG or PNG; this one begins with 47494638"),
        (JPEG[:-2], "is damaged: its JPEG file is cut off"),
        (JPEG[:100], "is damaged: its JPEG file is cut off"),
        (JPEG[:3], "is damaged: its JPEG file is cut off"),
        (JPEG[:20] + b"\0" + JPEG[20:], "is damaged: no JPEG segment where one is due, at byte 20"),
        (b"\xff\xd8\xff\xd9", "is damaged: it has no JPEG frame"),
        (PNG[:-1], "is damaged: its PNG file is cut off"),
        (PNG[:9], "is damaged: its PNG file is cut off"),
        (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], "is damaged: the checksum of its PNG chunk 'IDAT' is wrong"),
        (PNG[:33] + chunk(b"CgBI", b"") + PNG[33:], "is damaged: its PNG chunk 'CgBI' is not known"),
        (PNG[:8] + PNG[33:], "is damaged: it has no PNG header"),
        (PNG[:8] + NO_SIZE + PNG[33:], "is damaged: its PNG header says it has no pixels"),
    ],
)
def test_what_is_no_whole_image_is_not_sent(image, message):
    with pytest.raises(DataError, match=message):
        prepare(image, AS_STORED)


def test_a_jpeg_without_pixels_is_not_sent():
    start = JPEG.index(b"\xff\xc0")
    with pytest.raises(DataError, match="its JPEG header says it has no pixels"):
        size_of(JPEG[: start + 5] + b"\0\0" + JPEG[start + 7 :])


def test_an_image_that_cannot_be_decoded_is_named_where_it_has_to_be():
    no_data = PNG[:33] + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")
    no_mode = PNG[:8] + chunk(b"IHDR", b"\0\0\0\x10\0\0\0\x10\x08\x09\0\0\0") + PNG[33:]
    with pytest.raises(DataError, match=r"^an image to send is damaged: it cannot be decoded \(broken data stream"):
        prepare(no_data, ImageOptions(min_side=40))
    with pytest.raises(DataError, match="^an image to send is damaged: it cannot be decoded$"):
        prepare(no_mode, ImageOptions(min_side=40))


@pytest.mark.parametrize("ask", [lambda image: prepare(image, AS_STORED), size_of])
@given(st.binary(max_size=200), st.sampled_from([b"", JPEG[:2], JPEG[:20], PNG[:8], PNG[:33]]))
def test_whatever_comes_in_goes_out_or_is_a_data_error(ask, data, start):
    with contextlib.suppress(DataError):
        ask(start + data)


@given(forms, sides, sides, st.data())
def test_a_file_cut_anywhere_is_not_sent(form, width, height, data):
    stored = encoded(noise(width, height), form)
    cut = data.draw(st.integers(0, len(stored) - 1))
    with pytest.raises(DataError):
        prepare(stored[:cut], AS_STORED)


@given(forms, sides, sides)
def test_the_size_is_read_from_the_header(form, width, height):
    stored = encoded(noise(width, height), form)
    assert size_of(stored) == (width, height)
    with pytest.raises(DataError):
        size_of(stored[:10])
