"""When a window is called different from its reference."""

import math
from collections import Counter
from typing import Any, cast

import numpy as np
import pytest

from monitoring.log.database.views import Side, ViewColumn
from monitoring.statistics import profile
from monitoring.windows.column_counts import count_columns
from monitoring.windows.columns import window_columns
from monitoring.windows.drift import ColumnDrift, Drift, Thresholds, measure_drift
from tests.monitoring.windows.small_windows import columns_of, window_of

RANDOM = np.random.default_rng(1)
NORMAL = RANDOM.normal(0, 1, 1000).tolist()


@pytest.fixture(autouse=True)
def _own_draws() -> None:
    """Begin the draws anew for each test: otherwise the order of the tests decides its rows."""
    RANDOM.bit_generator.state = np.random.default_rng(2).bit_generator.state


def drift_of(kinds: dict[str, str], training: dict[str, Any], **values: Any) -> dict[Side, Drift]:
    """Return the drift of a window of these values."""
    return measure_drift(count_columns(window_of(columns_of(kinds, training), **values)))


def column_drift(kind: str, training: list[Any], values: list[Any]) -> ColumnDrift:
    """Return the drift of one column."""
    return drift_of({"x": kind}, {"x": training}, x=values)["input"].columns[0]


def test_the_reference_itself_has_not_drifted() -> None:
    """No effect, and nothing that chance would not make."""
    assert column_drift("number", NORMAL, NORMAL) == ColumnDrift("x", 0, 0, 1, drifted=False)


def test_effects_are_those_of_the_books() -> None:
    """Shares are 1/2 and 1/2 against 1/5 and 4/5, with very many rows."""
    found = column_drift(
        "boolean", [True, False] * 50_000, [True, False, False, False, False] * 20_000
    )
    psi = (0.5 - 0.2) * math.log(0.5 / 0.2) + (0.5 - 0.8) * math.log(0.5 / 0.8)
    middle = (0.35, 0.65)
    divergence = sum(
        0.5 * share * math.log2(share / between)
        for shares in ((0.5, 0.5), (0.2, 0.8))
        for share, between in zip(shares, middle, strict=True)
    )
    assert found.psi == pytest.approx(psi, rel=1e-3)
    assert found.jensen_shannon == pytest.approx(math.sqrt(divergence), rel=1e-3)
    assert found.p_value < 1e-100


@pytest.mark.slow  # many windows
def test_chance_is_taken_off_the_effect() -> None:
    """Small samples of one distribution differ by an index of 0.1; on average none is left."""
    random = np.random.default_rng(0)
    found = [
        column_drift(
            "number", random.normal(0, 1, 100).tolist(), random.normal(0, 1, 1000).tolist()
        )
        for _ in range(200)
    ]
    assert np.mean([drift.psi for drift in found]) < 0.05
    assert np.mean([drift.drifted for drift in found]) < 0.02


def test_the_correction_is_as_large_as_the_effect_of_chance() -> None:
    """A fiftieth of the index of two bins with a hundred rows each, its share of the distance."""
    training, values = [True, False] * 50, [True, False, False, False, False] * 20
    small = column_drift("boolean", training, values)
    large = column_drift("boolean", training * 1000, values * 1000)
    assert large.psi - small.psi == pytest.approx(1 / 50, abs=0.01)
    squares = [drift.jensen_shannon**2 for drift in (large, small)]
    assert squares[0] - squares[1] == pytest.approx(1 / 50 / (8 * math.log(2)), abs=0.002)


def test_categories_that_a_small_reference_missed_are_no_drift() -> None:
    """Samples differ in rare categories; the reference gives the number to expect."""
    random = np.random.default_rng(0)
    names = [f"c{number}" for number in range(60)]
    shares = 1 / np.arange(1, 61)
    shares /= shares.sum()
    found = []
    for _ in range(60):
        training, values = (random.choice(names, rows, p=shares).tolist() for rows in (200, 1000))
        found.append(column_drift("category", training, values))
    assert np.mean([drift.drifted for drift in found]) < 0.05
    assert np.mean([drift.psi for drift in found]) < 0.05
    assert np.mean([drift.p_value < 0.05 for drift in found]) < 0.2


def drawn(count: int, rows: int) -> list[str]:
    """Return so many rows of so many categories, all of them equally likely."""
    return [f"c{number}" for number in RANDOM.integers(0, count, rows)]


def drift_of_named(named: int, training: list[str], values: list[str]) -> ColumnDrift:
    """Return the drift of a column of which the reference names so many categories."""
    described = profile({"x": np.array(training, "object")}, {"x": "category"})["x"]
    counts = list(cast("dict[str, int]", described["categories"]).items())
    described["categories"] = dict(counts[:named])
    described["other"] = sum(count for _, count in counts[named:])
    known = [ViewColumn("x", "category", "input")]
    columns = window_columns(known, {"x": described}, seen={"x": set(training)})
    return measure_drift(count_columns(window_of(columns, x=values)))["input"].columns[0]


@pytest.mark.parametrize(
    ("count", "rows"), [(100, 500), (200, 500), (300, 1000), (300, 2000), (2000, 1000)]
)
def test_many_categories_are_no_drift(count: int, rows: int) -> None:
    """That holds for few rows of each in the reference."""
    found = [column_drift("category", drawn(count, rows), drawn(count, 1000)) for _ in range(40)]
    assert np.mean([drift.drifted for drift in found]) < 0.1


def test_one_of_many_categories_that_grew_is_drift() -> None:
    """It was among the rarest of the reference."""
    training, values = drawn(300, 2000), drawn(300, 1000)
    [(rarest, _)] = Counter(training).most_common()[-1:]
    assert not column_drift("category", training, values).drifted
    assert column_drift("category", training, [*values[:850], *[rarest] * 150]).drifted


@pytest.mark.parametrize(
    ("count", "rows"), [(150, 1000), (200, 500), (200, 2000), (300, 2000), (2000, 1000)]
)
def test_more_categories_than_have_names_are_no_drift(count: int, rows: int) -> None:
    """Those with a name are the frequent ones of the reference, by chance: not of the window."""
    found = [drift_of_named(100, drawn(count, rows), drawn(count, 1000)) for _ in range(40)]
    assert np.mean([drift.drifted for drift in found]) < 0.1


def test_names_that_chance_gave_are_no_difference() -> None:
    """The test alone finds none either, although many rows would make a small one certain."""
    found = [drift_of_named(100, drawn(200, 2000), drawn(200, 2000)) for _ in range(40)]
    assert np.mean([drift.p_value < 0.05 for drift in found]) < 0.125


def test_a_frequent_category_is_compared_however_many_have_no_name() -> None:
    """A frequent category has a cell of its own beside many without a name."""
    training = [*["a"] * 600, *drawn(300, 1400)]
    assert not drift_of_named(100, training, [*["a"] * 300, *drawn(300, 700)]).drifted
    assert drift_of_named(100, training, [*["a"] * 600, *drawn(300, 400)]).drifted


def test_how_many_unseen_ones_to_expect_is_uncertain() -> None:
    """Five categories of one row and twenty of two may well have been fifteen and fifteen."""
    rare = [f"once {number}" for number in range(5)] + [f"twice {n}" for n in range(20)] * 2
    training = [*["a"] * 455, *rare]
    known = [*["a"] * 910, *rare]
    assert column_drift("category", training, [*known, *["new"] * 45]).p_value > 0.05
    few = [name for name in rare if name.startswith("once")]
    many = [*["a"] * 995, *few]
    assert column_drift("category", many, [*["a"] * 950, *["new"] * 50]).p_value < 0.05


def test_rare_categories_that_now_are_frequent_are_drift() -> None:
    """The reference lets only some be expected."""
    training = [*["a"] * 100, *[f"c{number}" for number in range(5)]]
    assert not column_drift("category", training, [*["a"] * 190, *["new"] * 10]).drifted
    assert column_drift("category", training, [*["a"] * 140, *["new"] * 60]).drifted


def test_the_tests_of_a_column_are_corrected_for_their_number() -> None:
    """Its values and what is missing are two."""
    shifted = [value + 0.2 for value in NORMAL]
    alone = column_drift("number", NORMAL, shifted).p_value
    both = column_drift("number", [*NORMAL, None], [*shifted, None]).p_value
    assert both == pytest.approx(2 * alone)


@pytest.mark.parametrize(
    ("kind", "training", "values"),
    [
        ("number", NORMAL, [value + 0.5 for value in NORMAL]),
        ("number", NORMAL, [value * 2 for value in NORMAL]),
        ("integer", [1, 2, 3, 4] * 50, [1, 2, 2, 2] * 50),
        ("string", ["short"] * 200, ["a text that is longer"] * 200),
        ("datetime", ["2025-01-01"] * 200, ["2026-01-01T00:00:00Z"] * 200),
        ("boolean", [True, False] * 100, [True] * 200),
        ("category", ["a", "b"] * 100, ["b"] * 200),
        ("category", ["a", "b"] * 100, [*["a", "b"] * 90, *["new"] * 20]),
        ("category", ["a", "b"] * 100, ["new"] * 200),
        ("number", NORMAL, [*NORMAL[:180], *[None] * 20]),
        ("number", [1.0, None] * 100, [1.0] * 200),
        ("number", [1.0] * 200, [None] * 200),
    ],
)
def test_drift_is_seen(kind: str, training: list[Any], values: list[Any]) -> None:
    """In the place, the spread or the shares, of unseen categories, of missing values."""
    assert column_drift(kind, training, values).drifted


def test_effect_and_test_must_agree() -> None:
    """Many rows make a small effect certain; few make a large one a matter of chance."""
    many = RANDOM.normal(0, 1, 20_000)
    small = column_drift("number", many.tolist(), (many + 0.1).tolist())
    assert small.p_value < 1e-9
    assert not small.drifted
    few = column_drift("boolean", [True, False] * 10, [True] * 72 + [False] * 28)
    assert few.psi > 0.1
    assert not few.drifted


def test_a_column_may_have_its_own_threshold() -> None:
    """The others keep theirs."""
    columns = columns_of({"a": "number", "b": "number"}, {"a": NORMAL, "b": NORMAL})
    shifted = [value + 0.5 for value in NORMAL]
    counted = count_columns(window_of(columns, a=shifted, b=shifted))
    found = measure_drift(counted, Thresholds(columns={"a": 9.0}))["input"]
    assert [column.drifted for column in found.columns] == [False, True]


@pytest.mark.parametrize(("shifted", "is_dataset"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_dataset_drifts_by_the_share_of_its_columns(shifted: int, *, is_dataset: bool) -> None:
    """One of four is not the dataset, half of them are."""
    names = "abcd"
    values = {
        name: [value + (place < shifted) for value in NORMAL] for place, name in enumerate(names)
    }
    found = drift_of(dict.fromkeys(names, "number"), dict.fromkeys(names, NORMAL), **values)
    assert found["input"].share == shifted / 4
    assert found["input"].drifted is is_dataset


def test_the_share_that_makes_a_drifted_dataset_is_reached_by_itself() -> None:
    """It is the least share that does."""
    columns = columns_of({"a": "number", "b": "number"}, {"a": NORMAL, "b": NORMAL})
    counted = count_columns(window_of(columns, a=NORMAL, b=[value + 1 for value in NORMAL]))
    assert measure_drift(counted, Thresholds(drifted_share=0.5))["input"].drifted
    assert not measure_drift(counted, Thresholds(drifted_share=0.51))["input"].drifted


def test_predictions_drift_by_themselves() -> None:
    """Their side is judged apart from the inputs."""
    kinds = {"x": "number", "y": "category"}
    training = {"x": NORMAL, "y": ["a", "b"] * 500}
    found = drift_of(kinds, training, x=NORMAL, y=["a"] * 1000)
    assert not found["input"].drifted
    assert found["output"].drifted
    assert [column.name for column in found["output"].columns] == ["y"]


def test_p_values_are_corrected_for_the_columns_of_their_side() -> None:
    """The least of twenty is multiplied by twenty."""
    shifted = [value + 0.2 for value in NORMAL]
    alone = column_drift("number", NORMAL, shifted).p_value
    names = [f"x{number}" for number in range(20)]
    values = dict.fromkeys(names, NORMAL) | {"x7": shifted}
    found = drift_of(dict.fromkeys(names, "number"), dict.fromkeys(names, NORMAL), **values)
    assert found["input"].columns[7].p_value == pytest.approx(20 * alone)


def test_few_rows_and_no_reference_are_not_judged() -> None:
    """The verdict is neither drift nor its absence."""
    kinds = {"x": "number"}
    assert drift_of(kinds, {"x": NORMAL}, x=[9.0] * 99) == {}
    assert drift_of(kinds, {"x": NORMAL}, x=[9.0] * 100)["input"].drifted
    columns = window_columns([ViewColumn("x", "number", "input")], {})
    assert measure_drift(count_columns(window_of(columns, x=NORMAL))) == {}


def test_a_column_that_was_always_missing_may_go_on_so() -> None:
    """Values that then come are drift."""
    assert not column_drift("number", [np.nan] * 200, [None] * 200).drifted
    assert column_drift("number", [np.nan] * 200, [1.0] * 200).drifted
