"""Arrays in a request: what their schema says, and what a refused one should have been."""

from typing import Annotated, Any

import msgspec
import numpy as np
from pydantic import PlainValidator, WithJsonSchema

from model_store.schema.arrays.array_values import (
    array_json_type,
    bounds,
    numbers_dtype,
    read_array,
    text_length,
)
from model_store.schema.signature import Column


def array_note(column: Column) -> str:
    """Return what an array column takes, a phrase."""
    kind, nested = np.dtype(column.dtype).kind, " lists of ".join(map(str, column.shape))
    numbers = {"b": "of true and false", "f": "numbers"}.get(kind)
    if numbers is None:
        numbers = "whole numbers from {} to {}".format(*bounds(column))
    size = text_length(column)
    return (
        f"a list of {nested} {numbers}, or the base64 of their bytes ({column.dtype}, "
        f"little-endian, in the order of the list: {size} characters)"
    )


def array_field(column: Column) -> Any:
    """Return the pydantic type of an array column, not nullable."""
    read = array_json_type(column)

    def check(value: Any) -> Any:
        # The decoder's own reader, so that the two cannot differ.
        try:
            read_array(msgspec.convert(value, read), column)
        except msgspec.ValidationError:
            raise ValueError from None
        return value

    return Annotated[Any, PlainValidator(check), WithJsonSchema(_schema(column))]


def _schema(column: Column) -> dict[str, Any]:
    kind = np.dtype(column.dtype).kind
    schema: dict[str, Any] = {"type": {"b": "boolean", "f": "number"}.get(kind, "integer")}
    if kind in "iu":
        schema["minimum"], schema["maximum"] = bounds(column)
    if column.dtype == "float32":
        largest = float(np.finfo(np.float32).max)
        schema |= {"minimum": -largest, "maximum": largest}
    for size in reversed(column.shape):
        schema = {"type": "array", "minItems": size, "maxItems": size, "items": schema}
    length = text_length(column)
    text = {
        "type": "string",
        "contentEncoding": "base64",
        "description": f"The bytes of {numbers_dtype(column).name}, little-endian, in C order.",
        "minLength": length,
        "maxLength": length,
    }
    return {"anyOf": [schema, text]}
