"""Why a body was refused: the slow twin of the decoder, which only finds that it must be.

Both reach the same verdict, which a property test holds; this one also says where and why, in at
most `MAX_ERRORS` places, and never with a value of the caller's.
"""

from datetime import UTC
from itertools import islice
from typing import Annotated, Any

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    create_model,
)

from api.http.problems import (
    MAX_ERRORS,
    FieldError,
    InvalidJson,
    InvalidRows,
    Problem,
    TooLarge,
    pointer,
)
from api.http.strict_json import parse_strictly
from model_store.schema.row_decoder import AwareDatetime, is_compact_offset
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature

# What pydantic calls the errors that our schemas can cause, and what we say of them. Its own
# messages are not used, as some of them quote the input.
_SENTENCES = {
    "missing": ("missing", "This field is missing."),
    "extra_forbidden": ("unknown", "The schema has no such field."),
    "model_type": ("not-an-object", "A row is an object of fields."),
    "bool_type": ("not-a-boolean", "Send true or false."),
    "float_type": ("not-a-number", "Send a number."),
    "finite_number": ("not-a-number", "Send a number."),
    "int_type": ("not-an-integer", "Send an integer, written without a fraction or exponent."),
    "int_from_float": ("not-an-integer", "Send an integer, without a fraction or exponent."),
    "greater_than_equal": ("out-of-bounds", "Integers go from -2^53 to 2^53."),
    "less_than_equal": ("out-of-bounds", "Integers go from -2^53 to 2^53."),
    "string_type": ("not-a-string", "Send a string."),
    "string_too_long": ("too-long", "This string is too long."),
    "string_unicode": ("not-unicode", "A string has no lone surrogates."),
    "value_error": ("not-a-value", "A string has no NUL; a datetime is RFC 3339, with an offset."),
}
_OTHER = ("not-a-value", "This value does not fit the schema.")


class Explainer:
    """Explains what is wrong with bodies of one signature."""

    def __init__(self, signature: Signature, *, max_string: int) -> None:
        self._row = row_model(signature, max_string=max_string)
        self._known = frozenset(column.name for column in signature.inputs)

    def explain(self, body: bytes, max_rows: int) -> Problem:
        """Return the problem of a body that the decoder refused."""
        try:
            # Counted before they are parsed, as that takes long where there are very many.
            if len(msgspec.json.decode(body, type=list[msgspec.Raw])) > max_rows:
                return TooLarge(f"A request may have {max_rows} rows.")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # no array, or no JSON: explained below
        try:
            document = parse_strictly(body)
        except InvalidJson as problem:
            return problem
        if isinstance(document, dict):
            errors = self._errors_of(document, ())
        elif not isinstance(document, list):
            return InvalidRows("Send one row as an object, or an array of rows.")
        elif not document:
            return InvalidRows("Send at least one row.")
        else:
            errors = []
            for index, row in enumerate(document):
                errors += self._errors_of(row, (index,))
                if len(errors) >= MAX_ERRORS:
                    break
        if not errors:
            return InvalidRows("The body does not fit the schema of this model.")
        return InvalidRows("Mend the fields that `errors` points to.", errors=errors)

    def _errors_of(self, row: Any, place: tuple[int, ...]) -> list[FieldError]:
        if isinstance(row, dict) and len(row) > len(self._known) + MAX_ERRORS:
            # More unknown fields than are reported would only cost time.
            unknown = islice((name for name in row if name not in self._known), MAX_ERRORS)
            row = {name: row[name] for name in (*self._known & row.keys(), *unknown)}
        try:
            self._row.model_validate(row)
        except ValidationError as error:
            return [
                FieldError(pointer(*place, *found["loc"]), *_SENTENCES.get(found["type"], _OTHER))
                for found in error.errors(include_input=False, include_url=False)[:MAX_ERRORS]
            ]
        return []


def row_model(signature: Signature, *, max_string: int) -> type[BaseModel]:
    """Return the pydantic model of a row: it explains errors, and documents the route."""
    fields: dict[str, Any] = {
        # A column may have any name, so names are aliases.
        f"c{index}": (_field_type(column, max_string), Field(alias=column.name))
        for index, column in enumerate(signature.inputs)
    }
    return create_model("Row", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _field_type(column: Column, max_string: int) -> Any:
    text = Annotated[StrictStr, Field(max_length=max_string), AfterValidator(_without_nul)]
    types: dict[Kind, Any] = {
        Kind.INTEGER: Annotated[StrictInt, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)],
        Kind.NUMBER: Annotated[StrictFloat, Field(allow_inf_nan=False)],
        Kind.BOOLEAN: StrictBool,
        Kind.STRING: text,
        Kind.CATEGORY: text,
        Kind.DATETIME: Annotated[
            StrictStr, AfterValidator(_datetime), Field(json_schema_extra={"format": "date-time"})
        ],
    }
    return types[column.kind] | None if column.nullable else types[column.kind]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


def _datetime(text: str) -> str:
    if is_compact_offset(text):
        raise ValueError
    try:
        # The decoder's own parser, so that the two cannot differ.
        msgspec.convert(text, AwareDatetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise ValueError from None
    return text
