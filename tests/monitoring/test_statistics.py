"""The reference profile of a table, each column under its own name."""

import json
from typing import Any

import numpy as np
import pytest

from monitoring.statistics import BINS, LARGEST_CATEGORIES, ROWS_PER_BIN, profile


def of(values: Any, kind: str) -> dict[str, Any]:
    """Return the profile of one column, through JSON."""
    described: dict[str, Any] = json.loads(
        json.dumps(profile({"x": values}, {"x": kind})["x"], allow_nan=False)
    )
    return described


def test_statistics_stand_under_their_own_column() -> None:
    """A defect of the replaced template: names were sorted in place, the values were not."""
    columns = {name: np.full(3, value) for name, value in {"c": 3.0, "a": 1.0, "B": 2.0}.items()}
    kinds = {"a": "number", "B": "number", "c": "number"}
    described: dict[str, Any] = profile(columns, kinds)
    assert list(described) == ["c", "a", "B"]
    assert list(columns) == ["c", "a", "B"]
    medians = {name: column["quantiles"]["0.5"] for name, column in described.items()}
    assert medians == {"a": 1.0, "B": 2.0, "c": 3.0}


def test_a_table_is_left_as_it_is() -> None:
    """No array is sorted in place: these could not be."""
    values = np.array([3.0, 1.0, 2.0])
    words = np.array(["b", "a", None], dtype=object)
    for array in (values, words):
        array.flags.writeable = False
    profile({"n": values, "s": words}, {"n": "number", "s": "category"})
    assert values.tolist() == [3.0, 1.0, 2.0]


def test_numbers_have_quantiles_and_a_histogram() -> None:
    """Quantiles are values that occur; every value is in one bin; missing ones are a share."""
    described = of(np.array([*range(1, 101), *[np.nan] * 100], dtype=np.float64), "number")
    assert described["kind"] == "number"
    assert (described["count"], described["missing"]) == (200, 0.5)
    quantiles = described["quantiles"]
    assert (quantiles["0.0"], quantiles["0.5"], quantiles["0.95"], quantiles["1.0"]) == (
        1,
        50,
        95,
        100,
    )
    histogram = described["histogram"]
    assert histogram["counts"] == [5] * BINS
    assert (histogram["edges"][0], histogram["edges"][-1]) == (1, 100)
    assert len(histogram["edges"]) == BINS + 1


def test_integers_stay_integers() -> None:
    """Nullable or not."""
    assert of(np.array([1, 2, 3]), "integer")["quantiles"]["1.0"] == 3
    described = of(np.array([1.0, np.nan]), "integer")
    assert json.dumps(described["quantiles"]["1.0"]) == "1"


@pytest.mark.parametrize(
    "values",
    [[7.0], [1e300] * 5, [-1.7e308, 1.7e308], [5e-324, 1e-323], [1e17, 1e17 + 16], [0.0, -0.0]],
)
def test_any_range_has_a_histogram(values: list[float]) -> None:
    """A constant, the widest range and the narrowest: all values are counted, all edges finite."""
    histogram = of(np.array(values), "number")["histogram"]
    assert sum(histogram["counts"]) == len(values)
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1
    assert np.isfinite(histogram["edges"]).all()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([], dtype=np.float64), "number"),
        (np.array([np.nan, np.nan]), "integer"),
        (np.array(["NaT"], dtype="datetime64[us]"), "datetime"),
        (np.array([None], dtype=object), "string"),
    ],
)
def test_nothing_to_describe_is_described_as_such(values: Any, kind: str) -> None:
    """An empty column and one that is missing altogether."""
    described = of(values, kind)
    distribution = described["lengths"] if kind == "string" else described
    assert distribution["quantiles"] == {}
    assert distribution["histogram"] == {"edges": [], "counts": []}
    assert distribution["bins"] is None
    assert described["missing"] == (1.0 if len(values) else 0.0)


def test_bins_hold_equal_shares_of_a_skewed_column() -> None:
    """A histogram has nearly all of it in its first bin."""
    values = np.exp(np.random.default_rng(0).normal(0, 3, 1000))
    described = of(values, "number")
    assert described["histogram"]["counts"][0] > 900
    assert described["bins"]["counts"] == [1000 // BINS] * BINS
    assert described["bins"]["least"] == values.min()
    assert described["bins"]["upper"][-1] == values.max()


def test_a_value_that_occurs_often_ends_its_bin() -> None:
    """The bin ends midway to the next value, so that rounding does not mix them."""
    values = np.array([*[0.0] * 600, *np.linspace(0.5, 1, 400)])
    bins = of(values, "number")["bins"]
    assert (bins["least"], bins["upper"][0], bins["counts"][0]) == (0, 0.25, 600)
    assert bins["counts"][1:] == [50] * 8


def test_no_bin_ends_where_the_next_value_is() -> None:
    """Neighbours among floats have nothing between them; the greatest have no sum."""
    most = np.finfo(np.float64).max
    for low, high in ((1.0, np.nextafter(1, 2)), (-most, most)):
        bins = of(np.array([low] * 60 + [high] * 60), "number")["bins"]
        assert bins["counts"] == [60, 60]
        assert low <= bins["upper"][0] < high == bins["upper"][1]


def test_whole_numbers_of_few_values_have_a_bin_each() -> None:
    """That holds for rare values too."""
    bins = of(np.array([*[3] * 500, 1, 9]), "integer")["bins"]
    assert bins == {"least": 1, "upper": [1, 3, 9], "counts": [1, 500, 1]}


def test_few_rows_make_few_bins() -> None:
    """Each bin of a small reference holds enough rows to be compared."""
    counts = of(np.linspace(0, 1, 95), "number")["bins"]["counts"]
    assert len(counts) == 95 // ROWS_PER_BIN
    assert min(counts) >= ROWS_PER_BIN
    assert of(np.array([0.5, 0.7]), "number")["bins"]["counts"] == [2]


def test_dates_and_lengths_have_bins() -> None:
    """Dates as text, as elsewhere in the profile."""
    day = "2026-01-01T00:00:00.000000Z"
    assert of(np.array(["2026-01-01"], dtype="datetime64[us]"), "datetime")["bins"] == {
        "least": day,
        "upper": [day],
        "counts": [1],
    }
    lengths = of(np.array(["a", "bc", "de"], dtype=object), "string")["lengths"]
    assert lengths["bins"]["counts"] == [1, 2]


def test_categories_are_counted_the_most_frequent_first() -> None:
    """Missing is no category, and a category called `other` is not the rest."""
    described = of(np.array(["b", "other", "b", None, "Ä"], dtype=object), "category")
    assert list(described["categories"].items()) == [("b", 2), ("other", 1), ("Ä", 1)]
    assert described["other"] == 0
    assert described["missing"] == 0.2


def test_many_categories_are_bounded() -> None:
    """The rarest are counted together."""
    values = [str(number) for number in range(LARGEST_CATEGORIES + 50)] + ["5"]
    described = of(np.array(values, dtype=object), "category")
    assert len(described["categories"]) == LARGEST_CATEGORIES
    assert next(iter(described["categories"])) == "5"
    assert described["other"] == 50


@pytest.mark.parametrize(
    "values",
    [np.array([True, False, True]), np.array([1.0, 0.0, 1.0]), np.array([1.0, 0, 1, np.nan])],
)
def test_booleans_are_categories(values: Any) -> None:
    """Nullable or not."""
    assert of(values, "boolean")["categories"] == {"true": 2, "false": 1}


def test_free_strings_show_their_lengths_alone() -> None:
    """A value could be a name."""
    described = of(np.array(["Zoë", "Bartholomew", None], dtype=object), "string")
    assert described["lengths"]["quantiles"]["0.0"] == 3
    assert described["lengths"]["quantiles"]["1.0"] == 11
    assert "Zo" not in json.dumps(described)


def test_dates_are_described_as_dates() -> None:
    """They are RFC 3339 in UTC, as in the signature."""
    dates = np.array(["2026-01-01", "2026-01-21", "NaT"], dtype="datetime64[us]")
    described = of(dates, "datetime")
    assert described["quantiles"]["0.0"] == "2026-01-01T00:00:00.000000Z"
    assert described["histogram"]["edges"][1] == "2026-01-02T00:00:00.000000Z"
    assert sum(described["histogram"]["counts"]) == 2


@pytest.mark.parametrize(("values", "kind"), [([np.inf], "number"), ([1.0], "period")])
def test_a_column_that_cannot_be_described_is_named(values: list[float], kind: str) -> None:
    """An infinite number, an unknown kind."""
    with pytest.raises(ValueError, match="'x'"):
        of(np.array(values), kind)
