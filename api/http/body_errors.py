"""Why a body was refused: the slow twin of the decoder, which only finds that it must be.

Both reach the same verdict, which a property test holds; this one also says where and why, in at
most `MAX_ERRORS` places, and never with a value of the caller's.
"""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictStr,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from api.http.array_fields import array_field, array_note
from api.http.problems import (
    MAX_ERRORS,
    FieldError,
    InvalidJson,
    InvalidRows,
    Problem,
    TooLarge,
    pointer,
)
from api.http.strict_json import nan_places, parse_strictly
from model_store.schema.examples import example
from model_store.schema.moment_forms import moment_form
from model_store.schema.moments import NUMBER_FORMS, read_moment
from model_store.schema.signature import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    LARGEST_INTEGER,
    Column,
    Kind,
    Signature,
)

# What pydantic calls the errors that our schemas can cause, and what we say of them. Its own
# messages are not used, as some of them quote the input.
_SENTENCES = {
    "missing": ("missing", "This field is missing."),
    "extra_forbidden": ("unknown", "The schema has no such field: leave it out."),
    "model_type": ("not-an-object", "A row is an object of fields."),
    "out_of_bounds": ("out-of-bounds", "Integers go from -2^53 to 2^53."),
    "string_too_long": ("too-long", "This string is too long."),
    "string_unicode": ("not-unicode", "A string has no lone surrogates."),
    "nul": ("not-a-value", "A string has no NUL: leave it out."),
    "twice": ("twice", "This column stands here by its name and by its header: send one of them."),
    "not_single": ("not-a-value", "The model ignores this field: send a single value, or none."),
}
_OTHER = ("not-a-value", "This value does not fit the schema.")
_CODES = {
    Kind.INTEGER: "not-an-integer",
    Kind.NUMBER: "not-a-number",
    Kind.BOOLEAN: "not-a-boolean",
    Kind.STRING: "not-a-string",
    Kind.CATEGORY: "not-a-string",
    Kind.DATETIME: "not-a-value",
    Kind.ARRAY: "not-an-array",
}


class Explainer:
    """Explains what is wrong with bodies of one signature."""

    def __init__(self, signature: Signature, *, max_string: int) -> None:
        self._row = row_model(signature, max_string=max_string)
        self._headers = signature.headers
        self._ignored = frozenset(signature.ignored)
        self._columns = {column.name: column for column in signature.inputs}
        self._known = frozenset({*self._columns, *self._headers, *self._ignored})

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
            return self._with_columns(problem, body)
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
        if not isinstance(row, dict):
            return [FieldError(pointer(*place), *_SENTENCES["model_type"])]
        if len(row) > len(self._known) + MAX_ERRORS:
            # More unknown fields than are reported would only cost time.
            unknown = islice((name for name in row if name not in self._known), MAX_ERRORS)
            row = {name: row[name] for name in (*self._known & row.keys(), *unknown)}
        inputs, found = self._inputs(row)
        try:
            self._row.model_validate(inputs)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[:MAX_ERRORS]
            # A key that is no text has no place.
            found += [(*w["loc"][:1], *self._sentence(w["type"], w["loc"], inputs)) for w in wrong]
        sent_as = {self._headers[name]: name for name in row if name in self._headers}
        return [
            FieldError(pointer(*place, *(sent_as.get(str(n), str(n)) for n in names)), code, text)
            for *names, code, text in found
        ]

    def _inputs(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
        """Return the inputs of a row by their names, and what is wrong with the other fields."""
        inputs: dict[str, Any] = {}
        found: list[tuple[Any, ...]] = []
        for key, value in row.items():
            name = self._headers.get(key, key)
            if key in self._ignored:
                if not _is_single(value):
                    found.append((key, *_SENTENCES["not_single"]))
            elif name in inputs:
                found.append((name, *_SENTENCES["twice"]))
            else:
                inputs[name] = value
        return inputs, found

    def _sentence(
        self, kind: str, place: tuple[str | int, ...], row: Mapping[str, Any]
    ) -> tuple[str, str]:
        """Return code and sentence of what pydantic found at a place of a row."""
        name = str(place[0]) if place else ""
        if kind in _SENTENCES or name not in self._columns:
            return _SENTENCES.get(kind, _OTHER)
        return _CODES[self._columns[name].kind], wanted(self._columns[name], row.get(name))

    def _with_columns(self, problem: InvalidJson, body: bytes) -> InvalidJson:
        """Return the problem of a body with NaN in it, with what each column takes instead."""
        errors = []
        for place in nan_places(body):
            name = str(place[-1])
            column = self._columns.get(self._headers.get(name, name))
            sentence = "Send null."
            if column and column.nullable:
                sentence = "Send null where a value is missing."
            elif column:
                sentence = wanted(column, None)
            errors.append(FieldError(pointer(*place), "not-json", sentence))
        return InvalidJson(problem.detail, errors=errors) if errors else problem


def wanted(column: Column, sent: Any) -> str:
    """Return a sentence on what to send instead, for a value that is none of the column's."""
    sentence = _asked(column)
    if sent is None and not column.nullable:
        return f"Training saw no missing value here: {sentence}."
    if column.nullable:
        sentence += ", or null where it is missing"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _asked(column: Column) -> str:
    if column.kind is Kind.ARRAY:
        return f"send {array_note(column)}"
    instance = json.dumps(example(column), ensure_ascii=False)
    unit = f" in {column.unit}" if column.unit else ""
    return {
        Kind.INTEGER: f"send an integer, such as {instance}: no text, no fraction",
        Kind.NUMBER: f"send a number{unit}, such as {instance}: no text, no unit, no separator",
        Kind.BOOLEAN: "send true or false",
        Kind.STRING: "send a string",
        Kind.CATEGORY: f"send a string, such as {instance}",
        Kind.DATETIME: f"send a datetime such as {_datetimes(column)}",
    }[column.kind]


def _datetimes(column: Column) -> str:
    own = json.dumps(example(column), ensure_ascii=False)
    plain = Column(name=column.name, kind=column.kind, minimum=column.minimum)
    others = json.dumps(example(plain))
    if own == others:
        return f"{own}: RFC 3339, with an offset"
    zone = column.time_zone or "UTC"
    return f"{own}, or with an offset, {others}; a time without one is read in {zone}"


def _is_single(value: Any) -> bool:
    if isinstance(value, str):
        # A lone surrogate is no text.
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return value is None or isinstance(value, bool | int | float)


def row_model(signature: Signature, *, max_string: int) -> type[BaseModel]:
    """Return the pydantic model of a row: it explains errors, and documents the route."""
    fields: dict[str, Any] = {
        # A column may have any name, so names are aliases.
        f"c{index}": (_field_type(column, max_string), Field(alias=column.name))
        for index, column in enumerate(signature.inputs)
    }
    return create_model("Row", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _field_type(column: Column, max_string: int) -> Any:
    if column.kind is Kind.ARRAY:
        array = array_field(column)
        return array | None if column.nullable else array
    text = Annotated[StrictStr, Field(max_length=max_string), AfterValidator(_without_nul)]
    types: dict[Kind, Any] = {
        Kind.INTEGER: Annotated[
            int,
            PlainValidator(_integer),
            WithJsonSchema(
                {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
            ),
        ],
        Kind.NUMBER: Annotated[StrictFloat, Field(allow_inf_nan=False)],
        Kind.BOOLEAN: StrictBool,
        Kind.STRING: text,
        Kind.CATEGORY: text,
        Kind.DATETIME: _moment_type(column),
    }
    return types[column.kind] | None if column.nullable else types[column.kind]


def _moment_type(column: Column) -> Any:
    def check(value: Any) -> Any:
        # The decoder's own reader, so that the two cannot differ.
        if isinstance(value, str) or (column.form in NUMBER_FORMS and type(value) in {int, float}):
            read_moment(value, column)
            return value
        raise ValueError

    return Annotated[Any, PlainValidator(check), WithJsonSchema(_moment_schema(column))]


def _moment_schema(column: Column) -> dict[str, Any]:
    """Return the JSON Schema of a datetime; dates that no calendar has fit it as well."""
    schemas: list[dict[str, Any]] = [{"type": "string", "format": "date-time"}]
    if column.time_zone:
        schemas.append({"type": "string", "format": "date"})
    if column.form in {EPOCH_SECONDS, EPOCH_MILLISECONDS}:
        schemas.append({"type": "number"})
    elif column.form:
        schemas.append({"type": "string", "pattern": moment_form(column.form).pattern})
        schemas += [{"type": "integer"}] if column.form in NUMBER_FORMS else []
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "")
    return text


def _integer(value: Any) -> int:
    if type(value) not in {int, float}:
        raise ValueError
    if abs(value) > LARGEST_INTEGER:
        raise PydanticCustomError("out_of_bounds", "")
    if value != int(value):
        raise ValueError
    return int(value)
