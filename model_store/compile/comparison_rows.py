"""Made-up rows that a request may hold, to see whether two forms of a model agree."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from model_store.schema.arrays.array_values import bounds
from model_store.schema.columns import Columns
from model_store.schema.row_decoder import MAX_STRING
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature

_TEXTS = ("", " ", "never seen in training", "Zürich 東京 \U0001f600")
_LONG_TEXTS = (
    "Straße STRASSE İstanbul ǅ ﬁn",
    "Cafe\u0301 café",
    "\u200bzero\u200dwidth\u00a0blank ١٢٣ ²³",
    "new\nline\ttab a_b don't x-y\x01",
    "e\u0301" * (MAX_STRING // 2),
)
_NUMBERS = (0.0, -0.0, -1.0, 1e-9, 5e-324, 2.0**24 + 1)
_VAST_NUMBERS = (1e38, 1e308, -1e308)
_INTEGERS = (0, -1, 2**24 + 1, LARGEST_INTEGER, -LARGEST_INTEGER)
_MOMENTS = ("0001-01-01", "1969-12-31T23:59:59.999999", "2024-02-29", "9999-12-31T23")
_ODD: dict[Kind, tuple[Any, ...]] = {
    Kind.NUMBER: _NUMBERS,
    Kind.INTEGER: _INTEGERS,
    Kind.BOOLEAN: (False, True),
    Kind.STRING: _TEXTS + _LONG_TEXTS,
    Kind.CATEGORY: _TEXTS,
    Kind.DATETIME: tuple(np.datetime64(text, "us") for text in _MOMENTS),
}
_MISSING: dict[Kind, Any] = {
    Kind.DATETIME: np.datetime64("NaT", "us"),
    Kind.STRING: None,
    Kind.CATEGORY: None,
}
_ROWS = 1000
_CELLS_AT_ONCE = 200_000
_MOST_NUMBERS = 20_000_000
"""Of all arrays of the rows that are made up; of larger arrays there are fewer rows."""
_FEWEST_ROWS = 20
_REARRANGED, _MOST_WORDS = 50, 30


class Probe(NamedTuple):
    """Rows to ask both forms of a model."""

    usual: Columns
    """Such as training saw, in other company."""
    odd: Iterator[Columns]
    """Some at a time; each with one value that training hardly saw, or with a gap."""
    vast: Iterator[Columns]
    """The same, with one number that is too large for single precision, or nearly."""


def probe(seen: Columns, signature: Signature, seed: int = 0) -> Probe:
    """Return rows made of some that were seen, of which there must be at least one."""
    random = np.random.default_rng(seed)
    numbers = sum(prod(column.shape) for column in signature.inputs if column.shape)
    rows = max(_FEWEST_ROWS, min(_ROWS, _MOST_NUMBERS // max(numbers, 1)))
    usual = {c.name: _mixed(seen[c.name], c, random, rows) for c in signature.inputs}
    odd = [(c.name, value) for c in signature.inputs for value in _odd(c)]
    texts = [c.name for c in signature.inputs if c.kind is Kind.STRING]
    odd += [(name, text) for name in texts for text in _rearranged(seen[name], random)]
    vast_in = [
        c.name
        for c in signature.inputs
        if c.kind is Kind.NUMBER or (c.kind is Kind.ARRAY and c.dtype == "float64")
    ]
    vast = [(name, value) for value in _VAST_NUMBERS for name in vast_in]
    return Probe(usual, _changed(seen, odd, random), _changed(seen, vast, random))


def _odd(column: Column) -> tuple[Any, ...]:
    gap = (_MISSING.get(column.kind, np.nan),) if column.nullable else ()
    if column.kind is Kind.ARRAY:
        # Each place of the array gets it.
        return (*_odd_numbers(column), *gap)
    return _ODD[column.kind] + gap


def _odd_numbers(column: Column) -> tuple[Any, ...]:
    kind = np.dtype(column.dtype).kind
    if kind == "b":
        return (False, True)
    if kind == "f":
        return _NUMBERS[:5]
    return (0, 1, *bounds(column))


def _changed(
    seen: Columns, values: Sequence[tuple[str, Any]], random: np.random.Generator
) -> Iterator[Columns]:
    """Yield rows that were seen, each with one value, of a column, in place of its own."""
    chosen = random.integers(len(next(iter(seen.values()))), size=len(values))
    # A row for every column is the square of them: too much to be in memory at once.
    at_once = max(1, _CELLS_AT_ONCE // len(seen))
    for first in range(0, len(values), at_once):
        part = slice(first, first + at_once)
        changed = {name: array[chosen[part]] for name, array in seen.items()}
        for row, (name, value) in enumerate(values[part]):
            changed[name][row] = value
        yield changed


def _rearranged(seen: np.ndarray, random: np.random.Generator) -> list[str]:
    """Return texts of words that were seen, in other company, other case and other numbers."""
    words = np.array(" ".join(text or "" for text in seen).split() or [""], dtype=object)
    sizes = random.integers(1, _MOST_WORDS, size=_REARRANGED)
    texts = [" ".join(words[random.integers(len(words), size=size)]) for size in sizes]
    changes = (str, str.upper, str.title, lambda text: text.replace(" ", ", "))
    return [changes[n % len(changes)](text)[:MAX_STRING] for n, text in enumerate(texts)]


def _mixed(seen: np.ndarray, column: Column, random: np.random.Generator, rows: int) -> np.ndarray:
    """Return values that were seen, half of them replaced by others within the training range."""
    mixed: np.ndarray = seen[random.integers(len(seen), size=rows)]
    others = _others(column, random, rows)
    is_other = random.random(rows) < 0.5  # noqa: PLR2004 - half
    is_other = is_other.reshape(-1, *(1 for _ in column.shape))
    return mixed if others is None else np.where(is_other, others, mixed)


def _others(column: Column, random: np.random.Generator, rows: int) -> np.ndarray | None:
    if column.categories:
        return np.array(column.categories, dtype=object)[
            random.integers(len(column.categories), size=rows)
        ]
    if column.minimum is None or column.maximum is None:
        return None
    if column.kind is Kind.DATETIME:
        # A numpy datetime has no zone, and ours are all UTC.
        ends = [str(end).removesuffix("Z") for end in (column.minimum, column.maximum)]
        first, last = np.array(ends, dtype="datetime64[us]").astype(np.int64).tolist()
        return random.integers(first, last, size=rows, endpoint=True).astype("datetime64[us]")
    values = random.uniform(
        float(column.minimum), float(column.maximum), size=(rows, *column.shape)
    )
    if column.kind is Kind.ARRAY:
        # Drawn within the range, so that each is a number of the array's type.
        return values.astype(column.dtype)
    return values.round() if column.kind is Kind.INTEGER else values
