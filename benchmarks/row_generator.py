"""Rows that a signature accepts, made at random: what the load test sends."""

import math
from collections.abc import Sequence
from datetime import datetime
from random import Random

import numpy as np

from model_store.schema.arrays.array_values import write_array
from model_store.schema.signature import Column, Kind

Value = str | int | float | bool | None
_Range = tuple[float | str, float | str]

NULL_SHARE = 0.1
"""How often a nullable column is sent without a value."""

_WORDS = ("plain", "two words", 'a "quoted": colon', "Zoë", "東京")
# For columns whose training range is not known.
_NUMBERS: _Range = (0, 100)
_DATETIMES: _Range = ("2000-01-01T00:00:00Z", "2030-01-01T00:00:00Z")


def generate_rows(inputs: Sequence[Column], count: int, random: Random) -> list[dict[str, Value]]:
    """Return `count` rows, ready for JSON, whose values lie within the training range."""
    return [{column.name: _value(column, random) for column in inputs} for _ in range(count)]


def _value(column: Column, random: Random) -> Value:  # noqa: PLR0911 - one for each kind
    if column.nullable and random.random() < NULL_SHARE:
        return None
    match column.kind:
        case Kind.INTEGER:
            low, high = _range(column, _NUMBERS)
            return random.randint(math.ceil(float(low)), math.floor(float(high)))
        case Kind.NUMBER:
            low, high = map(float, _range(column, _NUMBERS))
            share = random.random()
            # `low + (high - low) * share` would overflow for the widest ranges.
            return min(max(low * (1 - share) + high * share, low), high)
        case Kind.BOOLEAN:
            return random.choice((False, True))
        case Kind.DATETIME:
            first, last = (datetime.fromisoformat(str(at)) for at in _range(column, _DATETIMES))
            return (first + (last - first) * random.random()).isoformat()
        case Kind.STRING | Kind.CATEGORY:
            return random.choice(column.categories or _WORDS)
        case Kind.ARRAY:
            return _array(column, random)


def _array(column: Column, random: Random) -> str:
    low, high = map(float, _range(column, _NUMBERS))
    shares = np.random.default_rng(random.getrandbits(32)).random(column.shape)
    numbers = low * (1 - shares) + high * shares
    return write_array(numbers.astype(column.dtype))


def _range(column: Column, default: _Range) -> _Range:
    if column.minimum is None or column.maximum is None:
        return default
    return column.minimum, column.maximum
