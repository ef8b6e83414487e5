"""The reference profile: how each column of a table is distributed, without its rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from monitoring.array_summaries import SUMMARIES, ArraySummaries

QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
BINS = 20
ROWS_PER_BIN = 10
"""Minimum rows of a bin of equal shares: fewer would show chance, not the column."""
LARGEST_CATEGORIES = 10_000
"""Maximum number of named categories; rarer ones are counted together, and drift among them is not
seen."""

Column = npt.NDArray[np.generic]
_Numbers = npt.NDArray[np.int64 | np.float64]
_Profile = dict[str, object]


def profile(
    columns: Mapping[str, Column],
    kinds: Mapping[str, str],
    dtypes: Mapping[str, str] | None = None,
) -> dict[str, _Profile]:
    """Return the JSON-ready profile of each column under its own name, in the order given.

    Every column has `kind`, `count` (rows, missing ones included) and `missing` (their share, 0
    to 1). An integer or number has `quantiles` (by probability), `histogram` (`edges`, one more
    than `counts`; the last bin holds its upper edge) and `bins`, to compare a window with: about
    equal shares, or one a value where whole numbers take few. Bin `i` holds the `counts[i]` values
    above `upper[i - 1]`, the first one those from `least` on, up to `upper[i]` itself. A datetime
    has the same as RFC 3339 text in UTC. A boolean or category has `categories` (counts by value,
    the most frequent first) and `other`. A free string has `lengths`, quantiles, histogram and
    bins of its characters, and never a value. An array has `basis` and `summaries`, each of them
    the profile of a number: see `monitoring.array_summaries`.

    Args:
        columns: One array a column, all of one length, as `model_store.schema.columns` has
            them; they are not changed.
        kinds: The kind of each column.
        dtypes: The type of the numbers of each column of arrays, as requests send them.

    Raises:
        ValueError: A number is infinite, or a kind is unknown; the sentence names the column.
    """
    return {
        name: _of_arrays(values, (dtypes or {})[name])
        if kinds[name] == "array"
        else _column(name, values, kinds[name])
        for name, values in columns.items()
    }


def _column(name: str, values: Column, kind: str) -> _Profile:
    missing = _missing(values)
    present = values[~missing]
    described: _Profile = {
        "kind": kind,
        "count": len(values),
        "missing": float(missing.mean()) if len(values) else 0.0,
    }
    match kind:
        case "integer" | "number":
            if not np.isfinite(present.astype(np.float64)).all():
                raise ValueError(f"Column {name!r} holds an infinite number: replace it first.")
            whole = kind == "integer"
            numbers = present.astype(np.int64) if whole else present.astype(np.float64)
            described |= _distribution(numbers, _plain)
        case "datetime":
            microseconds = present.astype("datetime64[us]").astype(np.int64)
            described |= _distribution(microseconds, _moments)
        case "boolean":
            described |= _categories("true" if value else "false" for value in present)
        case "category":
            described |= _categories(str(value) for value in present)
        case "string":
            lengths = np.array([len(str(value)) for value in present], dtype=np.int64)
            described["lengths"] = _distribution(lengths, _plain)
        case _:
            raise ValueError(f"Column {name!r} is of the unknown kind {kind!r}.")
    return described


def _of_arrays(values: Column, dtype: str) -> _Profile:
    """Return the profile of arrays, `(rows, *shape)`."""
    first = values.reshape(len(values), -1)[:, 0]
    missing = _missing(first)
    present = values[~missing]
    described: _Profile = {
        "kind": "array",
        "count": len(values),
        "missing": float(missing.mean()) if len(values) else 0.0,
    }
    if not len(present):
        return described
    # Rows that the components were made of look better than new ones; of one row there is no other.
    order = np.random.default_rng(0).permutation(len(present))
    fitted, others = np.array_split(order, 2)
    summaries = ArraySummaries.fit(present[np.sort(fitted)], dtype)
    found = summaries(present[np.sort(others if len(others) else fitted)])
    gaps = np.full(round(len(found[0]) * int(missing.sum()) / len(present)), np.nan)
    described["basis"] = summaries.profile()
    described["summaries"] = {
        name: _column(name, np.concatenate([numbers, gaps]), "number")
        for name, numbers in zip(SUMMARIES, found, strict=True)
    }
    return described


def _missing(values: Column) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "O":
        return np.array([value is None for value in values], dtype=np.bool_)
    if values.dtype.kind in "fM":
        return np.isnan(values)
    return np.zeros(len(values), dtype=np.bool_)


def _distribution(values: _Numbers, shown: Callable[[_Numbers], list[object]]) -> _Profile:
    """Return quantiles (values that occur), histogram and bins of numbers, none of them missing."""
    if not len(values):
        return {"quantiles": {}, "histogram": {"edges": [], "counts": []}, "bins": None}
    ordered = np.sort(values)
    ranks = np.ceil(np.array(QUANTILES) * len(ordered)).astype(np.int64) - 1
    found = ordered[np.maximum(ranks, 0)]
    edges = _edges(float(ordered[0]), float(ordered[-1]))
    counts, _ = np.histogram(ordered.astype(np.float64), edges)
    return {
        "quantiles": dict(zip(map(str, QUANTILES), shown(found), strict=True)),
        "histogram": {"edges": shown(edges), "counts": counts.tolist()},
        "bins": _bins(ordered, shown),
    }


def _bins(ordered: _Numbers, shown: Callable[[_Numbers], list[object]]) -> _Profile:
    """Return bins that each end after a value that occurs: one that is frequent ends its own.

    Bins of equal width put nearly all of a skewed column into one. Bins of floats end midway to
    the next value: a model's answer that is rounded otherwise elsewhere stays where it belongs.
    """
    is_float = ordered.dtype.kind == "f"
    last = np.unique(ordered)
    if is_float or len(last) > BINS:
        count = int(np.clip(len(ordered) // ROWS_PER_BIN, 1, BINS))
        ranks = np.ceil(np.arange(1, count + 1) * len(ordered) / count).astype(np.int64) - 1
        last = np.unique(ordered[ranks])
    below = np.searchsorted(ordered, last, side="right")
    upper = last.copy()
    if is_float:
        following = ordered[below[:-1]]
        # Halved first, as the sum of two great numbers is none.
        middle = last[:-1] / 2 + following / 2
        upper[:-1] = np.where(middle < following, middle, last[:-1])
    return {
        "least": shown(ordered[:1])[0],
        "upper": shown(upper),
        "counts": np.diff(below, prepend=0).tolist(),
    }


def _edges(least: float, greatest: float) -> npt.NDArray[np.float64]:
    """Return the edges of bins of equal width; one bin for a constant."""
    if least == greatest:
        return np.array([least, greatest])
    # Halved, so that the width of the widest range is still a number.
    edges = np.linspace(least / 2, greatest / 2, BINS + 1) * 2
    edges[0], edges[-1] = least, greatest
    return np.unique(edges)


def _plain(values: _Numbers) -> list[object]:
    return list(values.tolist())


def _moments(microseconds: _Numbers) -> list[object]:
    moments = np.rint(microseconds).astype(np.int64).astype("datetime64[us]")
    return [f"{text}Z" for text in np.datetime_as_string(moments, unit="us")]


def _categories(values: Iterable[str]) -> _Profile:
    counts = Counter(values)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = dict(ordered[:LARGEST_CATEGORIES])
    return {"categories": named, "other": counts.total() - sum(named.values())}
