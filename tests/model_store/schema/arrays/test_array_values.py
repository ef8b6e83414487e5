"""Arrays in a request: nested lists and base64 mean the same, and nothing else is one."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from model_store.schema.arrays.array_values import read_array, write_array
from model_store.schema.columns import to_rows
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from model_store.schema.signature import ARRAY_DTYPES, Column, Kind, Signature

OUTPUT = (Column(name="y", kind=Kind.NUMBER),)
PICTURE = Column(name="picture", kind=Kind.ARRAY, dtype="uint8", shape=(2, 3))
VECTOR = Column(name="vector", kind=Kind.ARRAY, dtype="float32", shape=(3,))
PLAIN = {"picture": [[0, 1, 2], [3, 4, 255]], "vector": [0.5, -1, 1e30]}


def decoder(*columns: Column, ignored: tuple[str, ...] = ()) -> RowDecoder:
    """Return the decoder of bodies with these columns."""
    return RowDecoder(
        Signature(inputs=columns or (PICTURE, VECTOR), outputs=OUTPUT, ignored=ignored)
    )


def body(**changed: Any) -> bytes:
    """Return a row, with some values in place of its own."""
    return json.dumps(PLAIN | changed).encode()


@pytest.mark.parametrize("dtype", ARRAY_DTYPES)
@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (1, 2, 2)])
def test_lists_and_base64_are_one_array(dtype: str, shape: tuple[int, ...]) -> None:
    """For every type and shape, of one row and of many, and the log keeps base64 of both."""
    column = Column(name="x", kind=Kind.ARRAY, dtype=dtype, shape=shape)
    array = (np.arange(np.prod(shape)) % 2).reshape(shape).astype(dtype)
    text = base64.b64encode(array.tobytes()).decode()
    for rows in (1, 20):
        for value in (array.tolist(), text):
            sent = json.dumps([{"x": value}] * rows).encode()
            read = decoder(column).decode(sent)
            found = decoder(column).columns([read])["x"]
            assert found.dtype == dtype
            assert np.array_equal(found, np.stack([array] * rows))
            kept = json.loads(read.rewritten or sent)
            assert kept == [{"x": text}] * rows


def test_a_whole_float_is_an_integer_of_an_array() -> None:
    """As it is of a column of integers: pandas writes it so."""
    found = decoder().columns([decoder().decode(body(picture=[[0.0, 1, 2], [3, 4.0, 5]]))])
    assert found["picture"].tolist() == [[[0, 1, 2], [3, 4, 5]]]


@pytest.mark.parametrize(
    "changed",
    [
        {"picture": None},
        {"picture": 5},
        {"picture": []},
        {"picture": [0, 1, 2, 3, 4, 5]},
        {"picture": [[0, 1], [2, 3], [4, 5]]},
        {"picture": [[[0, 1, 2], [3, 4, 5]]]},
        {"picture": [[0, 1, 2], [3, 4, 256]]},
        {"picture": [[0, 1, 2], [3, 4, -1]]},
        {"picture": [[0, 1, 2], [3, 4, 0.5]]},
        {"picture": [[0, 1, 2], [3, 4, True]]},
        {"picture": [[0, 1, 2], [3, 4, "5"]]},
        {"picture": [[0, 1, 2], [3, 4, None]]},
        {"picture": ""},
        {"picture": "AAECAw=="},
        {"picture": "AAECAwQFBg=="},
        {"picture": "AAECAwQ\u00ff"},
        {"picture": "AAEC\nAwQF"},
        {"picture": "AAEC AwQ"},
        {"picture": {"data": "AAECAwQF"}},
        {"vector": [1e39, 0, 0]},
        {"vector": base64.b64encode(np.array([0, 1, np.nan], "<f4").tobytes()).decode()},
        {"vector": base64.b64encode(np.array([0, 1, np.inf], "<f4").tobytes()).decode()},
        {"vector": base64.b64encode(np.array([0, 1, 2], "<f8").tobytes()).decode()},
    ],
)
def test_what_is_no_such_array_is_refused(changed: dict[str, Any]) -> None:
    """Another shape, another type, a number beyond it, or text that is not base64 of its bytes."""
    with pytest.raises(InvalidRowsError):
        decoder().decode(body(**changed))


@pytest.mark.parametrize("text", ["[1e400, 0, 0]", "[NaN, 0, 0]", "[Infinity, 0, 0]"])
def test_what_json_has_not_is_in_no_array(text: str) -> None:
    """As in no column of numbers."""
    with pytest.raises(InvalidRowsError):
        decoder(VECTOR).decode(b'{"vector": ' + text.encode() + b"}")


def test_a_flag_is_true_or_false() -> None:
    """Neither 0 nor 1, and in base64 no byte but these."""
    flags = Column(name="flags", kind=Kind.ARRAY, dtype="bool", shape=(3,))
    assert read_array("AAEB", flags).tolist() == [False, True, True]
    for value in ([0, 1, 1], "AAEC"):
        with pytest.raises(InvalidRowsError):
            decoder(flags).decode(json.dumps({"flags": value}).encode())


def test_integers_beyond_what_a_float_counts_are_refused() -> None:
    """In lists and in base64 alike."""
    column = Column(name="x", kind=Kind.ARRAY, dtype="int64", shape=(1,))
    for number in (2**53 + 1, -(2**53) - 1):
        for value in ([number], write_array(np.array([number]))):
            with pytest.raises(InvalidRowsError):
                decoder(column).decode(json.dumps({"x": value}).encode())


def test_a_missing_array_is_nan_throughout_and_null_again() -> None:
    """Where training saw one missing; a few rows and many say the same."""
    column = Column(name="x", kind=Kind.ARRAY, dtype="uint8", shape=(2,), nullable=True)
    rows = [{"x": [1, 2]}, {"x": None}] * 10
    for sent in (rows[:2], rows):
        found = decoder(column).columns([decoder(column).decode(json.dumps(sent).encode())])
        assert found["x"].dtype == np.float64
        assert np.isnan(found["x"][1::2]).all()
        assert to_rows(found, (column,)) == [{"x": "AQI="}, {"x": None}] * (len(sent) // 2)


def test_a_key_twice_is_found_beside_arrays() -> None:
    """Its colon is one too many."""
    twice = b'{"vector": [1, 2, 3], "vector": [1, 2, 3]}'
    with pytest.raises(InvalidRowsError):
        decoder(VECTOR).decode(twice)


def test_an_ignored_column_is_a_single_value_beside_arrays() -> None:
    """A list in it is refused, as it is where no column holds arrays."""
    reader = decoder(ignored=("y",))
    assert reader.decode(body(y=7)).size == 1
    for value in ([7], [], {"a": 1}):
        with pytest.raises(InvalidRowsError):
            reader.decode(body(y=value))


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "complex64"},
        {"dtype": ""},
        {"shape": ()},
        {"shape": (0, 2)},
        {"shape": (-1,)},
        {"shape": (1001, 1000)},
        {"shape": (1,) * 9},
        {"kind": Kind.NUMBER},
    ],
)
def test_a_signature_has_no_other_arrays(wrong: dict[str, Any]) -> None:
    """A manifest may come from anywhere."""
    with pytest.raises(ValueError, match="array"):
        Column(**{"name": "x", "kind": Kind.ARRAY, "dtype": "uint8", "shape": (2,)} | wrong)
