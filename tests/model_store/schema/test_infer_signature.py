"""A signature describes the columns of a table, or refuses it with a helpful sentence."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from model_store.errors import SignatureError
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Column, Kind

TARGET = pd.DataFrame({"y": [1.0, 2.0]})
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def inferred(values: Any, dtype: Any = None) -> Column:
    """Return what is inferred from one column."""
    series = pd.Series(values, dtype=dtype)
    target = pd.DataFrame({"y": np.arange(len(series))})
    (column,) = infer_signature(pd.DataFrame({"x": series}), target).inputs
    return column


@pytest.mark.parametrize("dtype", [*INTEGERS, *(f"{n[0].upper()}{n[1:]}" for n in INTEGERS[:4])])
def test_every_width_of_integers_is_an_integer(dtype: str) -> None:
    """Signed and unsigned, of numpy and of pandas."""
    assert inferred([1, 3], dtype) == Column(name="x", kind=Kind.INTEGER, minimum=1.0, maximum=3.0)


@pytest.mark.parametrize("dtype", ["UInt8", "UInt16", "UInt32", "UInt64", "int16[pyarrow]", object])
def test_integers_that_can_be_missing_stay_integers(dtype: Any) -> None:
    """They do not become numbers by being absent."""
    assert inferred([1, None, 3], dtype) == Column(
        name="x", kind=Kind.INTEGER, nullable=True, minimum=1.0, maximum=3.0
    )


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "Float32", "Float64", "float[pyarrow]", object]
)
def test_every_width_of_floats_is_a_number(dtype: Any) -> None:
    """A missing value makes it nullable."""
    assert inferred([0.5, None, 1.5], dtype) == Column(
        name="x", kind=Kind.NUMBER, nullable=True, minimum=0.5, maximum=1.5
    )


@pytest.mark.parametrize("values", [[Decimal("0.5"), Decimal("1.5")], [1, 1.5, 0.5]])
def test_decimals_and_integers_among_floats_are_numbers(values: list[Any]) -> None:
    """Databases and spreadsheets give such columns."""
    assert inferred(values, object).kind is Kind.NUMBER


def test_arrow_floats_may_hide_a_missing_value_as_nan() -> None:
    """Arrow distinguishes NaN from null, JSON has null only."""
    column = inferred(pd.arrays.ArrowExtensionArray(pa.array([0.5, float("nan")])))
    assert (column.kind, column.nullable, column.maximum) == (Kind.NUMBER, True, 0.5)


@pytest.mark.parametrize("dtype", [bool, "boolean", "bool[pyarrow]", object])
def test_every_boolean_is_a_boolean(dtype: Any) -> None:
    """It is no integer, and has no range."""
    assert inferred([True, False], dtype) == Column(name="x", kind=Kind.BOOLEAN)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", object])
def test_booleans_may_be_missing(dtype: Any) -> None:
    """They do not become text by that."""
    assert inferred([True, None], dtype) == Column(name="x", kind=Kind.BOOLEAN, nullable=True)


@pytest.mark.parametrize(
    "dtype", ["str", "string", "string[python]", "string[pyarrow]", "large_string[pyarrow]", object]
)
def test_every_text_is_a_string(dtype: Any) -> None:
    """It has no categories."""
    assert inferred(["Zürich", None], dtype) == Column(name="x", kind=Kind.STRING, nullable=True)


def test_a_category_knows_the_values_seen_in_the_tables_own_order() -> None:
    """Values that only its dtype knows are left out."""
    values = pd.Categorical(
        ["low", "high", None], categories=["low", "unseen", "high"], ordered=True
    )
    assert inferred(values) == Column(
        name="x", kind=Kind.CATEGORY, nullable=True, categories=("low", "high")
    )


def test_a_dictionary_of_arrow_is_a_category() -> None:
    """Parquet files come with them."""
    column = inferred(["b", "a", "b"], pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))
    assert (column.kind, column.categories) == (Kind.CATEGORY, ("a", "b"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2], Kind.INTEGER),
        ([True, None], Kind.BOOLEAN),
        ([0.5, None], Kind.NUMBER),
        ([NOON, None], Kind.DATETIME),
    ],
)
def test_a_category_of_other_things_is_of_their_kind(values: list[Any], kind: Kind) -> None:
    """A category is text to a request."""
    column = inferred(pd.Categorical(values))
    assert (column.kind, column.nullable, column.categories) == (kind, True, ())


@pytest.mark.parametrize(
    "dtype",
    [
        *(f"datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")),
        *(f"datetime64[{unit}, UTC]" for unit in ("s", "ms", "us", "ns")),
        "timestamp[ns][pyarrow]",
        "timestamp[s, UTC][pyarrow]",
        object,
    ],
)
def test_a_time_without_a_zone_is_taken_for_utc(dtype: Any) -> None:
    """That holds for every unit; the range is written in RFC 3339."""
    moment = NOON if "UTC" in str(dtype) else NOON.replace(tzinfo=None)
    assert inferred(pd.Series([moment, None]).astype(dtype)) == Column(
        name="x",
        kind=Kind.DATETIME,
        nullable=True,
        minimum="2026-11-21T12:00:00Z",
        maximum="2026-11-21T12:00:00Z",
    )


def test_another_zone_is_converted_to_utc() -> None:
    """All arrays are UTC."""
    berlin = pd.Series([NOON]).dt.tz_convert("Europe/Berlin")
    assert inferred(berlin).minimum == "2026-11-21T12:00:00Z"


@pytest.mark.parametrize("dtype", [object, "date32[pyarrow]"])
def test_a_date_is_its_midnight(dtype: Any) -> None:
    """A request writes it so."""
    column = inferred([date(2026, 11, 21)], dtype)
    assert (column.kind, column.minimum) == (Kind.DATETIME, "2026-11-21T00:00:00Z")


@pytest.mark.parametrize(
    ("values", "dtype", "reason"),
    [
        ([pd.Timedelta(1)], None, "timedelta64"),
        ([1j], None, "complex"),
        ([b"x"], None, "bytes"),
        ([pd.Period("2026")], None, "period"),
        ([pd.Interval(0, 1)], None, "interval"),
        ([{"a": 1}], None, "mixed"),
        ([1, "a"], object, "mixed"),
        ([True, 1], object, "mixed"),
        ([b"x"], "binary[pyarrow]", "bytes"),
        ([None, None], object, "no value at all"),
        ([np.nan], "float64", "no value at all"),
        ([pd.NaT], "datetime64[ns]", "no value at all"),
        ([np.inf, 1.0], "float64", "infinite"),
        ([-np.inf, 1.0], "float32", "infinite"),
        ([2**53 + 1], "int64", "beyond 2**53"),
        ([-(2**53) - 1], "int64", "beyond 2**53"),
        ([2**64 - 1], "uint64", "beyond 2**53"),
        ([10**30], object, "beyond 2**53"),
        (["a\0b"], object, "NUL"),
        (["\ud800"], object, "surrogate"),
        (np.array(["20000-01-01"], "datetime64[s]"), None, "years 1 to 9999"),
        (np.array(["-0001-01-01"], "datetime64[s]"), None, "years 1 to 9999"),
    ],
)
def test_a_column_that_cannot_be_served_is_refused_by_name(
    values: Any, dtype: Any, reason: str
) -> None:
    """The error has the reason too."""
    with pytest.raises(SignatureError, match='column "x"') as refusal:
        inferred(values, dtype)
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (pd.DataFrame(), "is empty"),
        (pd.DataFrame({"x": []}), "is empty"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), 'several columns named "x"'),
        (pd.DataFrame({"": [1]}), "proper name"),
        (pd.DataFrame({7: [1]}), "proper name"),
        *((pd.DataFrame({name: [1]}), "proper name") for name in ('a"', "a\\", "a\0")),
        (pd.DataFrame({("a", "b"): [1]}), "proper name"),
    ],
)
def test_a_table_needs_rows_and_proper_names(inputs: pd.DataFrame, reason: str) -> None:
    """A key of a request needs no escape."""
    with pytest.raises(SignatureError, match="inputs") as refusal:
        infer_signature(inputs, TARGET)
    assert reason in str(refusal.value)


def test_an_output_is_always_there() -> None:
    """A model that answers nothing is no model."""
    with pytest.raises(SignatureError, match='output "y" has missing values'):
        infer_signature(TARGET, pd.DataFrame({"y": [1.0, None]}))


def test_an_output_leaves_the_name_probabilities_to_answers() -> None:
    """An answer could not hold both."""
    with pytest.raises(SignatureError, match='cannot be named "probabilities"'):
        infer_signature(TARGET, pd.DataFrame({"probabilities": [1.0, 2.0]}))
