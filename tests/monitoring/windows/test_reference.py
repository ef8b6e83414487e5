"""A reference profile, read to be compared with."""

import json
from typing import Any

import numpy as np
import pytest

from monitoring.statistics import profile
from monitoring.windows.reference import Reference, read_reference


def read(values: Any, kind: str, *, old: bool = False) -> Reference:
    """Return the reference of one column, from a profile as it was before there were bins."""
    described: dict[str, Any] = json.loads(json.dumps(profile({"x": values}, {"x": kind})["x"]))
    if old:
        del described["bins"]
    return read_reference(described, kind)


def test_bins_are_open_at_both_ends() -> None:
    """A bin below the least value and one above the greatest, which training left empty."""
    reference = read(np.array([1, 1, 2, 4]), "integer")
    assert reference.edges.tolist() == [1, 1, 2, 4]
    assert reference.counts.tolist() == [0, 2, 1, 1, 0]


def test_rows_are_present_or_missing() -> None:
    """Missing ones are counted, not a share."""
    reference = read(np.array([1.0, np.nan, np.nan]), "number")
    assert (reference.rows, reference.missing, reference.counts.sum()) == (3, 2, 1)


def test_dates_are_seconds() -> None:
    """Since 1970, with their microseconds."""
    dates = np.array(["1970-01-02", "1970-01-01T00:00:00.000001"], "datetime64[us]")
    assert read(dates, "datetime").edges.tolist() == [1e-6, 1e-6, 86400]


def test_texts_are_lengths() -> None:
    """No more is known of them."""
    assert read(np.array(["a", "bcd"], object), "string").edges.tolist() == [1, 1, 3]


def test_categories_are_those_of_the_profile() -> None:
    """Most frequent first, then the other ones, then those unseen."""
    reference = read(np.array([True, False, True]), "boolean")
    assert reference.categories == ("true", "false")
    assert reference.counts.tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize("values", [[1.0, 2, 2, 3, 3, 3, 11], [5.0], [0.0, 1e300]])
def test_an_old_profile_is_read_by_its_histogram(values: list[float]) -> None:
    """Each value is counted in the bin that the histogram has it in, also one on an edge."""
    reference = read(np.array(values), "number", old=True)
    edges = reference.edges
    places = np.searchsorted(edges[1:], values)
    counts = np.bincount(places, minlength=len(edges) - 1)
    assert reference.counts.tolist() == [0, *counts, 0]


@pytest.mark.parametrize("kind", ["number", "datetime", "string", "category"])
def test_nothing_known_is_read_as_nothing(kind: str) -> None:
    """No profile, one of another kind, and one of a column that was missing altogether."""
    empty = np.array(["NaT"], "datetime64[us]") if kind == "datetime" else np.array([None], object)
    known = json.loads(json.dumps(profile({"x": np.array([True])}, {"x": "boolean"})["x"]))
    for reference in (read_reference(None, kind), read_reference(known, kind)):
        assert reference.rows == 0
        assert reference.counts.tolist() == [0, 0]
    if kind != "number":
        reference = read(empty, kind)
        assert (reference.rows, reference.missing) == (1, 1)
        assert reference.counts.tolist() == [0, 0]


def test_values_rounded_otherwise_are_within_the_range() -> None:
    """A compiled model's greatest answer may be a bit greater than the estimator's."""
    described = profile({"x": np.array([0.1, 0.3] * 50)}, {"x": "number"})["x"]
    reference = read_reference(described, "number")
    assert reference.edges[0] < 0.1
    assert np.nextafter(0.3, 1) < reference.edges[-1] < 0.3 + 1e-6
