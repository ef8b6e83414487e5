"""What a reference profile may be: of known shape, with numbers that can be compared."""

from itertools import pairwise
from math import prod
from typing import Annotated, Any

import msgspec
import numpy as np

from model_store.errors import RefusedError
from model_store.schema.signature import MOST_NUMBERS

_MOST_BINS = 10_000
_MOST_CATEGORIES = 100_000
_MOST_CHARACTERS = 100_000

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Value = int | float | str


class _Bins(msgspec.Struct, frozen=True):
    least: _Value
    upper: Annotated[list[_Value], msgspec.Meta(max_length=_MOST_BINS)]
    counts: list[_Count]


class _Histogram(msgspec.Struct, frozen=True):
    edges: Annotated[list[_Value], msgspec.Meta(max_length=_MOST_BINS)]
    counts: list[_Count]


class _Distribution(msgspec.Struct, frozen=True):
    quantiles: dict[str, _Value] = {}
    histogram: _Histogram = _Histogram([], [])
    bins: _Bins | None = None


class _Basis(msgspec.Struct, frozen=True, kw_only=True):
    """The main directions of arrays; `monitoring.array_summaries` reads them."""

    dtype: str
    shape: Annotated[list[Annotated[int, msgspec.Meta(ge=1)]], msgspec.Meta(max_length=8)]
    pooled: Annotated[int, msgspec.Meta(ge=1)]
    center: str
    components: str
    scales: str


class _Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Of one column; what is not of its kind is empty."""

    kind: str
    count: _Count
    missing: Annotated[float, msgspec.Meta(ge=0, le=1)]
    quantiles: dict[str, _Value] = {}
    histogram: _Histogram = _Histogram([], [])
    bins: _Bins | None = None
    categories: Annotated[dict[str, _Count], msgspec.Meta(max_length=_MOST_CATEGORIES)] = {}
    other: _Count = 0
    lengths: _Distribution | None = None
    basis: _Basis | None = None
    summaries: dict[str, "_Profile"] = {}


def check_reference(content: bytes) -> None:
    """See that a reference profile can be read by whoever compares with it.

    Raises:
        RefusedError: it cannot.
    """
    try:
        profiles = msgspec.json.decode(content, type=dict[str, _Profile])
        for profile in profiles.values():
            _check_profile(profile)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise RefusedError(f"reference.json is damaged ({error}): publish again.") from error


def _check_profile(profile: _Profile) -> None:
    _check(profile, is_moment=profile.kind == "datetime")
    if profile.lengths is not None:
        _check(profile.lengths, is_moment=False)
    if (profile.basis is None) != (not profile.summaries) or prod(
        profile.basis.shape if profile.basis else ()
    ) > MOST_NUMBERS:
        raise ValueError("the summaries of an array lack what computes them")
    for summary in profile.summaries.values():
        if summary.kind != "number" or summary.summaries:
            raise ValueError("the summary of an array is no number")
        _check_profile(summary)


def _check(found: _Distribution | _Profile, *, is_moment: bool) -> None:
    edges, counts = found.histogram.edges, found.histogram.counts
    if len(edges) != len(counts) + bool(edges):
        raise ValueError("a histogram has not one count a bin")
    _check_order(edges, is_moment=is_moment)
    if found.bins:
        if len(found.bins.upper) != len(found.bins.counts):
            raise ValueError("a column has not one count a bin")
        _check_order([found.bins.least, *found.bins.upper], is_moment=is_moment)
    _numbers(found.quantiles.values(), is_moment=is_moment)


def _check_order(values: Any, *, is_moment: bool) -> None:
    found = _numbers(values, is_moment=is_moment)
    if any(first > second for first, second in pairwise(found)):
        raise ValueError("bins are out of order")


def _numbers(values: Any, *, is_moment: bool) -> list[float]:
    """Return values as numbers, moments in microseconds.

    Raises:
        ValueError: one is none.
    """
    listed = list(values)
    if is_moment != all(isinstance(value, str) for value in listed) and listed:
        raise ValueError("a value is of another kind")
    if is_moment:
        texts = [value.removesuffix("Z")[:_MOST_CHARACTERS] for value in listed]
        moments = np.array(texts, "datetime64[us]")
        if np.isnat(moments).any():
            raise ValueError("a moment is none")
        return list(moments.astype(np.int64).tolist())
    if any(isinstance(value, str) for value in listed):
        raise ValueError("a value is of another kind")
    found = np.array(listed, np.float64)
    if not np.isfinite(found).all():
        raise ValueError("a number is not finite")
    return list(found.tolist())
