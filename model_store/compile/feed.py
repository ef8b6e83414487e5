"""What each input of a compiled model is made of: columns, and weights of words."""

from typing import Any

import msgspec
import numpy as np

from model_store.compile.word_weights import WordWeights, counters_of
from model_store.errors import PredictionError
from model_store.schema.columns import Columns
from model_store.schema.signature import ARRAY_DTYPES, Kind, Signature

# The names of a graph's inputs; each is `(rows, columns)`. Arrays have an input each, of any other
# name, `(rows, *shape)`.
NUMBERS, TEXTS, MOMENTS, WORDS = "numbers", "texts", "moments", "words"
ARRAYS = "arrays"
MISSING = "\0"
"""Stands for a missing text in a graph; no request can hold it."""
FEED = "feed"
"""The key, in the metadata of a graph's file, of what its inputs are made of."""
INPUTS = {
    Kind.INTEGER: NUMBERS,
    Kind.NUMBER: NUMBERS,
    Kind.BOOLEAN: NUMBERS,
    Kind.STRING: TEXTS,
    Kind.CATEGORY: TEXTS,
    Kind.DATETIME: MOMENTS,
    Kind.ARRAY: ARRAYS,
}
"""The input that a column of each kind is a part of."""
_TYPES: dict[str, tuple[str, Any]] = {
    NUMBERS: ("tensor(double)", np.float64),
    TEXTS: ("tensor(string)", object),
    MOMENTS: ("tensor(int64)", "datetime64[us]"),
    WORDS: ("tensor(double)", np.float64),
}
_ARRAY_TYPES = {
    f"tensor({ {'float32': 'float', 'float64': 'double'}.get(name, name) })": name
    for name in ARRAY_DTYPES
}
"""The numpy type of an array's input, by the type that the graph declares."""


class Feed(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The columns of each input, side by side in this order, and the words that are weighed."""

    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    words: tuple[WordWeights, ...] = ()
    arrays: dict[str, str] = {}
    """The array column that each further input of the graph is, by the input's name."""


class Feeder:
    """Makes the inputs of a graph from columns."""

    def __init__(self, feed: Feed, signature: Signature, types: dict[str, str]) -> None:
        """Prepare the inputs of a graph.

        Args:
            feed: what they are made of.
            signature: of the columns.
            types: the element type of each input that the graph has, by name.

        Raises:
            PredictionError: they are not made of columns of this signature.
        """
        kinds = {column.name: INPUTS[column.kind] for column in signature.inputs}
        blocks = {NUMBERS: feed.numbers, TEXTS: feed.texts, MOMENTS: feed.moments}
        asked = [(name, each) for name, names in blocks.items() for each in names]
        asked += [(TEXTS, each.column) for each in feed.words]
        right = all(kinds.get(column) == name for name, column in asked)
        right &= all(kinds.get(column) == ARRAYS for column in feed.arrays.values())
        right &= feed.arrays.keys().isdisjoint(_TYPES)
        made = {name for name, names in blocks.items() if names}
        made |= {WORDS} if feed.words else set()
        self._arrays = [
            (name, feed.arrays[name], _ARRAY_TYPES.get(types[name], ""))
            for name in types
            if name in feed.arrays
        ]
        types = {name: found for name, found in types.items() if name not in feed.arrays}
        right &= all(dtype for *_, dtype in self._arrays)
        if not right or not set(types) <= made or any(_TYPES[n][0] != types[n] for n in types):
            raise PredictionError("The compiled model asks for what the signature does not have.")
        self._blocks = [(n, names, _TYPES[n][1]) for n, names in blocks.items() if n in types]
        self._counters = counters_of(feed.words) if WORDS in types else []
        self._width = sum(each.width for each in feed.words)

    def inputs(self, columns: Columns) -> dict[str, np.ndarray]:
        """Return the inputs of a graph by name, `(rows, columns)` each, arrays `(rows, *shape)`.

        Raises:
            PredictionError: a text is missing where the model takes none.
        """
        made = {name: _block(columns, names, dtype) for name, names, dtype in self._blocks}
        if self._counters:
            rows = len(next(iter(columns.values())))
            made[WORDS] = words = np.empty((rows, self._width))
            for counter, column, places in self._counters:
                counter.fill(columns[column], words[:, places])
        for name, column, dtype in self._arrays:
            made[name] = np.ascontiguousarray(columns[column], dtype)
        return made


def feed_of(signature: Signature) -> Feed:
    """Return all columns of a signature, in its order: what a graph takes that says nothing."""
    names: dict[str, list[str]] = {NUMBERS: [], TEXTS: [], MOMENTS: [], ARRAYS: []}
    for column in signature.inputs:
        names[INPUTS[column.kind]].append(column.name)
    return Feed(
        numbers=tuple(names[NUMBERS]), texts=tuple(names[TEXTS]), moments=tuple(names[MOMENTS])
    )


def read_feed(metadata: dict[str, str], signature: Signature) -> Feed:
    """Return what the inputs are made of, as the metadata of a graph's file say.

    Raises:
        PredictionError: they are damaged.
    """
    if FEED not in metadata:
        return feed_of(signature)
    try:
        return msgspec.json.decode(metadata[FEED], type=Feed)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PredictionError("The compiled model's own description is damaged.") from error


def _block(columns: Columns, names: tuple[str, ...], dtype: Any) -> np.ndarray:
    """Return columns side by side, `(rows, columns)`, as the graph takes them."""
    block = np.empty((len(columns[names[0]]), len(names)), dtype=dtype)
    for place, name in enumerate(names):
        block[:, place] = columns[name]
    if dtype is object:
        # The one comparison that is made for all cells in C.
        block[block == None] = MISSING  # noqa: E711 - of each cell
    return block if dtype != "datetime64[us]" else block.view(np.int64)
