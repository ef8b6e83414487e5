"""Tables are made to fit a signature, and rows, columns and tables say the same."""

import json
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from model_store.errors import SignatureError
from model_store.names import has_control
from model_store.schema.columns import to_frame, to_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Column, Kind

SMALL = st.integers(0, 127)
WHOLE = st.integers(-(2**53), 2**53)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
NARROW = st.floats(width=32, allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAME = st.from_regex(r'[^"\\\x00-\x1f\ud800-\udfff]{1,8}', fullmatch=True).filter(
    lambda name: not has_control(name)
)
MOMENT = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - taken for UTC

# What a column may be made of, the dtype it is held in, and whether that dtype can miss values.
SUPPORTED: list[tuple[st.SearchStrategy[Any], str, bool]] = [
    *((SMALL, dtype, False) for dtype in ("int8", "int16", "int32", "uint8", "uint16", "uint32")),
    (WHOLE, "int64", False),
    (st.integers(0, 2**53), "uint64", False),
    *((SMALL, dtype, True) for dtype in ("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32")),
    (WHOLE, "Int64", True),
    (st.integers(0, 2**53), "UInt64", True),
    (WHOLE, "int64[pyarrow]", True),
    (st.floats(width=16, allow_nan=False, allow_infinity=False), "float16", True),
    *((NARROW, dtype, True) for dtype in ("float32", "Float32", "float[pyarrow]")),
    *((NUMBER, dtype, True) for dtype in ("float64", "Float64", "double[pyarrow]", "object")),
    (st.booleans(), "bool", False),
    *((st.booleans(), dtype, True) for dtype in ("boolean", "object", "bool[pyarrow]")),
    *((TEXT, dtype, True) for dtype in ("object", "str", "string", "string[python]", "category")),
    *((WHOLE, dtype, True) for dtype in ("object", "category")),
    *((MOMENT, f"datetime64[{unit}]", True) for unit in ("s", "ms", "us", "ns")),
    *((MOMENT, f"datetime64[{unit}, Europe/Berlin]", True) for unit in ("us", "ns")),
    *((MOMENT, dtype, True) for dtype in ("object", "timestamp[us][pyarrow]")),
]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a table of up to six rows and four columns of any supported dtype."""
    rows = draw(st.integers(1, 6))
    columns = {}
    for name in draw(st.lists(NAME, min_size=1, max_size=4, unique=True)):
        values, dtype, can_miss = draw(st.sampled_from(SUPPORTED))
        cells = draw(st.lists(values, min_size=rows, max_size=rows))
        if can_miss:
            missing = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
            cells = [None if lost else cell for cell, lost in zip(cells, missing, strict=True)]
        if all(cell is None or not str(cell).strip() for cell in cells):
            # A column of nothing but blank texts is empty.
            cells[0] = draw(values.filter(lambda cell: str(cell).strip()))
        columns[name] = pd.Series(cells, dtype=object).astype(dtype)
    return pd.DataFrame(columns)


@pytest.mark.slow  # makes hundreds of tables
@settings(max_examples=200)
@given(frames())
def test_a_request_gives_exactly_the_table_that_the_model_was_trained_on(
    frame: pd.DataFrame,
) -> None:
    """Values and dtypes, of every dtype; and conforming twice changes nothing more."""
    target = pd.DataFrame({"y": range(len(frame))})
    signature = infer_signature(frame, target)
    trained_on = conform(frame, signature.inputs)

    columns = {column.name: trained_on[column.name].to_numpy() for column in signature.inputs}
    body = json.dumps(to_rows(columns, signature.inputs)).encode()
    decoder = RowDecoder(signature)
    served = to_frame(decoder.columns([decoder.decode(body)]), signature.inputs)

    assert_frame_equal(served, trained_on, check_exact=True)
    assert [type(v) for v in served.to_numpy().flat] == [
        type(v) for v in trained_on.to_numpy().flat
    ]
    assert_frame_equal(conform(trained_on, signature.inputs), trained_on, check_exact=True)


@pytest.mark.parametrize(
    ("kind", "dtype", "nullable_dtype"),
    [
        (Kind.INTEGER, "int64", "float64"),
        (Kind.NUMBER, "float64", "float64"),
        (Kind.BOOLEAN, "bool", "float64"),
        (Kind.STRING, "object", "object"),
        (Kind.CATEGORY, "object", "object"),
        (Kind.DATETIME, "datetime64[us]", "datetime64[us]"),
    ],
)
def test_the_dtype_depends_on_the_kind_alone(kind: Kind, dtype: str, nullable_dtype: str) -> None:
    """The dtype of the original table does not matter."""
    held: dict[Kind, Any] = {
        Kind.STRING: "str",
        Kind.CATEGORY: "str",
        Kind.DATETIME: "datetime64[s]",
    }
    frame = pd.DataFrame({"x": pd.Series([1, 0]).astype(held.get(kind, "int64"))})
    assert conform(frame, [Column(name="x", kind=kind)])["x"].dtype == dtype
    assert conform(frame, [Column(name="x", kind=kind, nullable=True)])["x"].dtype == nullable_dtype


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.ARRAY])
def test_a_nullable_column_may_miss_every_value(kind: Kind) -> None:
    """A batch of requests may well be such a table."""
    column = Column(name="x", kind=kind, nullable=True)
    frame = conform(pd.DataFrame({"x": [None, None]}), [column])
    assert frame["x"].isna().all()
    assert to_rows({"x": frame["x"].to_numpy()}, [column]) == [{"x": None}, {"x": None}]


def test_text_is_missing_as_none_and_never_as_nan() -> None:
    """An imputer of text recognises one of the two."""
    column = Column(name="x", kind=Kind.STRING, nullable=True)
    frame = conform(pd.DataFrame({"x": pd.Series(["a", np.nan], dtype="str")}), [column])
    assert frame["x"].tolist() == ["a", None]


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_texts_are_one_spelling_and_blank_ones_are_missing(dtype: str) -> None:
    """Accents in one character, no blanks around: in the signature, in tables, in requests."""
    texts = pd.Series(["Ko\u0308ln", " K\xf6ln", "\u00a0", "", "Bonn "], dtype=dtype)
    frame = pd.DataFrame({"x": texts})
    (column,) = infer_signature(frame, pd.DataFrame({"y": range(5)})).inputs
    assert column.nullable
    assert sorted(column.categories) == (["Bonn", "K\xf6ln"] if dtype == "category" else [])
    assert conform(frame, [column])["x"].tolist() == ["K\xf6ln", "K\xf6ln", None, None, "Bonn"]


def test_a_category_that_training_did_not_see_passes_through() -> None:
    """The estimator decides what an unknown category means."""
    column = Column(name="x", kind=Kind.CATEGORY, categories=("a",))
    frame = pd.DataFrame({"x": pd.Categorical(["a", "new"])})
    assert conform(frame, [column])["x"].tolist() == ["a", "new"]


def test_the_index_stays_and_other_columns_are_left_out() -> None:
    """So a notebook can join the result with its source."""
    frame = pd.DataFrame({"other": [0, 0], "x": [1, 2]}, index=[7, 9])
    result = conform(frame, [Column(name="x", kind=Kind.NUMBER)])
    assert result.to_dict() == {"x": {7: 1.0, 9: 2.0}}


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([1.5], Kind.INTEGER, "holds number values"),
        ([2.0**60], Kind.INTEGER, "holds number values"),
        ([2], Kind.BOOLEAN, "holds integer values"),
        (["a"], Kind.NUMBER, "holds string values"),
        ([1], Kind.STRING, "holds integer values"),
        ([None], Kind.NUMBER, "has missing values"),
    ],
)
def test_a_column_that_does_not_fit_is_refused_by_name(
    values: list[Any], kind: Kind, reason: str
) -> None:
    """Nothing is rounded, parsed or guessed."""
    with pytest.raises(SignatureError, match=f'column "x" {reason}'):
        conform(pd.DataFrame({"x": values}), [Column(name="x", kind=kind)])


def test_an_absent_column_is_named() -> None:
    """The sentence says which one to add."""
    with pytest.raises(SignatureError, match='must have one column "x"'):
        conform(pd.DataFrame({"y": [1]}), [Column(name="x", kind=Kind.NUMBER)])
