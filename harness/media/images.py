"""Single images: any mode and depth to RGB uint8, upright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import MediaError

if TYPE_CHECKING:
    from PIL import Image

_EXIF_ORIENTATION = 0x0112


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image (H, W, 3) RGB: EXIF orientation applied, grey spread, 16 bit reduced, alpha laid over white.

    A damaged file raises MediaError: half an image is not an image.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        return np.ascontiguousarray(_rgb(upright))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height as shown (orientation applied), from the header alone."""
    with _opened(path) as image:
        width, height = image.size
        sideways = image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
        return (height, width) if sideways else (width, height)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise MediaError(f"{path}: no such file or folder") from None
    except UnidentifiedImageError:
        raise MediaError(f"{path}: not a video or image that can be read") from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        # Pillow's readers raise SyntaxError for broken PNG chunks.
        raise MediaError(f"{path}: damaged image ({_one_line(error)})") from None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _over_white(image)
    return np.asarray(image.convert("RGB"))


def _over_white(image: Image.Image) -> NDArray[np.uint8]:
    from PIL import Image

    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return np.asarray(Image.alpha_composite(white, layer).convert("RGB"))


def _deep_grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """16-bit grey to 8 bit by its high byte; floating point is taken as [0, 1] where it fits in there, else 0..255."""
    if values.dtype.kind == "f":
        finite = np.nan_to_num(values.astype(np.float64))
        scale = 255.0 if finite.size and finite.max() <= 1.0 else 1.0
        grey = np.clip(np.rint(finite * scale), 0, 255)
    else:
        grey = np.clip(values.astype(np.int64), 0, 65535) >> 8
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
