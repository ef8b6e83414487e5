"""An array in a report: a picture that a browser shows, or a few numbers."""

import base64
import zlib

import numpy as np
import pytest

from mlops.report.page.array_picture import ArrayPicture, array_picture, png
from model_store.schema.arrays.array_values import write_array
from model_store.schema.arrays.pictures import as_picture
from model_store.schema.signature import Column, Kind


def column(shape: tuple[int, ...], dtype: str = "uint8", name: str = "x") -> Column:
    """Return a column of arrays from 0 to 255."""
    return Column(name=name, kind=Kind.ARRAY, dtype=dtype, shape=shape, minimum=0.0, maximum=255.0)


def pixels(content: bytes) -> np.ndarray:
    """Return the bytes of a PNG's lines, `(height, 1 + width)`, each after its filter's number."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
    start = content.index(b"IDAT") + 4
    length = int.from_bytes(content[start - 8 : start - 4])
    lines = zlib.decompress(content[start : start + length])
    return np.frombuffer(lines, np.uint8).reshape(height, len(lines) // height)[:, : width * 3 + 1]


def test_a_png_holds_the_pixels() -> None:
    """Line by line, gray or in colour."""
    gray = np.arange(20, dtype=np.uint8).reshape(4, 5)
    assert np.array_equal(pixels(png(gray))[:, 1:], gray)
    colour = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert np.array_equal(pixels(png(colour))[:, 1:], colour.reshape(4, 15))


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((28, 28), (28, 28)),
        ((28, 28, 1), (28, 28)),
        ((1, 28, 28), (28, 28)),
        ((3, 28, 30), (28, 30, 3)),
        ((28, 30, 3), (28, 30, 3)),
        ((3, 3), None),
        ((28,), None),
        ((2, 28, 28), None),
        ((28, 28, 4), None),
        ((1, 1, 28, 28), None),
        ((5000, 8), None),
    ],
)
def test_a_shape_is_a_pictures_or_it_is_not(
    shape: tuple[int, ...], shown: tuple[int, ...] | None
) -> None:
    """One channel or three, first or last."""
    found = as_picture(np.zeros(shape))
    assert (None if found is None else found.shape) == shown


def test_a_picture_is_scaled_by_the_range_of_training() -> None:
    """So that a dark one is dark, and one beyond the range is white."""
    array = np.array([[0, 51], [255, 300]]).repeat(2, 0).repeat(2, 1)
    found = array_picture(write_array(array), column((4, 4), "int64"))
    assert isinstance(found, ArrayPicture)
    assert found.alternative == "x, 4 x 4"
    corners = pixels(base64.b64decode(found.png))[::2, 1:][:, ::2]
    assert corners.tolist() == [[0, 51], [255, 255]]


def test_a_large_picture_is_shown_small() -> None:
    """A page of rows must not be one of megabytes."""
    found = array_picture(write_array(np.zeros((1000, 600), np.uint8)), column((1000, 600)))
    assert isinstance(found, ArrayPicture)
    assert len(found.png) < 1000


def test_an_embedding_is_a_few_numbers() -> None:
    """And what is none of the column's arrays is not shown at all."""
    embedding = column((3,), "float32")
    text = write_array(np.array([0.5, -1.5, 4], np.float32))
    assert array_picture(text, embedding) == "3 numbers from -1.5 to 4, mean 1"
    for odd in ("<script>", 5, None, "AAAA"):
        assert array_picture(odd, embedding) == "no array of this shape"
