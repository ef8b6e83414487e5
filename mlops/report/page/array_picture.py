"""An array on the page: a picture where its shape is one, and a few numbers where it is not."""

import base64
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np

from api.pages.wording import number
from model_store.schema.arrays.array_values import read_array
from model_store.schema.arrays.pictures import as_picture, in_grays
from model_store.schema.signature import Column

_MOST_PIXELS = 128
"""Along a side; of larger pictures every second, third or further pixel is shown."""


class ArrayPicture(NamedTuple):
    """An array that is a picture, as `version.html` shows it."""

    alternative: str
    png: str
    """Base64 of the file."""


def array_picture(value: Any, column: Column) -> "str | ArrayPicture":
    """Return a logged array as the page shows it: a picture, or a few numbers."""
    try:
        array = read_array(value, column)
    except (TypeError, ValueError):
        return "no array of this shape"
    shown = " x ".join(map(str, column.shape))
    picture = as_picture(array)
    if picture is None:
        ends = f"from {number(float(array.min()))} to {number(float(array.max()))}"
        return f"{shown} numbers {ends}, mean {number(float(array.mean()))}"
    least = float(array.min()) if column.minimum is None else float(column.minimum)
    greatest = float(array.max()) if column.maximum is None else float(column.maximum)
    step = -(-max(picture.shape[:2]) // _MOST_PIXELS)
    content = base64.b64encode(png(in_grays(picture[::step, ::step], least, greatest))).decode()
    return ArrayPicture(f"{column.name}, {shown}", content)


def png(pixels: np.ndarray) -> bytes:
    """Return a PNG of pixels, uint8: `(height, width)`, or `(height, width, 3)` of red to blue."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    # Each row says first how it is packed: 0, as it is.
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    colour = 2 if pixels.ndim == 3 else 0  # noqa: PLR2004 - axes
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
