"""The bytes of a face as they are sent: without metadata, and changed only where the options say so.

What is left of a stored file is what its pixels need. Exif (place, time, camera), XMP, IPTC, comments, thumbnails
(which may show the uncropped picture) and whatever follows the end of the image never leave. Colour profiles stay out
too: they name devices and dates, and all else in the harness reads the bare RGB numbers, so a labeler should as well.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness.labeling import jpeg, png
from harness.vlm import ImageOptions

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LONGEST = 8000  # pixels a side at most, when a very narrow image is enlarged; providers take no more

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


def prepare(image: bytes, options: ImageOptions) -> bytes:
    """The bytes to send for a stored JPEG or PNG.

    Without a change they are the stored bytes, less metadata; exactly them if there is none. An image is changed, and
    encoded again, if its Exif orientation turns it (else the labeler would see it lying), if a side is too short or
    too long, or if colour is to go. Enlarged by Lanczos, shrunk by area. The same input gives the same bytes, with one
    version of Pillow. DataError for what is neither JPEG nor PNG, or damaged.
    """
    is_jpeg = _is_jpeg(image)
    bare, orientation = jpeg.strip(image) if is_jpeg else png.strip(image)
    size = size_of(image)
    wanted = size_after(size[::-1] if orientation >= 5 else size, options)
    if orientation == 1 and wanted == size and not (options.grey and (jpeg if is_jpeg else png).has_colour(image)):
        return bare
    return _changed(bare, orientation, wanted, options, "JPEG" if is_jpeg else "PNG")


def size_of(image: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header alone, as stored (an Exif orientation is not applied); DataError
    for what is neither JPEG nor PNG, or damaged there."""
    return jpeg.size_of(image) if _is_jpeg(image) else png.size_of(image)


def size_after(size: tuple[int, int], options: ImageOptions) -> tuple[int, int]:
    """Width and height that `prepare` makes of an upright image of some width and height; max_side goes before
    min_side where they contradict each other."""
    short, long = min(size), max(size)
    scale = 1.0
    if options.min_side and short < options.min_side:
        scale = min(options.min_side / short, max(1.0, LONGEST / long))
    if options.max_side and long * scale > options.max_side:
        scale = options.max_side / long
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _is_jpeg(image: bytes) -> bool:
    if image.startswith(_JPEG):
        return True
    if image.startswith(_PNG):
        return False
    begins = f"begins with {image[:4].hex()}" if image else "is empty"
    raise DataError(f"an image to send must be JPEG or PNG; this one {begins}")


def _changed(bare: bytes, orientation: int, size: tuple[int, int], options: ImageOptions, stored: str) -> bytes:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(bare)) as opened:
            image = _plain(opened, grey=options.grey)
    except UnidentifiedImageError:  # its text is an address in memory
        raise DataError("an image to send is damaged: it cannot be decoded") from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        # Pillow's readers raise SyntaxError for broken chunks.
        reason = " ".join(str(error).split())
        raise DataError(f"an image to send is damaged: it cannot be decoded ({reason})") from error
    image = _upright(image, orientation)
    if image.size != size:
        larger = size[0] * size[1] > image.size[0] * image.size[1]
        image = image.resize(size, Image.Resampling.LANCZOS if larger else Image.Resampling.BOX)
    image.info = {}  # Pillow writes a comment or profile it finds there
    target = io.BytesIO()
    form = stored if options.format == "stored" else options.format.upper()
    if form == "JPEG":
        image.save(target, form, quality=options.quality, subsampling=0)  # 0: colour at full resolution
    else:
        image.save(target, form)
    return target.getvalue()


def _plain(image: Picture, *, grey: bool) -> Picture:
    """8-bit RGB, or grey if it is grey or shall be; alpha is laid over white."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits a pixel: the high byte
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("L" if grey or image.mode in ("1", "L") else "RGB")


def _upright(image: Picture, orientation: int) -> Picture:
    """The image turned and mirrored as its Exif orientation (1 to 8) says."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip
    return image.transpose(turns[orientation]) if orientation in turns else image
