"""What a refused array should have been: the decoder and the explainer reach one verdict."""

import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.array_fields import array_note
from api.http.body_errors import Explainer, row_model
from model_store.schema.arrays.array_values import write_array
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from model_store.schema.signature import Column, Kind, Signature

COLUMNS = (
    Column(name="bytes", kind=Kind.ARRAY, dtype="uint8", shape=(2, 2)),
    Column(name="flags", kind=Kind.ARRAY, dtype="bool", shape=(2,)),
    Column(name="long", kind=Kind.ARRAY, dtype="int64", shape=(1,)),
    Column(name="single", kind=Kind.ARRAY, dtype="float32", shape=(2,), nullable=True),
    Column(name="double", kind=Kind.ARRAY, dtype="float64", shape=(1, 1)),
)
SIGNATURE = Signature(inputs=COLUMNS, outputs=(Column(name="y", kind=Kind.NUMBER),))
ROW: dict[str, Any] = {
    "bytes": [[0, 1], [2, 255]],
    "flags": [True, False],
    "long": [2**53],
    "single": None,
    "double": [[0.5]],
}
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 255, 256, 0.0, 1.0, 0.5, -0.0, 3e38, 4e38, 1e308, 2**53, 2**53 + 1, 2**70, 2**63]
)
LEAVES = NUMBERS | st.booleans() | st.none() | st.sampled_from(["", "a", "AAE=", "AAEC/w=="])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=6) | st.one_of(
    [
        st.binary(max_size=9).map(lambda raw: write_array(np.frombuffer(raw, "uint8"))),
        st.lists(st.floats(width=32), min_size=2, max_size=2).map(
            lambda numbers: write_array(np.array(numbers, "<f4"))
        ),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=1).map(
            lambda numbers: write_array(np.array(numbers, "<i8"))
        ),
    ]
)


@pytest.mark.slow  # draws a hundred bodies
@given(st.sampled_from([column.name for column in COLUMNS]), VALUES)
def test_both_reach_one_verdict(name: str, value: Any) -> None:
    """And whoever explains finds a field to point to, with a sentence that holds no value."""
    body = json.dumps(ROW | {name: value}).encode()
    explained = Explainer(SIGNATURE, max_string=10).explain(body, 10)
    try:
        RowDecoder(SIGNATURE, max_string=10).decode(body)
    except InvalidRowsError:
        (error,) = explained.errors
        assert error.pointer == f"/{name}"
    else:
        assert not explained.errors


@pytest.mark.parametrize(
    ("column", "note"),
    [
        (COLUMNS[0], "a list of 2 lists of 2 whole numbers from 0 to 255, or the base64 of"),
        (COLUMNS[1], "a list of 2 of true and false, or the base64 of their bytes (bool,"),
        (COLUMNS[2], "a list of 1 whole numbers from -9007199254740992 to 9007199254740992"),
        (COLUMNS[3], "a list of 2 numbers, or the base64 of their bytes (float32, little-endian"),
    ],
)
def test_the_sentence_says_what_to_send(column: Column, note: str) -> None:
    """The shape, the type, and how long base64 is."""
    assert array_note(column).startswith(note)


def test_a_refused_array_has_a_code_of_its_own() -> None:
    """And where one may be missing, the sentence says so."""
    body = json.dumps(ROW | {"single": [1], "bytes": None}).encode()
    first, second = Explainer(SIGNATURE, max_string=10).explain(body, 10).errors
    assert (first.code, second.code) == ("not-an-array", "not-an-array")
    assert first.detail.startswith("Training saw no missing value here: send a list of 2 lists")
    assert second.detail.endswith("or null where it is missing.")


def test_the_schema_takes_what_the_service_takes() -> None:
    """Lists of the shape and base64 of the length; no other."""
    schema = row_model(SIGNATURE, max_string=10).model_json_schema()
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid(ROW)
    assert check.is_valid(ROW | {"bytes": "AAEC/w=="})
    for wrong in ([[0, 1]], [[0, 1], [2, 256]], "AAE=", [0, 1, 2, 3], None):
        assert not check.is_valid(ROW | {"bytes": wrong})
