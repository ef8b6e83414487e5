"""The columns of a model: what goes in, what comes out, and which values were seen in training."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from math import prod
from typing import Annotated

import msgspec

from model_store.schema.moment_forms import moment_form
from model_store.schema.time_zones import zone


class Kind(StrEnum):
    """What a column holds. `model_store.schema.columns` gives the array of each kind."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"
    CATEGORY = "category"
    DATETIME = "datetime"
    ARRAY = "array"


EPOCH_SECONDS, EPOCH_MILLISECONDS = "epoch s", "epoch ms"
"""Forms of a datetime that is written as a number: seconds or milliseconds since 1970, UTC."""

MOST_OUTPUTS = 1_000
"""How many true values one row may be sent at most."""

LARGEST_INTEGER = 2**53
"""Beyond it a float64 rounds integers, so none larger in size is accepted or answered."""

ARRAY_DTYPES = (
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64"),
    *("float32", "float64"),
)
"""The types that the numbers of an array may have, as numpy names them."""

MOST_NUMBERS = 1_000_000
"""Of one array."""

_MOST_AXES = 8


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of a model."""

    name: str
    kind: Kind
    nullable: bool = False
    """Whether `null` is accepted. A nullable key must still be present."""
    categories: tuple[str, ...] = ()
    """The values seen in training, of a category; empty for every other kind."""
    minimum: float | str | None = None
    """The least value seen in training: a number, or RFC 3339 text for a datetime."""
    maximum: float | str | None = None
    unit: str = ""
    """Of a number: what it counts, as in "%" or "EUR"; requests send the number alone."""
    form: str = ""
    """Of a datetime: how the training table wrote it, and how requests may: a pattern of `strptime`
    such as `%d/%m/%Y`, `epoch s` or `epoch ms`; empty: as ISO 8601."""
    time_zone: str = ""
    """Of a datetime: the IANA zone of those without an offset; empty: each needs an offset."""
    dtype: str = ""
    """Of an array: the type of its numbers, as numpy names it: `uint8`, `float32` and others."""
    shape: tuple[int, ...] = ()
    """Of an array: how many numbers it has along each axis, as in 28 and 28 of a picture."""
    header: str = ""
    """The name as the training table's header spells it, where that differs; accepted as well."""

    def __post_init__(self) -> None:
        """Refuse what could not be read by; a manifest may come from anywhere.

        Raises:
            ValueError: `form` or `time_zone` is none, or the column is no datetime; `dtype` or
                `shape` is none, or the column is no array.
        """
        self._check_array()
        if (self.form or self.time_zone) and self.kind is not Kind.DATETIME:
            raise ValueError(f"only a datetime has a form or a time zone, and no {self.kind}")
        if self.time_zone:
            zone(self.time_zone)
        if self.form and self.form not in {EPOCH_SECONDS, EPOCH_MILLISECONDS}:
            moment_form(self.form)

    def _check_array(self) -> None:
        if self.kind is not Kind.ARRAY:
            if self.dtype or self.shape:
                raise ValueError(f"only an array has a dtype or a shape, and no {self.kind}")
            return
        if self.dtype not in ARRAY_DTYPES:
            raise ValueError(f"an array has a dtype of {', '.join(ARRAY_DTYPES)}")
        if not 1 <= len(self.shape) <= _MOST_AXES or min(self.shape) < 1:
            raise ValueError(f"an array has 1 to {_MOST_AXES} axes of one number or more")
        if prod(self.shape) > MOST_NUMBERS:
            raise ValueError(f"an array has at most {MOST_NUMBERS} numbers")


class Interval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two outputs that bound another one: an interval in which the true value should lie."""

    of: str
    """The output that is bounded."""
    lower: str
    upper: str
    coverage: float
    """The share of rows whose true value should lie within, as in 0.9."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All columns of a model, in the order in which the estimator takes and gives them."""

    inputs: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1)]
    outputs: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1)]
    ignored: tuple[str, ...] = ()
    """Columns of the training table that the model does not use, its target among them: a request
    may hold them, with any single value; they are neither used nor logged. An input of the same
    name is no such column."""
    interval: Interval | None = None
    """Which outputs are the bounds of another; none: no output is one."""

    def __post_init__(self) -> None:
        """Leave inputs out of `ignored`.

        Raises:
            ValueError: two inputs or two outputs have one name, or the interval is of others.
        """
        self._check_interval()
        for columns in (self.inputs, self.outputs):
            if len({column.name for column in columns}) < len(columns):
                raise ValueError("two columns have one name: rename all but one")
        used = {column.name for column in self.inputs} | self.headers.keys()
        ignored = tuple(name for name in dict.fromkeys(self.ignored) if name not in used)
        msgspec.structs.force_setattr(self, "ignored", ignored)

    def _check_interval(self) -> None:
        if self.interval is None:
            return
        numbers = [column.name for column in self.outputs if column.kind is Kind.NUMBER]
        named = [self.interval.of, self.interval.lower, self.interval.upper]
        if len(set(named)) < len(named) or not set(named) <= set(numbers):
            raise ValueError("an interval names no three outputs that are numbers")
        if not 0 < self.interval.coverage < 1:
            raise ValueError("an interval has no coverage between 0 and 1")

    @property
    def targets(self) -> tuple[Column, ...]:
        """The outputs that stand for a column of the training table: all but bounds."""
        bounds = {self.interval.lower, self.interval.upper} if self.interval else set()
        return tuple(column for column in self.outputs if column.name not in bounds)

    @property
    def without_bounds(self) -> "Signature":
        """The signature of a model that answers the targets alone."""
        return msgspec.structs.replace(self, outputs=self.targets, interval=None)

    @property
    def trained(self) -> tuple[Column, ...]:
        """The columns of the training table: inputs, then targets."""
        return (*self.inputs, *self.targets)

    @property
    def headers(self) -> dict[str, str]:
        """The names of inputs by their headers, where a header is one input's alone."""
        names = {column.name for column in self.inputs}
        headers = [column.header for column in self.inputs if column.header]
        return {
            column.header: column.name
            for column in self.inputs
            if column.header not in names and headers.count(column.header) == 1
        }

    def without_values(self, names: Collection[str]) -> "Signature":
        """Return a signature that shows no value that training saw in the columns of these names.

        The labels of a classification stay: they are what it answers.
        """
        return msgspec.structs.replace(
            self,
            inputs=tuple(
                msgspec.structs.replace(column, minimum=None, maximum=None, categories=())
                if column.name in names or (column.header and column.header in names)
                else column
                for column in self.inputs
            ),
            outputs=tuple(
                msgspec.structs.replace(column, minimum=None, maximum=None)
                if column.name in names
                else column
                for column in self.outputs
            ),
        )

    def __iter__(self) -> Iterator[Column]:
        yield from self.inputs
        yield from self.outputs
